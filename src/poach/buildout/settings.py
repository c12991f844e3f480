"""The options of a buildout that concern poach, read into one value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from packaging.requirements import InvalidRequirement, Requirement

from poach.buildout import origins
from poach.buildout.origins import OptionError as OptionError
from poach.buildout.store_folder import store_folder
from poach.errors import PoachError, collect, did_you_mean, together
from poach.names import NormalizedName, canonicalize_name, is_patch_name, is_version
from poach.pins.location import Kind, Location, is_url
from poach.pins.pin import Pin, is_pin, refuse_missing_plus
from poach.system import processors

if TYPE_CHECKING:
    from poach.remote.sharing import PublicKey, Sharing

T = TypeVar("T")

RECIPES = ("poach", "poach:default", "poach:egg")

#: What zc.buildout and poach themselves run on is loaded before any patch could be
#: applied; pip and setuptools build everything else.
NEVER_PATCHED = frozenset(
    canonicalize_name(project)
    for project in (
        *("certifi", "charset-normalizer", "filelock", "idna", "packaging", "pip"),
        *("poach", "requests", "setuptools", "urllib3", "wheel"),
        "zc.buildout",
    )
)


class OwnedPin(NamedTuple):
    """A pin, and for each of its names who wrote it."""

    pin: Pin
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a buildout about patches, and where its files are."""

    #: The pins with patches, by canonical name.
    pins: Mapping[NormalizedName, OwnedPin]
    #: The pins without patches of their own, to which others may add some.
    plain: Mapping[NormalizedName, Pin]
    #: The diffs, with absolute paths, by canonical name of the patch.
    diffs: Mapping[str, Sequence[Location]]
    #: The origin of each entry of the patches section.
    diff_owners: Mapping[str, str]
    #: The folders and URLs of patch-path.
    folders: Sequence[str]
    #: The folder of the patched-egg store.
    store: Path
    #: The default fuzz.
    fuzz: int
    #: What to do about patches without effect: error, warn, ignore.
    effect: str
    #: What to do about unused entries, and patches of which nothing is installed: warn,
    #: error, ignore.
    unused: str
    #: What to do about patches that packages ask for: apply, error, ignore.
    requests: str
    #: Projects as written, each with the requirement that replaces it.
    substitutes: Mapping[NormalizedName, tuple[str, str]]
    #: The origin of each substitute.
    substitute_owners: Mapping[NormalizedName, str]
    #: How many eggs may be built side by side.
    jobs: int
    #: The directory of the buildout.
    directory: str
    #: The name of the versions section.
    versions: str
    #: Where distributions come from: find-links.
    links: Sequence[str]
    #: The package index; None for the default.
    index: str | None
    #: The hosts from which distributions may come.
    allow_hosts: Sequence[str]
    #: Whether nothing may be downloaded.
    offline: bool
    #: What builds wheels: auto, uv, pip.
    build_with: str = "auto"
    #: How a remote store is used, None for no remote store.
    sharing: Sharing | None = None
    #: The keys whose signatures count; None if no signature is needed.
    trusted: frozenset[PublicKey] | None = None
    #: Malformed pins, to be raised with the other faults of pins.
    faults: Sequence[PoachError] = ()
    #: The projects that must not be patched.
    unpatchable: frozenset[NormalizedName] = NEVER_PATCHED

    def substitute(self, project: NormalizedName) -> NormalizedName | None:
        """Return the project that stands in for `project`, None for itself."""
        entry = self.substitutes.get(project)
        return canonicalize_name(_requirement(entry[1]).name) if entry else None


