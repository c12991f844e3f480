"""The options of a buildout that concern poach, read into one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from zc.buildout.pep425tags import get_abi_tag

from poach.buildout import whose
from poach.errors import PoachError, did_you_mean, raise_faults
from poach.location import Kind, Location
from poach.naming import NormalizedName, canonicalize_name, is_patch_name
from poach.pin import Pin, is_pin

T = TypeVar("T")

RECIPES = ("poach", "poach:default", "poach:egg")

#: What zc.buildout and poach themselves run on is loaded before any patch could be
#: applied; pip and setuptools build everything else.
NEVER_PATCHED = frozenset(
    canonicalize_name(project)
    for project in (
        *("certifi", "charset-normalizer", "filelock", "idna", "packaging", "pip"),
        *("poach", "requests", "setuptools", "unidiff", "urllib3", "wheel"),
        "zc.buildout",
    )
)


class OptionError(PoachError):
    """An option of the configuration with a value that it cannot have."""

    def __init__(self, option: str, owner: str, reason: str) -> None:
        super().__init__(option, owner, reason)
        self.option = option
        self.owner = owner
        self.reason = reason

    def __str__(self) -> str:
        owner = f" ({self.owner})" if self.owner else ""
        return f"{self.option}{owner}: {self.reason}"


@dataclass(frozen=True, slots=True)
class OwnedPin:
    """A pin, and for each of its names who wrote it."""

    pin: Pin
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a buildout says about patches and about where things are.

    `pins` and `diffs` (locations with absolute paths) are by canonical name,
    `diff_owners` says who wrote each entry of the patches section, `folders` are the
    folders and URLs of patch-path; `store` is the folder of the patched-egg store,
    `fuzz` the default fuzz, `unused` what to do about unused entries (warn, error,
    ignore).  The rest is buildout's: its directory, where the versions are, where
    distributions come from, and how.  `faults` are malformed pins, to be raised with
    whatever else is wrong with pins.
    """

    pins: Mapping[NormalizedName, OwnedPin]
    diffs: Mapping[str, Sequence[Location]]
    diff_owners: Mapping[str, str]
    folders: Sequence[str]
    store: Path
    fuzz: int
    unused: str
    directory: str
    versions: str
    links: Sequence[str]
    index: str | None
    allow_hosts: Sequence[str]
    offline: bool
    faults: Sequence[PoachError] = ()


def read(buildout: Any) -> Settings:
    """Read the settings of `buildout`; raise the faults of its options together."""
    options = buildout["buildout"]
    malformed: list[PoachError] = []
    versions = options.get("versions") or ""
    pins = _pins(buildout, versions, malformed)
    faults: list[PoachError] = []
    diffs, owners = _diffs(buildout, options.get("patches", "patches"), faults)
    fuzz = _choice(options, "patch-fuzz", ("0", "1", "2"), faults)
    unused = _choice(options, "patch-unused", ("warn", "error", "ignore"), faults)
    if faults:
        raise_faults([*malformed, *faults])
    return Settings(
        pins=pins,
        diffs=diffs,
        diff_owners=owners,
        folders=_folders(buildout),
        store=_store(buildout),
        fuzz=int(fuzz),
        unused=unused,
        directory=str(options["directory"]),
        versions=versions,
        links=options.get("find-links", "").split(),
        index=options.get("index"),
        allow_hosts=tuple(options.get("allow-hosts", "*").split()),
        offline=options.get("offline") == "true",
        faults=malformed,
    )


def refuse_unpatchable(pin: Pin, owner: str) -> None:
    """Raise `OptionError` for a pin on what the buildout itself runs on."""
    if pin.key in NEVER_PATCHED:
        reason = f"{pin.project} runs this very buildout and cannot be patched by it"
        raise OptionError(f"Pin '{pin.project} = {pin}'", owner, reason)


def unused_diffs(settings: Settings, buildout: Any) -> list[str]:
    """Return the entries of the patches section that no pin and no part names."""
    names = set(_recipe_names(buildout))
    for owned in settings.pins.values():
        for name in map(canonicalize_name, owned.pin.names):
            qualified = f"{owned.pin.key}/{name}"
            names.add(qualified if qualified in settings.diffs else name)
    return [key for key in settings.diffs if key not in names]


