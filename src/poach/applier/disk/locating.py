"""Finding the place of a diff in a tree, and applying it there in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby

from poach.applier import excluding
from poach.applier.belonging import unproven
from poach.applier.diff import DiffError, FileDiff, NamedDiff
from poach.applier.disk import absent, creating
from poach.applier.disk.editing import Attempt, Commit
from poach.applier.disk.naming import Naming, may_create
from poach.applier.disk.overlay import Overlay
from poach.applier.filenames import names, shown
from poach.applier.paths import clean, stripped
from poach.applier.rejects import Fault, Reject, in_part, show
from poach.errors import Faults

_MOST_SOUGHT = 50  # files that are looked for in the tree
_MOST_PLACES = 8  # as many are named where a diff applies in several


def apply(overlay: Overlay, diff: NamedDiff) -> Attempt:
    """Apply one diff where it fits; rejects name the patch and its owner."""
    try:
        directory = _directory(overlay, diff.directory)
        files, left = excluding.read(diff.data, diff.exclude)
        attempt = _placed(overlay, diff._replace(directory=directory), files)
        attempt.excluded = tuple(left)
        _settle(overlay, attempt, files)
        _refuse_absent(overlay, directory, attempt)
    except (DiffError, Faults) as error:
        faults = error.faults if isinstance(error, Faults) else (error,)
        found = [Reject("", "", "bad diff", str(fault)) for fault in faults]
        return _refused(overlay, diff, found)
    except Fault as fault:
        return _refused(overlay, diff, fault.rejects)
    rejects = in_part(attempt.rejects, attempt.placed or attempt.changes)
    attempt.rejects = [
        each._replace(
            patch=diff.name,
            owner=diff.owner,
            strip=attempt.strip,
            directory=attempt.directory,
        )
        for each in rejects
    ]
    return attempt


def _settle(overlay: Overlay, attempt: Attempt, files: Sequence[FileDiff]) -> None:
    """Say of absent files where they are, and of the diff what else of it fits."""
    rejects = [
        absent.settled(overlay, each, *attempt.absent[each.path])
        if each.path in attempt.absent
        else each
        for each in attempt.rejects
    ]
    if len({file.part for file in files}) < 2:
        rejects = [each._replace(subject="") for each in rejects]
    found = [*_in_part(attempt, rejects, files), *rejects]
    attempt.rejects = [_with_directory(each, attempt.directory) for each in found]


def _in_part(
    attempt: Attempt, rejects: Sequence[Reject], files: Sequence[FileDiff]
) -> Iterator[Reject]:
    """Say how many files are there and fit, where others are nowhere."""
    missing = [each for each in rejects if each.reason == "missing"]
    if not all(map(absent.is_nowhere, missing)):
        return
    lacking = {each.path for each in missing}
    count = len({shown(file) for file in files if file.git or not file.lost})
    there = count - len(lacking)
    if not lacking or there <= 0:
        return
    if len(missing) == len(rejects):
        are, fits = ("is", "fits") if there == 1 else ("are", "fit")
        detail = f"{there} of {count} files of the diff {are} in the tree and {fits}; "
        detail += f"{_others(len(lacking))} not in this sdist"
    else:
        are = "is" if len(lacking) == 1 else "are"
        detail = f"{len(lacking)} of {count} files of the diff {are} not in this sdist"
    yield Reject("", "", "missing in part", detail)


def _with_directory(reject: Reject, directory: str) -> Reject:
    """Add the folder to the reject of a file that is named as in the diff."""
    if reject.detail != absent.NOWHERE or not directory:
        return reject
    detail = f"{reject.detail}, in the folder {show(directory)!r}"
    return reject._replace(detail=detail)


def _others(count: int) -> str:
    return "the other is" if count == 1 else f"the other {count} are"


def _refused(overlay: Overlay, diff: NamedDiff, found: Iterable[Reject]) -> Attempt:
    """Return the attempt with a diff that has no place, or several."""
    mine = [each._replace(patch=diff.name, owner=diff.owner) for each in found]
    return Attempt(overlay.child(), diff.strip or 0, "", rejects=mine)


def _directory(overlay: Overlay, given: str | None) -> str | None:
    """Return the directory as a clean path; refuse what is no folder in the tree.

    One that is not there yet may be made by the diff.
    """
    if not given:
        return given
    try:
        path = clean(given)
        if path and overlay.blocks(path):
            raise Fault.of("directory", "is a symlink or file")
        if path:
            overlay.entry(f"{path}/x")
    except Fault as fault:
        detail = fault.rejects[0].detail
        raise Fault.of("directory", f"the directory {show(given)!r} {detail}") from None
    return path


def _refuse_absent(overlay: Overlay, directory: str | None, attempt: Attempt) -> None:
    """Raise an error about the directory if no file of the diff is in it."""
    missing = attempt.rejects and all(
        reject.reason == "missing" for reject in attempt.rejects
    )
    if directory and missing and overlay.lacks(directory):
        detail = f"the directory {show(directory)!r} is not in the tree"
        raise Fault.of("directory", detail)


def _placed(overlay: Overlay, diff: NamedDiff, files: Sequence[FileDiff]) -> Attempt:
    """Return the attempt at the right place, or the most plausible failure."""

    def attempt(strip: int, directory: str) -> Attempt:
        return _attempt(overlay, files, strip, directory, diff)

    real = [file for file in files if file.git or not file.lost]

    if diff.strip is not None:
        return attempt(diff.strip, diff.directory or "")
    strips = _usual_strips(overlay, real, diff.directory or "")
    usual = [attempt(strip, diff.directory or "") for strip in strips]
    for each in usual:
        if not each.rejects:
            return each
    here = [each for each in usual if not _leads_out(real, each.strip)]
    if any(each.has_files for each in here):  # it is here, and nowhere else
        return max(here, key=lambda each: (each.has_files, each.plausible))
    best = max(usual, key=lambda each: each.plausible)
    right: dict[tuple[str, ...], Attempt] = {}
    wrong: dict[tuple[str, ...], Attempt] = {}
    for place in _places(overlay, real, diff.directory):
        each = attempt(*place)
        if not each.rejects:
            right.setdefault(_changed(overlay, real, each), each)
        elif each.has_files:
            wrong.setdefault(_changed(overlay, real, each), each)
        if each.rejects and each.plausible > best.plausible:
            best = each
        if len(right) >= _MOST_PLACES:
            break
    if len(right) > 1:
        raise Fault.of("ambiguous", _which(right.values()))
    for one in right.values():
        _refuse_copies(one, [each for key, each in wrong.items() if key not in right])
        return one
    return best


def _changed(
    overlay: Overlay, files: Sequence[FileDiff], place: Attempt
) -> tuple[str, ...]:
    """Return the files of the tree that the diff changes or deletes at a place."""
    naming = Naming(place.strip, place.directory, overlay.entry)
    found = []
    for file in files:
        if file.status != "create":
            with suppress(Fault):
                found.append(naming.pair(file)[0])
    return tuple(found)


def _refuse_copies(right: Attempt, wrong: Iterable[Attempt]) -> None:
    """Refuse the one place that fits where another has the files, by names as long.

    The diff may be for that one: it has the change already, or other lines.
    """
    copies = [each for each in wrong if each.strip <= right.strip]
    if copies:
        done = all(_is_done(each) for each in copies)
        why = "the change is there already" if done else "it does not fit there"
        detail = f"fits at {_place(right)}, but its files are also at "
        detail += ", ".join(map(_place, copies[:_MOST_PLACES]))
        raise Fault.of("ambiguous", f"{detail}: {why}")


def _is_done(place: Attempt) -> bool:
    return all(each.reason == "already applied" for each in place.rejects)


def _leads_out(files: Sequence[FileDiff], strip: int) -> bool:
    """Return whether names are absolute or have ``..``: more is to be stripped then."""
    paths = (stripped(name, strip) for file in files for name in names(file))
    return any(path[0] == "/" or ".." in path.split("/") for path in paths if path)


def _which(places: Iterable[Attempt]) -> str:
    return "applies in more than one place: " + ", ".join(map(_place, places))


def _place(place: Attempt) -> str:
    paths = [*place.targets, *(each.path for each in place.rejects)]
    where = show(place.directory) or "."
    return f"strip {place.strip} in {where} ({show(paths[0])})"


def _usual_strips(
    overlay: Overlay, files: Sequence[FileDiff], directory: str
) -> list[int]:
    """Return -p1 and -p0; for what only makes new files the tree says which it is.

    Where no name has a folder, there is none to strip; and names that ``Index:`` has,
    too, are likely whole.
    """
    if not any("/" in name for file in files for name in names(file)):
        return [0]
    if not all(map(_is_new, files)):
        whole = all(set(names(file)) == {file.indexed} for file in files)
        return [0, 1] if whole else [1, 0]
    return [creating.strip_level(overlay, files, directory)] if files else [1]


def _is_new(file: FileDiff) -> bool:
    return file.status == "create" or may_create(file)


def _places(
    overlay: Overlay, files: Sequence[FileDiff], directory: str | None
) -> Iterator[tuple[int, str]]:
    """Yield the strip levels and directories where the first old file is that is
    anywhere."""
    sought = [file for file in files if file.status != "create"]
    for file in sought[:_MOST_SOUGHT]:
        found = list(_places_of(overlay, file, directory))
        if found:
            yield from found
            return


def _places_of(
    overlay: Overlay, file: FileDiff, directory: str | None
) -> Iterator[tuple[int, str]]:
    called = names(file)
    depth = max((name.count("/") for name in called), default=-1)
    seen = set()
    for strip in range(depth + 1):
        for place in _folders(overlay, called, strip, directory):
            if place not in seen:
                seen.add(place)
                yield strip, place[1]


def _folders(
    overlay: Overlay, names: Sequence[str], strip: int, directory: str | None
) -> Iterator[tuple[int, str]]:
    for name in names:
        path = stripped(name, strip)
        if path is None or directory is not None:
            yield from [] if path is None else [(strip, directory or "")]
            continue
        with suppress(Fault):
            tail = clean(path)
            for found in overlay.ending_with(tail):
                yield strip, found[: -len(tail)].rstrip("/")


def _attempt(
    overlay: Overlay,
    files: Sequence[FileDiff],
    strip: int,
    directory: str,
    diff: NamedDiff,
) -> Attempt:
    done = Attempt(overlay.child(), strip, directory)
    if diff.strip is None and not all(map(_is_new, files)):
        found = directory != (diff.directory or "")
        done.unproven = unproven(files, strip, found)
    for _, part in groupby(files, key=lambda file: file.part):
        Commit(done, diff.fuzz, diff.eol).apply(list(part))
    return done