def read(
    buildout: Any, unpatchable: frozenset[NormalizedName] = NEVER_PATCHED
) -> Settings:
    """Read the settings of `buildout`; raise the faults of its options together.

    `unpatchable` are the projects on which that buildout runs.
    """
    options = buildout["buildout"]
    options.get("poach-command")  # is for Python 2.7, and not unused for that
    malformed: list[PoachError] = []
    versions = options.get("versions") or ""
    pins = _pins(buildout, versions, unpatchable, malformed)
    faults: list[PoachError] = []
    section = _section(buildout, "patches", faults)
    diffs, owners = _diffs(buildout, section, faults)
    fuzz = _choice(buildout, "patch-fuzz", ("0", "1", "2"), faults)
    effect = _choice(buildout, "patch-effect", ("error", "warn", "ignore"), faults)
    unused = _choice(buildout, "patch-unused", ("warn", "error", "ignore"), faults)
    requests = _choice(buildout, "patch-requests", ("apply", "error", "ignore"), faults)
    build_with = _choice(buildout, "patch-build-with", ("auto", "uv", "pip"), faults)
    section = _section(buildout, "substitutes", faults)
    substitutes = _substitutes(buildout, section, pins, unpatchable, faults)
    jobs = _noting(faults, lambda: _jobs(buildout))
    beside = _beside(buildout, versions, pins)
    folders = _noting(faults, lambda: _folders(buildout, beside))
    store = _noting(faults, lambda: store_folder(buildout))
    shared = _noting(faults, lambda: _sharing(buildout))
    trusted = _noting(faults, lambda: _trusted(buildout))
    if jobs is None or folders is None or store is None or faults:
        raise together([*malformed, *faults])
    return Settings(
        pins={key: owned for key, owned in pins.items() if owned.pin.names},
        plain=_plain(buildout, versions, pins),
        diffs=diffs,
        diff_owners=owners,
        folders=folders,
        store=store,
        fuzz=int(fuzz),
        effect=effect,
        unused=unused,
        requests=requests,
        substitutes=substitutes,
        substitute_owners={
            key: origins.setter(buildout, section, option)
            for key, (option, _) in substitutes.items()
        },
        jobs=jobs,
        build_with=build_with,
        directory=str(options["directory"]),
        versions=versions,
        links=options.get("find-links", "").split(),
        index=options.get("index"),
        allow_hosts=tuple(options.get("allow-hosts", "*").split()),
        offline=options.get("offline") == "true",
        sharing=shared,
        trusted=trusted,
        faults=malformed,
        unpatchable=unpatchable,
    )


def refuse_unpatchable(
    pin: Pin, owner: str, unpatchable: Collection[NormalizedName]
) -> None:
    """Raise `OptionError` for a pin on what the buildout itself runs on."""
    if pin.key in unpatchable:
        reason = f"{pin.project} runs this very buildout and cannot be patched by it"
        raise OptionError(f"Pin '{pin.project} = {pin}'", owner, reason)


def _pins(
    buildout: Any,
    section: str,
    unpatchable: Collection[NormalizedName],
    faults: list[PoachError],
) -> dict[NormalizedName, OwnedPin]:
    pins = {}
    for option in buildout[section] if section else ():
        value = buildout[section].get(option) or ""
        try:
            if is_pin(value):
                _refuse_twice(buildout[section], option)
                owned = _pin(buildout, section, option, value, unpatchable)
                pins[owned.pin.key] = owned
            elif len(value.split()) > 1:
                setter = origins.setter(buildout, section, option)
                refuse_missing_plus(option, value, setter)
        except PoachError as fault:
            faults.append(fault)
    return pins


def _plain(
    buildout: Any, section: str, pins: Mapping[NormalizedName, OwnedPin]
) -> dict[NormalizedName, Pin]:
    """Return the pins without patches: to one version, perhaps with refusals."""
    options = buildout[section] if section else {}
    versions = {option: options.get(option) or "" for option in options}
    pinned = {
        canonicalize_name(option): Pin(option, version.strip(), ())
        for option, version in versions.items()
        if is_version(version.strip()) and "+" not in version
    }
    return pinned | {key: one.pin for key, one in pins.items() if not one.pin.names}


def _refuse_twice(versions: Any, option: str) -> None:
    """Refuse a pin beside another one of its project in another spelling."""
    for other in versions:
        if other != option and canonicalize_name(other) == canonicalize_name(option):
            mine, theirs = (" ".join(versions[o].split()) for o in (option, other))
            reason = f"the same project as '{other} = {theirs}'; keep one of them"
            raise OptionError(f"Pin '{option} = {mine}'", "", reason)


