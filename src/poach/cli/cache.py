"""List, verify and prune the store of patched eggs.

The store is that of a configuration, as buildout reads it, or a given folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poach import pipeline
from poach.cli import config, tables
from poach.cli.saying import complain, say
from poach.errors import PoachError, collect, raise_faults
from poach.pins.build_key import FORMAT
from poach.pins.location import is_url
from poach.store import inuse, usage
from poach.store.entries import ENTRY
from poach.store.inventory import (
    Item,
    OtherFormat,
    aliases_of,
    denied,
    entries_of,
    others,
    sdists_of,
)
from poach.store.manifest import RECORD
from poach.store.pruning import Criteria, Pruning, prune, without_needed
from poach.store.store import SDISTS, Store
from poach.store.verifying import checked, verify

DAY = 24 * 3600


class OtherStore(PoachError):
    """A configuration to keep whose eggs are in another store than this one."""

    cfg: str
    theirs: Path
    ours: Path

    def __str__(self) -> str:
        return f"{self.cfg} keeps its patched eggs in {self.theirs}, not in {self.ours}"


class NoStore(PoachError):
    """A folder that was named as a store and is none, or cannot be read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"Cannot read the patched-egg store {self.path}: {self.reason}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of ``poach cache``, and their arguments."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, action in ACTIONS.items():
        summary = (action.__doc__ or "").partition("; ")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        which = command.add_mutually_exclusive_group()
        config.configure_choice(which)
        which.add_argument(
            "--store",
            type=Path,
            metavar="DIR",
            help="the folder of the store, without any configuration",
        )
        command.add_argument(
            "--json", action="store_true", help="print JSON, for programs"
        )
        if action is _prune:
            _configure_pruning(command)
        config.configure_reading(command)
        command.add_argument(
            "words",
            nargs="*",
            type=config.assignment,
            metavar="SECTION:OPTION=VALUE",
            help="assignments, as for the buildout command",
        )
        command.set_defaults(action=action, command=command, python=None)


def _configure_pruning(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--unused-for",
        type=_days,
        metavar="DAYS",
        help="remove only eggs that nobody has used for so many days",
    )
    command.add_argument(
        "--keep",
        action="append",
        metavar="CONFIG",
        help="remove only eggs that this configuration neither pins nor used "
        "in its last run (may be given several times; the store is that of the first, "
        "unless -c or --store says which)",
    )
    command.add_argument(
        "--even-in-use",
        action="store_true",
        help="remove also eggs of buildouts whose folders still exist: their programs "
        "break until these buildouts run again",
    )
    command.set_defaults(config=None)
    command.add_argument(
        "-n", "--dry-run", action="store_true", help="only print what would be removed"
    )


def _days(word: str) -> float:
    try:
        days = float(word)
    except ValueError:
        days = -1
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of days")
    return days


def run(arguments: argparse.Namespace) -> int:
    """Do what the subcommand says; return the exit code."""
    return int(arguments.action(arguments))


def _store(arguments: argparse.Namespace) -> Store:
    """Return the store that is meant; raise `PoachError`."""
    if arguments.store is not None:
        path = arguments.store.absolute()
        if not path.is_dir():
            raise NoStore(path, "there is no such folder")
        if any(path.glob("*")) and not any(path.glob("[0-9]*")):
            raise NoStore(path, f"it is not a store: there is no folder {FORMAT} in it")
        return Store(path)
    return Store(config.store(arguments, arguments.words))


@contextlib.contextmanager
def _reading(store: Store) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoStore(store.path, str(error)) from error


