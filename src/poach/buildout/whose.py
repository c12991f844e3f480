"""Whose option it is: the configuration file and line behind a value.

zc.buildout keeps, for ``buildout annotate``, which file set each option and which
added to it; that is what owners and relative paths are told from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poach.location import is_url

_SECTION = re.compile(r"\[\s*([^\]\s:]+)")
_OPTION = re.compile(r"([^\s#;=][^=]*?)\s*[+-]?=")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an option's value.

    `text` is the line after substitution, `source` the file or URL of the
    configuration that wrote it, or empty for defaults and the command line.
    """

    text: str
    source: str


def lines(buildout: Any, section: str, option: str) -> list[Line]:
    """Return the lines of an option that are not blank, each with its source."""
    value = buildout[section].get(option) or ""
    cooked = value.splitlines()
    key = _annotated(buildout, section, option)
    raw = key.value.splitlines() if key is not None else []
    if len(raw) != len(cooked):
        raw = cooked
    return [
        Line(text.strip(), _source(key, written.strip()))
        for text, written in zip(cooked, raw, strict=True)
        if text.strip()
    ]


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
    """Return who wrote `line`, for people: ``buildout.cfg:12``, a URL, a section."""
    if not line.source:
        return f"[{section}]"
    if is_url(line.source):
        return line.source
    number = _line_number(Path(line.source), section, option, line.text)
    directory = str(buildout["buildout"]["directory"])
    path = line.source
    if Path(path).is_relative_to(directory):
        path = os.path.relpath(path, directory)
    return f"{path}:{number}" if number else path


def _annotated(buildout: Any, section: str, option: str) -> Any:
    return buildout._annotated.get(section, {}).get(option)


def _source(key: Any, written: str) -> str:
    for item in reversed(key.history if key is not None else []):
        if written in map(str.strip, item.value.splitlines()):
            return _file(item.source)
    return _file(key.source) if key is not None else ""


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