def _pin(
    buildout: Any,
    section: str,
    option: str,
    value: str,
    unpatchable: Collection[NormalizedName],
) -> OwnedPin:
    lines = origins.lines(buildout, section, option)
    owners = [origins.owner(buildout, line, section, option) for line in lines]
    pin = Pin.parse(option, value, owners[0])
    refuse_unpatchable(pin, owners[0], unpatchable)
    return OwnedPin(pin, tuple(_owner_of(name, lines, owners) for name in pin.names))


def _owner_of(name: str, lines: list[origins.Line], owners: list[str]) -> str:
    for line, owner in zip(lines, owners, strict=True):
        if "+" + name in line.text.split():
            return owner
    return owners[0]


def _section(buildout: Any, option: str, faults: list[PoachError]) -> str:
    """Return the section that an option names, '' for none; note one that is not there.

    Without the option it is the section of the same name, if there is one.
    """
    named = (buildout["buildout"].get(option) or "").strip()
    name = named if option in buildout["buildout"] else option
    if name in buildout._raw:
        return name
    if named:
        hint = did_you_mean(named, buildout._raw)
        reason = f"there is no section [{named}]{hint}"
        faults.append(origins.fault(buildout, "buildout", option, reason))
    return ""


def _diffs(
    buildout: Any,
    section: str,
    faults: list[PoachError],
) -> tuple[dict[str, list[Location]], dict[str, str]]:
    diffs: dict[str, list[Location]] = {}
    owners: dict[str, str] = {}
    for option in buildout[section] if section else ():
        lines = origins.lines(buildout, section, option)
        owner = (
            origins.owner(buildout, lines[0], section, option)
            if lines
            else origins.setter(buildout, section, option)
        )
        try:
            key = _diff_key(option)
            if key in diffs:
                raise ValueError(f"the same name as another entry, {owners[key]}")
            diffs[key] = [_location(buildout, line) for line in lines]
            owners[key] = owner
        except (PoachError, ValueError) as error:
            faults.append(OptionError(f"[{section}] {option}", owner, str(error)))
    return diffs, owners


def _substitutes(
    buildout: Any,
    section: str,
    pins: Mapping[NormalizedName, OwnedPin],
    unpatchable: Collection[NormalizedName],
    faults: list[PoachError],
) -> dict[NormalizedName, tuple[str, str]]:
    """Return the requirement that stands in for each project, note what is wrong."""
    found: dict[NormalizedName, tuple[str, str]] = {}
    for option in buildout[section] if section else ():
        key = canonicalize_name(option)
        value = (buildout[section].get(option) or "").strip()
        try:
            other = canonicalize_name(_requirement(value).name)
            if key in found:
                raise ValueError("the same project as another entry")
            if key in pins:
                raise ValueError(f"{option} is pinned with patches, which nobody gets")
            if {key, other} & set(unpatchable):
                raise ValueError("this very buildout runs on it")
            found[key] = option, value
            _refuse_circle(key, found)
        except ValueError as error:
            owner = origins.setter(buildout, section, option)
            faults.append(OptionError(f"[{section}] {option}", owner, str(error)))
    return found


def _requirement(value: str) -> Requirement:
    try:
        wanted = Requirement(value)
    except InvalidRequirement:
        raise ValueError(f"{value!r} is no requirement, as 'Y' or 'Y ==1.2'") from None
    if wanted.url or wanted.marker:
        raise ValueError(f"{value!r} has a URL or a marker")
    return wanted


def _refuse_circle(
    key: NormalizedName, found: Mapping[NormalizedName, tuple[str, str]]
) -> None:
    """Refuse projects that stand in for each other."""
    around = [key]
    while around[-1] in found:
        _, other = found[around[-1]]
        around.append(canonicalize_name(_requirement(other).name))
        if around[-1] == key:
            raise ValueError(f"it goes in a circle: {' -> '.join(around)}")


def _diff_key(option: str) -> str:
    """Return ``NAME`` or ``PROJECT/NAME`` with canonical names."""
    project, _, name = option.rpartition("/")
    if not is_patch_name(name) or (project and not is_patch_name(project)):
        raise ValueError("an entry is NAME or PROJECT/NAME")
    canonical = canonicalize_name(name)
    return f"{canonicalize_name(project)}/{canonical}" if project else canonical