def _dir(arguments: argparse.Namespace) -> int:
    """Print the folder of the store; return the exit code."""
    path = str(_store(arguments).path)
    found = {"store": path, "format": FORMAT}
    say(json.dumps(found, indent=2) if arguments.json else path)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    """Show what is in the store, and who uses it; return the exit code."""
    store = _store(arguments)
    with _reading(store):
        entries, formats = entries_of(store), others(store)
        aliases = aliases_of(store)
        sdists, unreadable = sdists_of(store), list(denied(store))
    if arguments.json:
        found = {
            "store": str(store.path),
            "entries": [tables.as_json(entry) for entry in entries],
            "stand-ins": [tables.alias_as_json(each) for each in aliases],
            "sdists": [tables.sdist_as_json(each) for each in sdists],
            "other-formats": [tables.format_as_json(other) for other in formats],
            "closed": [
                {"path": str(each.path), "reason": each.reason} for each in unreadable
            ],
        }
        say(json.dumps(found, indent=2))
        return 0
    shown = [line for each in aliases for line in tables.alias(each)]
    shown += map(tables.sdist_line, sdists)
    for line in [*tables.table(entries), *shown, *map(tables.format_line, formats)]:
        say(line)
    every: tuple[Item | OtherFormat, ...] = (*entries, *aliases, *sdists, *formats)
    size = sum(each.size for each in every)
    complain(
        f"{tables.count(len(entries), 'egg')}, {tables.size(size)}, in {store.path}"
    )
    for each in unreadable:
        complain(f"Cannot see what is in {each.path}: {each.reason}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    """Check every file in the store; return 1 if anything differs."""
    store = _store(arguments)
    with _reading(store):
        done = checked(store)
        flaws = list(verify(store))
        fetched = [each for each in entries_of(store) if each.source]
    if arguments.json:
        found = [
            {"path": str(each.path), "reason": each.reason, "closed": each.denied}
            for each in flaws
        ]
        signers = {str(each.path): each.by or None for each in fetched}
        said = {
            "store": str(store.path),
            "checked": {"eggs": done.eggs, "files": done.files, "bytes": done.size},
            "flaws": found,
            "signed-by": signers,
        }
        say(json.dumps(said, indent=2))
    else:
        for flaw in flaws:
            say(str(flaw))
    if not flaws:
        complain(
            f"Checked {tables.count(done.eggs, 'egg')}, "
            f"{tables.count(done.files, 'file')}, {tables.size(done.size)}, "
            f"in {store.path}: all is well"
        )
    unchecked = sum(not each.by for each in fetched)
    if unchecked:
        complain(
            f"{tables.count(unchecked, 'egg')} from servers, signatures not checked"
        )
    damaged = {flaw.path for flaw in flaws if not flaw.denied}
    unreadable = {flaw.path for flaw in flaws if flaw.denied}
    _advise(damaged)
    if unreadable:
        complain(f"{tables.count(len(unreadable), 'place')} that you may not read")
    return 1 if flaws else 0


def _advise(damaged: Collection[Path]) -> None:
    """Print how to replace damaged folders under programs that run from them."""
    folders = [path for path in damaged if path.is_dir()]
    if folders:
        complain(
            f"{tables.count(len(folders), 'damaged folder')}; remove only the record "
            f"in it ({ENTRY}, or {RECORD} in .tools and .aliases), and the next run "
            "that needs the folder makes a new one and swaps both, so that nothing is "
            "missing under a program that runs from it"
        )
    if len(folders) < len(damaged):
        complain(
            f"{tables.count(len(damaged) - len(folders), 'damaged file')}; remove it, "
            "and poach makes it again if it is needed"
        )


def _prune(arguments: argparse.Namespace) -> int:
    """Remove eggs that are not needed; return the exit code."""
    if arguments.unused_for is None and not arguments.keep:
        arguments.command.error(
            "say what may be removed: --unused-for DAYS, --keep CONFIG"
        )
    # Reading a configuration changes the folder in which we are.
    arguments.keep = list(map(_absolute, arguments.keep or ()))
    if arguments.config is None:
        arguments.config = (arguments.keep or [config.DEFAULT])[0]
    arguments.config = _absolute(arguments.config)
    store = _store(arguments)
    idle = None if arguments.unused_for is None else arguments.unused_for * DAY
    kept = _kept(arguments, store) if arguments.keep else None
    criteria = Criteria(time.time(), idle, kept)
    with _reading(store):
        entries = entries_of(store)
        found = [*entries, *aliases_of(store), *sdists_of(store)]
        items: list[Item] = [each for each in found if criteria.item(each)]
        formats = [each for each in others(store) if criteria.format(each)]
        unreadable = [(each.path, each.reason) for each in denied(store)]
        unreadable += [(each.path, each.denied) for each in found if each.denied]
        used = {} if arguments.even_in_use else _in_use(store, items, formats)
        items = [each for each in items if each.path not in used]
        done = prune(
            store,
            without_needed(items, [each for each in entries if each not in items]),
            [each for each in formats if each.path not in used],
            criteria.now,
            arguments.dry_run,
            _outdated(arguments),
        )
    for path, reason in unreadable:
        complain(f"Kept, because you may not read it: {path}: {reason}")
    _tell(arguments, store, done, used)
    raise_faults(done.faults)
    return 0


def _absolute(cfg: str) -> str:
    return cfg if is_url(cfg) else str(Path(cfg).absolute())


def _in_use(
    store: Store, items: Sequence[Item], formats: Sequence[OtherFormat]
) -> dict[Path, list[str]]:
    """Return the users of each path, without names if a note cannot be read."""
    blind = inuse.unreadable(store)
    for path in blind if items or formats else ():
        complain(
            f"{path} cannot be read, so poach does not know which eggs are in use: no "
            "egg is removed.  Remove that file if it is damaged, or use --even-in-use"
        )
    if blind:
        return {
            path: [] for path in (*(i.path for i in items), *(f.path for f in formats))
        }
    return inuse.users(store, items, formats)


def _outdated(arguments: argparse.Namespace) -> list[Path]:
    """Return what an earlier release may have left in the configurations at hand."""
    ours = [arguments.config] if arguments.store is None else []
    configs = dict.fromkeys([*ours, *arguments.keep])
    chosen = (
        argparse.Namespace(**{**vars(arguments), "config": cfg}) for cfg in configs
    )
    return [config.outdated(each, arguments.words) for each in chosen]


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "verify": _verify,
    "prune": _prune,
    "dir": _dir,
}


def _kept(arguments: argparse.Namespace, store: Store) -> Callable[[Item], bool]:
    """Return a function that says which items are needed; raise `PoachError`.

    These are all of a pinned version, for any Python, and what the last
    run used.
    """
    needs = collect(lambda cfg: _needs(arguments, store, cfg), arguments.keep)
    needed = set[str]().union(*needs)
    return lambda item: (
        not needed.isdisjoint({item.place, item.place.rpartition("/")[0]})
    )


def _needs(arguments: argparse.Namespace, store: Store, cfg: str) -> set[str]:
    """Return the versions, and the places of entries, that a configuration needs."""
    chosen = argparse.Namespace(**{**vars(arguments), "config": cfg})
    with config.opened(chosen, arguments.words) as session:
        theirs = session.kit.store.path
        if theirs.resolve() != store.path.resolve():
            raise OtherStore(cfg, theirs, store.path)
        pins = session.patch_sets.values()
        needed = {f"{each.pin.key}/{each.version}" for each in pins}
        needed |= {f"{SDISTS}/{pipeline.seen(each, session.kit)}" for each in pins}
        return needed | usage.current(session.use.noted_before() or {})


def _tell(
    arguments: argparse.Namespace,
    store: Store,
    done: Pruning,
    used: Mapping[Path, Sequence[str]],
) -> None:
    if arguments.json:
        say(json.dumps(_pruning_as_json(arguments, store, done, used), indent=2))
        return
    for each in done.removed:
        inside = each.path.is_relative_to(store.path)
        place = each.path.relative_to(store.path) if inside else each.path
        detail = f"  ({each.detail})" if each.detail else ""
        say(f"{tables.size(each.size):>9}  {each.what}  {place}{detail}")
    for path, users in used.items():
        if users:
            complain(f"Kept {path}: in use by {', '.join(users)}")
    for path in done.busy:
        complain(f"Kept, because another run uses it: {path}")
    word = "would be removed" if arguments.dry_run else "removed"
    complain(f"{tables.size(done.size)} {word}, in {store.path}")


def _pruning_as_json(
    arguments: argparse.Namespace,
    store: Store,
    done: Pruning,
    used: Mapping[Path, Sequence[str]],
) -> dict[str, Any]:
    removed = [
        {
            "path": str(each.path),
            "what": each.what,
            "size": each.size,
            "detail": each.detail or None,
        }
        for each in done.removed
    ]
    return {
        "store": str(store.path),
        "dry-run": arguments.dry_run,
        "removed": removed,
        "busy": [str(path) for path in done.busy],
        "in-use": [
            {"path": str(path), "used-by": list(users)} for path, users in used.items()
        ],
        "size": done.size,
    }
