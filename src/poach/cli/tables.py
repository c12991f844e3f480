"""How what the store holds is shown: as lines of a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from poach.store.inventory import Alias, Entry, KeptSdist, OtherFormat


def as_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON has it."""
    key = entry.key
    return {
        "project": entry.project,
        "version": entry.version,
        "key": entry.path.name,
        **{name: key.get(name) for name in _TARGET},
        "build-ext": key.get("build-ext"),
        # Entries that were made earlier have the values, which may be secret.
        "environment": dict.fromkeys(key.get("environment") or ()),
        "path": str(entry.path),
        "size": entry.size,
        "made": _stamp(entry.made),
        "last-used": _stamp(max(entry.used)) if entry.used else None,
        "used-by": list(entry.users),
        "damage": entry.damage or None,
        "closed": entry.denied or None,
        "fetched-from": entry.source or None,
        "signed-by": entry.by or None,
    }


def alias_as_json(item: Alias) -> dict[str, Any]:
    """Return the alias of a substitute as JSON has it."""
    return {
        "path": str(item.path),
        "size": item.size,
        "made": _stamp(item.made),
        "last-used": _stamp(max(item.used)) if item.used else None,
        "used-by": list(item.users),
        "closed": item.denied or None,
    }


def alias(item: Alias) -> Iterator[str]:
    """Yield the lines on the alias of a substitute."""
    used = f"last used {_day(max(item.used))}" if item.used else "no known use"
    yield f"stand-in of a substitute: {size(item.size)}, {used}, {item.path}"
    yield from (f"  used by {user}" for user in item.users)


def sdist_as_json(item: KeptSdist) -> dict[str, Any]:
    """Return a kept sdist as JSON has it."""
    return {
        "file": item.file or None,
        "sha256": item.sha256,
        "path": str(item.path),
        "size": item.size,
        "last-used": _stamp(item.made),
        "closed": item.denied or None,
    }


def sdist_line(item: KeptSdist) -> str:
    """Return the line on a kept sdist."""
    named = f"sdist {item.file}".rstrip()
    return f"{named}: {size(item.size)}, last used {_day(item.made)}, {item.path}"


_TARGET = ("python", "abi", "platform", "layout")


def format_as_json(other: OtherFormat) -> dict[str, Any]:
    """Return the store of another format as JSON has it."""
    return {"format": other.format, "path": str(other.path), "size": other.size}


def format_line(other: OtherFormat) -> str:
    """Return the line on the store of another format."""
    word = "older" if other.is_old else "newer"
    release = f"for {word} releases of poach"
    return f"format {other.format} ({release}): {size(other.size)}, {other.path}"


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a header, a line for each entry, and one for each folder that uses it."""
    head = ("project", "version", "for", "size", "made", "last used")
    rows = [head, *map(_row, entries)] if entries else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
        if number:
            yield from _more(entries[number - 1])


def _more(entry: Entry) -> Iterator[str]:
    if entry.damage:
        yield f"  damaged: {entry.damage}"
    if entry.denied:
        yield f"  you may not read it: {entry.denied}"
    if entry.source:
        signed = f"signed by {entry.by}" if entry.by else "signature not checked"
        yield f"  from {entry.source}, {signed}"
    for user in entry.users:
        yield f"  used by {user}"


def _row(entry: Entry) -> tuple[str, ...]:
    target = [str(entry.key[name]) for name in _TARGET if entry.key.get(name)]
    used = _day(max(entry.used)) if entry.used else "-"
    return (
        *(entry.project, entry.version, "-".join(target) or "?"),
        *(size(entry.size), _day(entry.made), used),
    )


def _day(when: float) -> str:
    return _moment(when).astimezone().strftime("%Y-%m-%d")


def _stamp(when: float) -> str:
    return _moment(when).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(when: float) -> datetime:
    """Return a time, the last day of all for one that no calendar knows."""
    try:
        return datetime.fromtimestamp(when, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return datetime(9999, 12, 30, tzinfo=timezone.utc)


def size(number: float) -> str:
    """Return a number of bytes in a unit that people read."""
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