def _location(buildout: Any, line: origins.Line) -> Location:
    location = Location.parse(line.text)
    if location.kind is not Kind.PATH:
        return location
    return location.at(
        origins.joined(origins.base(buildout, line.source), location.target)
    )


def _folders(buildout: Any, beside: Iterable[Path]) -> list[str]:
    """Return the folders and URLs of patch-path, one a line; raise `OptionError`.

    Without that option they are ``patches`` in the buildout's directory and in the
    folders `beside` it.
    """
    lines = origins.lines(buildout, "buildout", "patch-path")
    if not lines:
        parents = [Path(buildout["buildout"]["directory"]), *beside]
        return list(dict.fromkeys(str(parent / "patches") for parent in parents))
    return collect(lambda line: _folder(buildout, line), lines)


def _beside(
    buildout: Any, section: str, pins: Mapping[NormalizedName, OwnedPin]
) -> list[Path]:
    """Return the folders of the configuration files that set pins with patches."""
    written = [
        line
        for owned in pins.values()
        for line in origins.lines(buildout, section, owned.pin.project)
        if owned.pin.names
    ]
    sources = [line.source for line in [*written, *_lines_of_parts(buildout)]]
    return [Path(file).parent for file in sources if file and not is_url(file)]


def _lines_of_parts(buildout: Any) -> Iterator[origins.Line]:
    """Yield the lines of ``poach:egg`` sections that name patches."""
    for name, options in buildout._raw.items():
        if options.get("recipe", "").strip() in RECIPES and options.get("patches"):
            yield from origins.lines(buildout, name, "patches", options)


def _folder(buildout: Any, line: origins.Line) -> str:
    owner = origins.owner(buildout, line, "buildout", "patch-path")
    try:
        place = Location.parse(line.text)
    except PoachError as fault:
        raise OptionError("[buildout] patch-path", owner, str(fault)) from fault
    if place.kind is Kind.SDIST or str(place) != place.place:
        reason = f"{line.text!r} is neither a folder nor a URL"
        raise OptionError("[buildout] patch-path", owner, reason)
    return origins.joined(origins.base(buildout, line.source), place.target)


def _sharing(buildout: Any) -> Sharing | None:
    """Return how a remote store is used, None for none; raise `OptionError`."""
    named = [name for name in buildout["buildout"] if name.startswith("patched-eggs-")]
    if named in ([], ["patched-eggs-directory"]):
        return None
    # Imported late: most buildouts share nothing.
    from poach.buildout import sharing

    return sharing.read(buildout)


def _trusted(buildout: Any) -> frozenset[PublicKey] | None:
    """Return the keys that count, None where all is trusted; raise `OptionError`."""
    if "patched-eggs-trusted-keys" not in buildout["buildout"]:
        return None
    from poach.buildout import sharing

    return sharing.trusted(buildout)


def _noting(faults: list[PoachError], function: Callable[[], T]) -> T | None:
    """Return what `function` returns, None after noting the fault that it raises."""
    try:
        return function()
    except PoachError as fault:
        faults.append(fault)
        return None


def _choice(
    buildout: Any,
    name: str,
    choices: Sequence[str],
    faults: list[PoachError],
) -> str:
    value = str(buildout["buildout"].get(name, choices[0])).strip()
    if value in choices:
        return value
    known = ", ".join(choices)
    reason = f"{value!r} is none of {known}{did_you_mean(value, choices)}"
    faults.append(origins.fault(buildout, "buildout", name, reason))
    return choices[0]


def _jobs(buildout: Any) -> int:
    """Return how many eggs to build side by side; raise `OptionError`."""
    value = str(buildout["buildout"].get("patch-jobs") or processors()).strip()
    if not value.isdecimal() or not int(value):
        reason = f"{value!r} is not a number of eggs to build side by side, 1 or more"
        raise origins.fault(buildout, "buildout", "patch-jobs", reason)
    return int(value)
