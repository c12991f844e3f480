"""Origins of options: the configuration file and line that set a value.

zc.buildout keeps, for ``buildout annotate``, which file set each option and which
added to it; owners and relative paths come from that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from poach.errors import PoachError
from poach.pins.location import is_url, without_credentials

#: How buildout marks what was set on its command line.
_COMMAND_LINE = "COMMAND_LINE_VALUE"

_SECTION = re.compile(r"\[\s*([^\]\s:]+)")
_OPTION = re.compile(r"([^\s#;=][^=]*?)\s*[+-]?=")


class OptionError(PoachError):
    """An option of the configuration with a value that it cannot have.

    Credentials, which the value may have, are left out.
    """

    option: str
    owner: str
    reason: str

    def __post_init__(self) -> None:
        self.option = without_credentials(self.option)
        self.reason = without_credentials(self.reason)

    def __str__(self) -> str:
        owner = f" ({self.owner})" if self.owner else ""
        return f"{self.option}{owner}: {self.reason}"


class Line(NamedTuple):
    """One line of an option's value."""

    #: The line after substitution.
    text: str
    #: The file or URL of the configuration that has the line; empty for defaults and
    #: the command line.
    source: str


def lines(buildout: Any, section: str, option: str, options: Any = None) -> list[Line]:
    """Return the lines of an option that are not blank, each with its source.

    `options` are the section's where that is not to be loaded.
    """
    value = (buildout[section] if options is None else options).get(option) or ""
    cooked = value.split("\n")
    key = _annotated(buildout, section, option)
    sources = [_file(source) for source in _sources(key)]
    if len(sources) != len(cooked):
        sources = [_file(key.source) if key is not None else ""] * len(cooked)
    return [
        Line(text.strip(), source)
        for text, source in zip(cooked, sources, strict=True)
        if text.strip()
    ]


def overridden(buildout: Any, section: str, option: str) -> list[Line]:
    """Return the lines that an option had until a later layer set it again."""
    key = _annotated(buildout, section, option)
    lost: list[Line] = []
    written: list[tuple[str, str]] = []
    for item in key.history if key is not None else ():
        if item.operation not in ("ADD", "REMOVE"):
            lost += [Line(text.strip(), _file(source)) for text, source in written]
        written = _written(written, item)
    return [line for line in lost if line.text]


def base(buildout: Any, source: str) -> str:
    """Return the folder, or the URL, from which relative paths of `source` count."""
    if is_url(source):
        return source.rpartition("/")[0]
    if source:
        return str(Path(source).parent)
    return str(buildout["buildout"]["directory"])


def joined(base: str, path: str) -> str:
    """Return `path` (perhaps with ``~``) as seen from the folder or URL `base`."""
    if is_url(path):
        return path
    expanded = str(Path(path).expanduser()) if path.startswith("~") else path
    if Path(expanded).is_absolute():
        return str(Path(os.path.normpath(expanded)))
    if is_url(base):
        return f"{base}/{expanded}"
    return os.path.normpath(Path(base) / expanded)


def owner(
    buildout: Any,
    line: Line,
    section: str,
    option: str,
) -> str:
    """Return who wrote `line`, for people: ``buildout.cfg:12``, a URL, a section.

    What the command line sets has no file: ``versions:pond on the command line``.
    """
    if not line.source:
        if _is_set_by_command(_annotated(buildout, section, option)):
            return f"{section}:{option} on the command line"
        return f"[{section}]"
    if is_url(line.source):
        return without_credentials(line.source)
    number = _line_number(Path(line.source), section, option, line.text)
    directory = str(buildout["buildout"]["directory"])
    path = line.source
    if Path(path).is_relative_to(directory):
        path = os.path.relpath(path, directory)
    return f"{path}:{number}" if number else path


def setter(buildout: Any, section: str, option: str) -> str:
    """Return who set an option, by its first line as it was written."""
    key = _annotated(buildout, section, option)
    source = _file(key.history[-1].source) if key is not None else ""
    text = key.value.split("\n")[0].strip() if key is not None else ""
    return owner(buildout, Line(text, source), section, option)


def fault(buildout: Any, section: str, option: str, reason: str) -> OptionError:
    """Return the error of an option, with who set it."""
    owner = setter(buildout, section, option)
    return OptionError(f"[{section}] {option}", owner, reason)


def _is_set_by_command(key: Any) -> bool:
    """Return whether the command line set an option, or added to it."""
    history = key.history if key is not None else ()
    return any(item.source == _COMMAND_LINE for item in history)


def _annotated(buildout: Any, section: str, option: str) -> Any:
    """Return what buildout noted of an option, of the section or of its macros."""
    noted = buildout._annotated.get(section, {})
    if option in noted or "<" not in noted:
        return noted.get(option)
    macros = noted["<"].value.split("\n")
    found = (
        _annotated(buildout, macro.strip(), option)
        for macro in reversed(macros)
        if macro.strip() != section
    )
    return next((key for key in found if key is not None), None)


def _sources(key: Any) -> list[str]:
    """Return the source of each line of a value: what buildout did to it, again."""
    written: list[tuple[str, str]] = []
    for item in key.history if key is not None else ():
        written = _written(written, item)
    return [source for _, source in written]


def _written(lines: list[tuple[str, str]], item: Any) -> list[tuple[str, str]]:
    """Do to `lines`, each with its source, what `item` of a history did."""
    changed = item.value.split("\n")
    if item.operation == "REMOVE":
        return [line for line in lines if line[0] not in changed]
    kept = lines if item.operation == "ADD" else []
    return kept + [(line, item.source) for line in changed]


def _file(source: str) -> str:
    # buildout's own marks are in capitals: DEFAULT_VALUE, COMMAND_LINE_VALUE, ...
    return "" if source.endswith("_VALUE") else source


def _line_number(path: Path, section: str, option: str, text: str) -> int | None:
    try:
        written = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    number = None
    for number_, line in _lines_of(written, section, option):
        number = number or number_
        if text in line:
            return number_
    return number


def _lines_of(
    written: list[str], section: str, option: str
) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that belong to one option of one section."""
    within = current = ""
    for number, line in enumerate(written, 1):
        header = _SECTION.match(line)
        assignment = _OPTION.match(line)
        if header:
            within, current = header[1], ""
        elif assignment:
            current = assignment[1]
        if (within, current) == (section, option) and line.strip():
            yield number, line
