"""Message catalogs: the binary .mo of a .po file, as GNU gettext's msgfmt makes it.

The formats are in the manual of GNU gettext ("The Format of PO Files", "The Format of
GNU MO Files").  Like there, fuzzy, obsolete and untranslated messages are left out.
There is no hash table, which is optional, and the header keeps its POT-Creation-Date,
which msgfmt removes.  Of a message that is there twice the last
one counts, as for python-gettext, with which Zope compiles; msgfmt refuses such a file.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poach.errors import ErrorWithFields

_MAGIC = 0x950412DE
_HEADER = struct.Struct("<7I")
_CHARSET = re.compile(rb"charset=([^\s\"\\;]+)", re.IGNORECASE)
_STRING = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(
    rf"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)?\s*((?:{_STRING}\s*)+)"
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPED = {
    "n": b"\n",
    "t": b"\t",
    "b": b"\b",
    "r": b"\r",
    "f": b"\f",
    "v": b"\v",
    "a": b"\a",
    "\\": b"\\",
    '"': b'"',
}


class BadCatalog(ErrorWithFields):
    """A .po file that cannot be compiled; `line` counts from 1, 0 for all of it."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" if self.line else self.reason


@dataclass(slots=True)
class _Message:
    """A message as far as it is read: its parts by keyword, in their order."""

    parts: dict[str, bytes] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def key(self) -> bytes:
        """What it is looked up by, from which a plural form stands apart."""
        context = self.parts.get("msgctxt")
        prefix = b"" if context is None else context + b"\x04"
        return prefix + self.parts["msgid"]

    @property
    def original(self) -> bytes:
        plural = self.parts.get("msgid_plural")
        return self.key if plural is None else self.key + b"\0" + plural

    @property
    def translation(self) -> bytes:
        forms = [part for word, part in self.parts.items() if word.startswith("msgstr")]
        return b"\0".join(forms) if forms and forms[0] else b""

    @property
    def counts(self) -> bool:
        """Whether it is translated; the header, of the empty message, always counts."""
        return bool(self.translation) and not (self.fuzzy and self.key)


def compiled(data: bytes) -> bytes:
    """Return the .mo file of the .po file `data`; raise `BadCatalog`."""
    found = {message.key: message for message in _messages(data) if message.counts}
    return _written(
        {message.original: message.translation for message in found.values()}
    )


def _messages(data: bytes) -> Iterator[_Message]:
    encoding, text = _decoded(data.removeprefix(codecs.BOM_UTF8))
    message, word = _Message(), ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = line.strip()
        found = None if line.startswith("#") else _LINE.fullmatch(line)
        if line and not line.startswith("#") and found is None:
            raise BadCatalog(number, f"{line!r} is neither a keyword nor a string")
        new = found[1] if found is not None else None
        if word.startswith("msgstr") and (
            line.startswith("#") or new in ("msgctxt", "msgid")
        ):
            yield message
            message, word = _Message(), ""
        if line.startswith("#,") and "fuzzy" in line:
            message.fuzzy = True
        if found is not None:
            word = _keyword(message, word, new, number)
            message.parts[word] += _unescaped(found[2], encoding, number)
    if word.startswith("msgstr"):
        yield message
    elif word:
        raise BadCatalog(0, "the last message has no msgstr")


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the charset of a .po file, and its text.

    A charset that is missing or unknown is no obstacle as long as it is based on ASCII.
    """
    named = _CHARSET.search(data)
    encoding = named[1].decode("ascii", "replace") if named else "latin-1"
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        encoding = "latin-1"
    try:
        return encoding, data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadCatalog(line, f"it is not {encoding}, as the header says") from None


def _keyword(message: _Message, word: str, new: str | None, number: int) -> str:
    """Return the keyword that a string belongs to, and begin what is `new`."""
    if new is None:
        if not word:
            raise BadCatalog(number, "a string that belongs to no message")
        return word
    first = "msgid_plural" if "[" in new else "msgid"
    wanted = {"msgctxt": "", "msgid": "", "msgid_plural": "msgid"}.get(new, first)
    plain = new == "msgstr" and "msgid_plural" in message.parts
    if new in message.parts or plain or (wanted and wanted not in message.parts):
        raise BadCatalog(number, f"{new} does not belong there")
    message.parts[new] = b""
    return new


def _unescaped(strings: str, encoding: str, number: int) -> bytes:
    """Return the bytes of strings as they stand in a line, in their quotes."""

    def replaced(found: re.Match[str]) -> bytes:
        octal, hexadecimal, letter = found.groups()
        if octal or hexadecimal:
            return bytes([int(octal or hexadecimal, 8 if octal else 16) & 0xFF])
        if letter not in _ESCAPED:
            raise BadCatalog(number, f"{found[0]!r} means nothing")
        return _ESCAPED[letter]

    done = []
    for string in re.findall(_STRING, strings):
        end = 1
        for found in _ESCAPE.finditer(string):
            done += [string[end : found.start()].encode(encoding), replaced(found)]
            end = found.end()
        done.append(string[end:-1].encode(encoding))
    return b"".join(done)


def _written(messages: Mapping[bytes, bytes]) -> bytes:
    """Return a .mo file: header, where the strings are, strings that end in NUL."""
    count = len(messages)
    keys = sorted(messages)
    strings = [*keys, *(messages[key] for key in keys)]
    ends = _HEADER.size + 16 * count
    table = []
    for string in strings:
        table += [len(string), ends]
        ends += len(string) + 1
    start = _HEADER.size
    values, rest = start + 8 * count, start + 16 * count
    header = _HEADER.pack(_MAGIC, 0, count, start, values, 0, rest)
    where = struct.pack(f"<{len(table)}I", *table)
    return header + where + b"".join(string + b"\0" for string in strings)