def _pins(
    buildout: Any,
    section: str,
    faults: list[PoachError],
) -> dict[NormalizedName, OwnedPin]:
    pins = {}
    for option in buildout[section] if section else ():
        value = buildout[section].get(option) or ""
        if is_pin(value):
            try:
                _refuse_twice(buildout[section], option)
                owned = _pin(buildout, section, option, value)
                pins[owned.pin.key] = owned
            except PoachError as fault:
                faults.append(fault)
    return pins


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
) -> OwnedPin:
    lines = whose.lines(buildout, section, option)
    owners = [whose.owner(buildout, line, section, option) for line in lines]
    pin = Pin.parse(option, value, owners[0])
    refuse_unpatchable(pin, owners[0])
    return OwnedPin(pin, tuple(_owner_of(name, lines, owners) for name in pin.names))


def _owner_of(name: str, lines: list[whose.Line], owners: list[str]) -> str:
    for line, owner in zip(lines, owners, strict=True):
        if "+" + name in line.text.split():
            return owner
    return owners[0]


def _diffs(
    buildout: Any,
    section: str,
    faults: list[PoachError],
) -> tuple[dict[str, list[Location]], dict[str, str]]:
    diffs: dict[str, list[Location]] = {}
    owners: dict[str, str] = {}
    there = section in buildout and bool(section)
    for option in buildout[section] if there else ():
        lines = whose.lines(buildout, section, option)
        owner = (
            whose.owner(buildout, lines[0], section, option)
            if lines
            else f"[{section}]"
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


def _diff_key(option: str) -> str:
    """Return ``NAME`` or ``PROJECT/NAME`` with canonical names."""
    project, _, name = option.rpartition("/")
    if not is_patch_name(name) or (project and not is_patch_name(project)):
        raise ValueError("an entry is NAME or PROJECT/NAME")
    canonical = canonicalize_name(name)
    return f"{canonicalize_name(project)}/{canonical}" if project else canonical


def _location(buildout: Any, line: whose.Line) -> Location:
    location = Location.parse(line.text)
    if location.kind is not Kind.PATH:
        return location
    return location.at(whose.joined(whose.base(buildout, line.source), location.target))


def _folders(buildout: Any) -> list[str]:
    lines = whose.lines(buildout, "buildout", "patch-path")
    if not lines:
        return [str(Path(buildout["buildout"]["directory"]) / "patches")]
    return [
        whose.joined(whose.base(buildout, line.source), Location.parse(folder).target)
        for line in lines
        for folder in line.text.split()
    ]


def _store(buildout: Any) -> Path:
    lines = whose.lines(buildout, "buildout", "patched-eggs-directory")
    for line in lines:
        return Path(whose.joined(whose.base(buildout, line.source), line.text))
    return _eggs(buildout["buildout"]).parent / "patched-eggs"


def _eggs(options: Any) -> Path:
    """Return eggs-directory as the user set it, without what buildout appended."""
    eggs = Path(options["eggs-directory"])
    appended = [options.get("eggs-directory-version") or ""]
    if options.get("abi-tag-eggs") == "true":
        appended.append(get_abi_tag())
    for name in reversed(appended):
        if name and eggs.name == name:
            eggs = eggs.parent
    return eggs.absolute()


def _choice(
    options: Any,
    name: str,
    choices: Sequence[str],
    faults: list[PoachError],
) -> str:
    value = str(options.get(name, choices[0])).strip()
    if value in choices:
        return value
    known = ", ".join(choices)
    reason = f"{value!r} is none of {known}{did_you_mean(value, choices)}"
    faults.append(OptionError(f"[buildout] {name}", "", reason))
    return choices[0]


def _recipe_names(buildout: Any) -> Iterator[str]:
    parts = (buildout["buildout"].get("parts") or "").split()
    for section in (buildout._raw.get(part, {}) for part in parts):
        if section.get("recipe", "").strip() in RECIPES:
            for word in section.get("patches", "").split():
                yield canonicalize_name(word.lstrip("+"))
