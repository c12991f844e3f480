"""Diffs that mean harm, are damaged, or lie in the corners: what becomes of each.

A row is a diff (or several, a series), what it is applied to, what is expected and
what the references do with it.  Expected is either what changes in the tree, or the
reason code of the refusal, after which the tree is as it was.  The references are
GNU patch -F0 and git apply; each

    =      makes the same tree as we do
    no     refuses
    other  makes another tree
    yes    applies what we refuse

and wherever that is no agreement, the row says why in `why`.

This prints the table, with what they do now:

    python tests/unit/applier/test_adversarial.py [WORD]
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from poach.cli import main
from support import references
from support.references import FILE, LINK, PROGRAM, Listing

NUMBERS = b"".join(b"%d\n" % number for number in range(1, 10))
PIXELS = bytes(range(256))
TREE: Listing = {
    "f": (FILE, b"1\n"),
    "g": (FILE, b"G\n"),
    "d/e": (FILE, NUMBERS),
    "run": (PROGRAM, b"1\n"),
    "crlf": (FILE, b"1\r\n2\r\n3\r\n"),
    "bare": (FILE, b"1\n2"),
    "empty": (FILE, b""),
    "bin": (FILE, PIXELS),
    "l": (LINK, b"f"),
    "ld": (LINK, b"d"),
    "lo": (LINK, b"../outside"),
    "ls": (LINK, b"../outside/secret"),
}
OUTSIDE: Listing = {"secret": (FILE, b"1\n"), "d/e": (FILE, NUMBERS)}

Changes = dict[str, "bytes | tuple[str, bytes] | None"]


@dataclass(frozen=True)
class Row:
    """One case; `refs` is what GNU patch and git do."""

    name: str
    diffs: bytes | tuple[bytes, ...]
    expect: Changes | str
    refs: str
    why: str = ""
    strip: int | None = 1
    options: tuple[str, ...] = ()
    tree: Listing = field(default_factory=dict)
    setup: Callable[[Path], object] | None = None

    @property
    def series(self) -> tuple[bytes, ...]:
        return self.diffs if isinstance(self.diffs, tuple) else (self.diffs,)


# Makers of diffs.

ONE = b"@@ -1 +1 @@\n-1\n+2\n"
TWINS = b"@@ -8,3 +8,3 @@\n 4\n-5\n+five\n 6\n"
NOEOL = b"\\ No newline at end of file\n"


def u(old: bytes, new: bytes, body: bytes = ONE) -> bytes:
    return b"--- %s\n+++ %s\n" % (old, new) + body


def mod(name: bytes, body: bytes = ONE) -> bytes:
    return u(b"a/" + name, b"b/" + name, body)


def new(name: bytes, body: bytes = b"@@ -0,0 +1 @@\n+new\n") -> bytes:
    return u(b"/dev/null", b"b/" + name, body)


def gone(name: bytes, body: bytes = b"@@ -1 +0,0 @@\n-1\n") -> bytes:
    return u(b"a/" + name, b"/dev/null", body)


def git(name: bytes, *words: bytes, body: bytes = b"", to: bytes = b"") -> bytes:
    head = b"diff --git a/%s b/%s\n" % (name, to or name)
    return head + b"".join(word + b"\n" for word in words) + body


def rename(old: bytes, to: bytes, body: bytes = b"", word: bytes = b"rename") -> bytes:
    words = (b"similarity index 100%", word + b" from " + old, word + b" to " + to)
    return git(old, *words, body=body, to=to)


def copy(old: bytes, to: bytes, body: bytes = b"") -> bytes:
    return rename(old, to, body, b"copy")


def link(name: bytes, target: bytes) -> bytes:
    body = b"@@ -0,0 +1 @@\n+" + target + b"\n" + NOEOL
    return git(name, b"new file mode 120000", body=new(name, body))


def unlink(name: bytes, target: bytes) -> bytes:
    body = b"@@ -1 +0,0 @@\n-" + target + b"\n" + NOEOL
    return git(name, b"deleted file mode 120000", body=gone(name, body))


def fresh(name: bytes, body: bytes = b"new\n", mode: bytes = b"100644") -> bytes:
    lines = body.splitlines(keepends=True)
    text = b"@@ -0,0 +1,%d @@\n" % len(lines) + b"".join(b"+" + line for line in lines)
    return git(name, b"new file mode " + mode, body=new(name, text))


def away(name: bytes, body: bytes = b"1\n") -> bytes:
    lines = body.splitlines(keepends=True)
    text = b"@@ -1,%d +0,0 @@\n" % len(lines) + b"".join(b"-" + line for line in lines)
    return git(name, b"deleted file mode 100644", body=gone(name, text))


def chmod(name: bytes, old: bytes = b"100644", to: bytes = b"100755") -> bytes:
    return git(name, b"old mode " + old, b"new mode " + to)


def oid(data: bytes, kind: str = "sha1") -> bytes:
    blob = b"blob %d\0" % len(data) + data
    return hashlib.new(kind, blob).hexdigest().encode()


ZERO = b"0" * 40


def base85(data: bytes) -> bytes:
    lines = []
    for at in range(0, len(data), 52):
        piece = data[at : at + 52]
        size = len(piece) + (64 if len(piece) <= 26 else 70)
        padded = piece + bytes(-len(piece) % 4)
        lines.append(bytes([size]) + base64.b85encode(padded) + b"\n")
    return b"".join(lines) + b"\n"


def packed(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    size = len(data) if size is None else size
    return b"%s %d\n" % (kind, size) + base85(zlib.compress(data, 9))


def binary(
    name: bytes,
    old: bytes,
    new: bytes,
    body: bytes | None = None,
    words: tuple[bytes, ...] = (),
    old_oid: bytes = b"",
    new_oid: bytes = b"",
) -> bytes:
    index = b"index %s..%s 100644" % (old_oid or oid(old), new_oid or oid(new))
    body = packed(b"literal", new) + packed(b"literal", old) if body is None else body
    return git(name, *words, index, b"GIT binary patch", body=body)


def size(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def delta(old: int, new: int, *commands: bytes) -> bytes:
    return size(old) + size(new) + b"".join(commands)


def take(start: int, count: int) -> bytes:
    return b"\xff" + start.to_bytes(4, "little") + count.to_bytes(3, "little")


def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def two(body: bytes = b"") -> bytes:
    """Five of the nine lines of d/e, with the fifth changed."""
    return b"@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n 6\n 7\n" + body


FIVE = NUMBERS.replace(b"5", b"five")
MAIL = b"From %s Mon Sep 17 00:00:00 2001\nFrom: A <a@b.c>\nSubject: [PATCH] x\n\n---\n"
MAIL %= b"a" * 40
SIGNATURE = b"-- \n2.39.5\n\n"

# Why we do not do as a reference does; docs/applying.rst has these reasons, too.
LEAVES = "nothing outside the tree is read, written or pointed at, on any system"
WINDOWS = "a new file has no name that Windows reserves or reads as another"
UTF8 = "a new file has a name that is UTF-8"
NUL = "no system can hold it: the references cut the name, or the link, short"
GITS = "a source tree may lie in a repository, whose own folder is not to be touched"
THROUGH = "nothing is written through a symlink, wherever it leads"
OVER = "a rename or copy does not overwrite a file"
KINDS = "a tree has files and symlinks only"
SURPLUS = "the hunk has more lines than its header says: they would be lost"
CONVERTED = "the references disagree; the diff's own lines got CR LF on their way"
LOST = "the diff speaks of a change that it does not hold"
CUT = "the diff is cut off: what was lost cannot be known"
UNIFIED = "only unified diffs are applied, and nothing of a diff is skipped"
HALF = "it contradicts itself: a reference skips, loses or merges what we do or refuse"
GUESS = "the references disagree or guess"
OWN_LINE = "without context, nothing tells another place from the right one"
TWIN = "the change is there already, and would go into a look-alike"
AS_GIT = "the references disagree; git does what the diff says"
EMPTY = "nothing to apply is a mistake"
OURS = "a diff may not plant what a later run takes for its own"

PATHS = [
    Row("dot dot", new(b"../x"), "unsafe", "no no"),
    Row("dot dot deep", new(b"d/../../x"), "unsafe", "no no"),
    Row("dot dot that stays inside", new(b"d/../x"), "unsafe", "no no"),
    Row("dot dot in a modified file", mod(b"../outside/secret"), "unsafe", "no no"),
    Row("dot dot in a deleted file", gone(b"../outside/secret"), "unsafe", "no no"),
    Row("dot dot, no strip", u(b"../f", b"../f"), "unsafe", "no no", strip=0),
    Row("dot dot stripped away", u(b"../f", b"../f"), {"f": b"2\n"}, "= ="),
    Row("dot dot in one name", u(b"a/f", b"b/../f"), {"f": b"2\n"}, "= no"),
    Row("absolute", new(b"").replace(b"b/", b"/tmp/x"), "unsafe", "no no", strip=0),
    Row(
        "absolute, stripped",
        u(b"/dev/null", b"/z/x", b"@@ -0,0 +1 @@\n+new\n"),
        {"z/x": b"new\n"},
        "= =",
    ),
    Row(
        "absolute, found out",
        u(b"/etc/passwd", b"/etc/passwd"),
        "missing",
        "- -",
        strip=None,
    ),
    Row("two slashes", u(b"a//f", b"b//f"), {"f": b"2\n"}, "= no"),
    Row(
        "two slashes, absolute after strip",
        new(b"//etc/x"),
        {"etc/x": b"new\n"},
        "= no",
    ),
    Row("dot parts", u(b"a/./f", b"b/./f"), {"f": b"2\n"}, "= no"),
    Row("drive letter", new(b"C:/x"), "unsafe", "yes yes", LEAVES),
    Row("drive letter alone", new(b"C:x"), "unsafe", "yes yes", LEAVES),
    Row("backslashes", new(b"..\\x"), "unsafe", "yes yes", LEAVES),
    Row("backslash in a file", new(b"d\\x"), "unsafe", "yes yes", LEAVES),
    Row("UNC", new(b"\\\\server\\share\\x"), "unsafe", "yes yes", LEAVES),
    Row(
        "NUL in a quoted name",
        u(b"/dev/null", b'"b/x\\000y"', b"@@ -0,0 +1 @@\n+1\n"),
        "unsafe",
        "yes yes",
        NUL,
    ),
    Row("NUL in a plain name", new(b"x\0y"), "unsafe", "yes yes", NUL),
    Row(
        "octal dots",
        u(b"/dev/null", b'"b/\\056\\056/x"', b"@@ -0,0 +1 @@\n+1\n"),
        "unsafe",
        "no no",
    ),
    Row(
        "octal slash",
        u(b"/dev/null", b'"b/..\\057x"', b"@@ -0,0 +1 @@\n+1\n"),
        "unsafe",
        "no no",
    ),
    Row(
        "octal dots in diff --git",
        b'diff --git "a/\\056\\056/x" "b/\\056\\056/x"\nnew file mode 100644\n'
        b"index 0000000..e69de29\n",
        "unsafe",
        "no no",
    ),
    Row("git's folder", new(b".git/config"), "unsafe", "yes no", GITS),
    Row("git's folder in capitals", new(b".GIT/config"), "unsafe", "yes no", GITS),
    Row(
        "git's folder below",
        new(b"d/.git/hooks/post-checkout"),
        "unsafe",
        "yes no",
        GITS,
    ),
    Row("git's folder's short name", new(b"git~1/config"), "unsafe", "yes no", GITS),
    Row(
        "git's folder with a trailing dot",
        new(b".git./config"),
        "unsafe",
        "yes no",
        GITS,
    ),
    Row(
        "git's folder, invisible letter",
        new(b".g\xe2\x80\x8cit/config"),
        "unsafe",
        "yes yes",
        GITS,
    ),
    Row("a name like git's", new(b".gitignore"), {".gitignore": b"new\n"}, "= ="),
    Row("CON", new(b"CON"), "unsafe", "yes yes", WINDOWS),
    Row("con.txt", new(b"d/con.txt"), "unsafe", "yes yes", WINDOWS),
    Row("aux folder", new(b"aux/x.h"), "unsafe", "yes yes", WINDOWS),
    Row("COM1", new(b"com1.py"), "unsafe", "yes yes", WINDOWS),
    Row("COM superscript", new(b"COM\xc2\xb9"), "unsafe", "yes yes", WINDOWS),
    Row("CONOUT$", new(b"conout$"), "unsafe", "yes yes", WINDOWS),
    Row("nul with blanks", new(b"nul .txt"), "unsafe", "yes yes", WINDOWS),
    Row(
        "name like a reserved one", new(b"console.py"), {"console.py": b"new\n"}, "= ="
    ),
    Row(
        "reserved name that is there",
        mod(b"aux.c"),
        {"aux.c": b"2\n"},
        "= =",
        tree={"aux.c": (FILE, b"1\n")},
    ),
    Row("trailing dot", new(b"x."), "unsafe", "yes yes", WINDOWS),
    Row(
        "trailing blank",
        u(b"/dev/null", b'"b/x "', b"@@ -0,0 +1 @@\n+1\n"),
        "unsafe",
        "yes yes",
        WINDOWS,
    ),
    Row("stream", new(b"f:hidden"), "unsafe", "yes yes", WINDOWS),
    Row(
        "not UTF-8, quoted",
        u(b"/dev/null", b'"b/\\377"', b"@@ -0,0 +1 @@\n+1\n"),
        "unsafe",
        "yes yes",
        UTF8,
    ),
    Row("not UTF-8, raw", new(b"\xe9"), "unsafe", "yes yes", UTF8),
    Row(
        "not UTF-8, in the tree",
        mod(b"\xe9"),
        {"\udce9": b"2\n"},
        "= =",
        tree={"\udce9": (FILE, b"1\n")},
    ),
    Row("surrogates in UTF-8", new(b"\xed\xa0\x80"), "unsafe", "yes yes", UTF8),
    Row(
        "non-ASCII, raw",
        mod("é".encode()),
        {"é": b"2\n"},
        "= =",
        tree={"é": (FILE, b"1\n")},
    ),
    Row(
        "non-ASCII, octal",
        u(b'"a/\\303\\251"', b'"b/\\303\\251"'),
        {"é": b"2\n"},
        "= =",
        tree={"é": (FILE, b"1\n")},
    ),
    Row(
        "blank in a name, tab after it",
        u(b"a/b c\t", b"b/b c\t"),
        {"b c": b"2\n"},
        "= =",
        tree={"b c": (FILE, b"1\n")},
    ),
    Row(
        "blank in a name, git",
        git(b"b c", b"index 1..2 100644", body=u(b"a/b c\t", b"b/b c\t")),
        {"b c": b"2\n"},
        "= =",
        tree={"b c": (FILE, b"1\n")},
    ),
    Row(
        "the tree itself",
        u(b"/dev/null", b"b/", b"@@ -0,0 +1 @@\n+1\n"),
        "missing",
        "no no",
    ),
    Row("a dot", new(b"."), "unsafe", "no no"),
    Row("no name", u(b"", b""), "missing", "no no"),
    Row("/dev/null twice", u(b"/dev/null", b"/dev/null"), "missing", "no no"),
    Row("too few folders", u(b"f", b"f"), "missing", "no no", strip=3),
    Row("a very long name", new(b"x" * 300), "unsafe", "no no"),
    Row("a very deep name", new(b"x/" * 3000 + b"x"), "unsafe", "no no"),
    Row(
        "directory with dot dot",
        mod(b"f"),
        "directory",
        "- -",
        options=("--directory", "../outside"),
    ),
    Row(
        "directory absolute",
        mod(b"f"),
        "directory",
        "- -",
        options=("--directory", "/tmp"),
    ),
    Row(
        "directory through a link",
        mod(b"secret"),
        "directory",
        "- -",
        options=("--directory", "lo"),
    ),
    Row(
        "directory",
        mod(b"e", two()),
        {"d/e": FIVE},
        "- -",
        options=("--directory", "d"),
    ),
    Row(
        "directory that is not there",
        mod(b"f"),
        "directory",
        "- -",
        options=("--directory", "nope"),
    ),
]

LINKS = [
    Row(
        "through a linked folder inside",
        mod(b"ld/e", two()),
        "unsafe",
        "yes no",
        THROUGH,
    ),
    Row("through a linked folder outside", mod(b"lo/secret"), "unsafe", "no no"),
    Row("new file through a linked folder", new(b"lo/x"), "unsafe", "no no"),
    Row("delete through a linked folder", gone(b"lo/secret"), "unsafe", "no no"),
    Row("patch a link to a file", mod(b"l"), "unsafe", "no no"),
    Row("patch a link to the outside", mod(b"ls"), "unsafe", "no no"),
    Row("create over a link", new(b"ls"), "exists", "no no"),
    Row("create over a link, git", fresh(b"ls"), "exists", "no no"),
    Row("delete a link as if it were a file", gone(b"ls"), "unsafe", "no no"),
    Row("delete a link", unlink(b"ls", b"../outside/secret"), {"ls": None}, "= ="),
    Row(
        "delete a link that points elsewhere", unlink(b"ls", b"f"), "not found", "no no"
    ),
    Row("new link inside", link(b"n", b"d/e"), {"n": (LINK, b"d/e")}, "= ="),
    Row(
        "new link inside, up and down",
        link(b"d/n", b"../f"),
        {"d/n": (LINK, b"../f")},
        "= =",
    ),
    Row("new link outside", link(b"n", b"../outside"), "unsafe", "yes yes", LEAVES),
    Row("new link absolute", link(b"n", b"/etc/passwd"), "unsafe", "yes yes", LEAVES),
    Row(
        "new link outside, deep",
        link(b"d/n", b"../../outside"),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "new link through a link", link(b"n", b"lo/secret"), "unsafe", "yes yes", LEAVES
    ),
    Row(
        "new link chain",
        link(b"n1", b"lo") + link(b"n2", b"n1/secret"),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "new link with backslashes",
        link(b"n", b"..\\outside"),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row("new link with a NUL", link(b"n", b"f\0g"), "unsafe", "yes yes", NUL),
    Row("new link to itself", link(b"n", b"n"), {"n": (LINK, b"n")}, "= ="),
    Row(
        "new link, empty",
        git(b"n", b"new file mode 120000", b"index %s..%s" % (ZERO, oid(b""))),
        "unsafe",
        "yes no",
        NUL,
    ),
    Row("new link, two lines", link(b"n", b"f\n+g"), "bad diff", "yes yes", SURPLUS),
    Row(
        "retarget a link outside",
        git(
            b"l",
            b"index 1..2 120000",
            body=mod(b"l", b"@@ -1 +1 @@\n-f\n" + NOEOL + b"+../outside\n" + NOEOL),
        ),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "retarget a link",
        git(
            b"l",
            b"index 1..2 120000",
            body=mod(b"l", b"@@ -1 +1 @@\n-f\n" + NOEOL + b"+g\n" + NOEOL),
        ),
        {"l": (LINK, b"g")},
        "= =",
    ),
    Row(
        "write through a link just made",
        link(b"n", b"d") + fresh(b"n/x"),
        "unsafe",
        "yes no",
        THROUGH,
    ),
    Row(
        "write through a link of the diff before",
        (link(b"n", b"d"), fresh(b"n/x")),
        "unsafe",
        "yes no",
        THROUGH,
    ),
    Row(
        "patch through a link just made",
        link(b"n", b"d") + git(b"n/e", body=mod(b"n/e", two())),
        "unsafe",
        "yes no",
        THROUGH,
    ),
    Row(
        "patch a link just made",
        link(b"n", b"f") + git(b"n", body=mod(b"n")),
        "unsafe",
        "no no",
    ),
    Row(
        "delete through a link just made",
        link(b"n", b"d") + away(b"n/e", NUMBERS),
        "missing",
        "yes no",
        THROUGH,
    ),
    Row("rename through a link", rename(b"lo/secret", b"x"), "unsafe", "no no"),
    Row("rename into a link", rename(b"f", b"lo/x"), "unsafe", "no no"),
    Row(
        "copy from a link to a file",
        copy(b"ls", b"x"),
        "unsafe",
        "no yes",
        LEAVES,
    ),
    Row("copy out of the tree", copy(b"f", b"../x"), "unsafe", "no no"),
    Row(
        "copy into the tree",
        copy(b"../outside/secret", b"x"),
        "unsafe",
        "no yes",
        LEAVES,
    ),
    Row("rename out of the tree", rename(b"f", b"../x"), "unsafe", "no no"),
    Row("rename into the tree", rename(b"../outside/secret", b"x"), "unsafe", "no no"),
    Row(
        "rename a link deeper",
        rename(b"l", b"d/l2"),
        {"l": None, "d/l2": (LINK, b"f")},
        "no =",
    ),
    Row(
        "a link moved deeper stays inside",
        rename(b"d/up", b"n/m/up"),
        {"d/up": None, "n/m/up": (LINK, b"../f")},
        "no =",
        tree={"d/up": (LINK, b"../f")},
    ),
    Row(
        "a link moved up leads outside",
        rename(b"d/up", b"up2"),
        "unsafe",
        "no yes",
        LEAVES,
        tree={"d/up": (LINK, b"../f")},
    ),
    Row("file becomes link", away(b"f") + link(b"f", b"g"), {"f": (LINK, b"g")}, "= ="),
    Row("link becomes file", unlink(b"l", b"f") + fresh(b"l"), {"l": b"new\n"}, "= ="),
    Row(
        "file becomes link by mode",
        chmod(b"f", b"100644", b"120000"),
        "kind",
        "no no",
    ),
    Row(
        "link becomes file by mode",
        chmod(b"ls", b"120000", b"100644"),
        "kind",
        "no no",
    ),
    Row(
        "folder of links becomes a folder",
        unlink(b"ld", b"d") + fresh(b"ld/x"),
        {"ld": None, "ld/x": b"new\n"},
        "other =",
        THROUGH,
    ),
    Row(
        "hard link is cut",
        mod(b"hard"),
        {"hard": b"2\n"},
        "= =",
        setup=lambda top: os.link(top / "outside/secret", top / "tree/hard"),
    ),
    Row(
        "hard link is cut by a mode",
        chmod(b"hard"),
        {"hard": (PROGRAM, b"1\n")},
        "= =",
        setup=lambda top: os.link(top / "outside/secret", top / "tree/hard"),
    ),
    Row(
        "fifo",
        mod(b"pipe"),
        "unreadable",
        "no no",
        setup=lambda top: os.mkfifo(top / "tree/pipe"),
    ),
    Row(
        "create over a fifo",
        new(b"pipe"),
        "unreadable",
        "no no",
        setup=lambda top: os.mkfifo(top / "tree/pipe"),
    ),
    Row(
        "through a fifo",
        new(b"pipe/x"),
        "unsafe",
        "no no",
        setup=lambda top: os.mkfifo(top / "tree/pipe"),
    ),
    Row("folder in the way", new(b"d"), "unsafe", "no no"),
    Row("modify a folder", mod(b"d"), "unsafe", "no yes", KINDS),
    Row("file in the way", new(b"f/x"), "unsafe", "no no"),
]

MOVES = [
    Row("rename", rename(b"f", b"x"), {"f": None, "x": b"1\n"}, "= ="),
    Row(
        "rename with an edit",
        rename(b"f", b"x", u(b"a/f", b"b/x")),
        {"f": None, "x": b"2\n"},
        "= =",
    ),
    Row(
        "rename with a mode",
        git(
            b"f",
            b"old mode 100644",
            b"new mode 100755",
            b"similarity index 100%",
            b"rename from f",
            b"rename to x",
            to=b"x",
        ),
        {"f": None, "x": (PROGRAM, b"1\n")},
        "= =",
    ),
    Row("rename onto another", rename(b"f", b"g"), "exists", "yes no", OVER),
    Row("rename onto itself", rename(b"f", b"f"), {}, "= ="),
    Row("rename of nothing", rename(b"nope", b"x"), "missing", "no no"),
    Row(
        "rename already done", rename(b"nope", b"f"), "already applied", "yes no", OVER
    ),
    Row("copy", copy(b"f", b"x"), {"x": b"1\n"}, "= ="),
    Row("copy with an edit", copy(b"f", b"x", u(b"a/f", b"b/x")), {"x": b"2\n"}, "= ="),
    Row("copy onto another", copy(b"f", b"g"), "exists", "yes no", OVER),
    Row(
        "copy already done",
        copy(b"f", b"f2"),
        "already applied",
        "yes no",
        OVER,
        tree={"f2": (FILE, b"1\n")},
    ),
    Row(
        "swap",
        rename(b"f", b"g") + rename(b"g", b"f"),
        {"f": b"G\n", "g": b"1\n"},
        "= =",
    ),
    Row(
        "chain",
        rename(b"f", b"g") + rename(b"g", b"x"),
        {"f": None, "g": b"1\n", "x": b"G\n"},
        "= =",
    ),
    Row(
        "chain backwards",
        rename(b"g", b"x") + rename(b"f", b"g"),
        {"f": None, "g": b"1\n", "x": b"G\n"},
        "= =",
    ),
    Row(
        "one file to two names",
        rename(b"f", b"x") + rename(b"f", b"y"),
        {"f": None, "x": b"1\n", "y": b"1\n"},
        "no =",
    ),
    Row(
        "copy and rename of one",
        copy(b"f", b"x") + rename(b"f", b"y"),
        {"f": None, "x": b"1\n", "y": b"1\n"},
        "= =",
    ),
    Row(
        "rename and then copy of one",
        rename(b"f", b"y") + copy(b"f", b"x"),
        {"f": None, "x": b"1\n", "y": b"1\n"},
        "no =",
    ),
    Row(
        "rename, then a new file in its place",
        rename(b"f", b"x") + fresh(b"f"),
        {"f": b"new\n", "x": b"1\n"},
        "= =",
    ),
    Row(
        "rename into a new folder",
        rename(b"f", b"n/m/x"),
        {"f": None, "n/m/x": b"1\n"},
        "= =",
    ),
    Row(
        "rename in a series, then edit",
        (rename(b"f", b"x"), git(b"x", body=mod(b"x"))),
        {"f": None, "x": b"2\n"},
        "= =",
    ),
    Row(
        "rename of an executable",
        rename(b"run", b"x"),
        {"run": None, "x": (PROGRAM, b"1\n")},
        "= =",
    ),
    Row(
        "rename whose hunk fails",
        rename(b"f", b"x", u(b"a/f", b"b/x", b"@@ -1 +1 @@\n-no\n+2\n")),
        "not found",
        "no no",
    ),
    Row("mode", chmod(b"f"), {"f": (PROGRAM, b"1\n")}, "= ="),
    Row("mode away", chmod(b"run", b"100755", b"100644"), {"run": b"1\n"}, "= ="),
    Row("mode that is there already", chmod(b"run"), {}, "= ="),
    Row("mode of nothing", chmod(b"nope"), "missing", "no no"),
    Row(
        "mode and edit",
        git(b"f", b"old mode 100644", b"new mode 100755", body=mod(b"f")),
        {"f": (PROGRAM, b"2\n")},
        "= =",
    ),
    Row(
        "new executable", fresh(b"x", mode=b"100755"), {"x": (PROGRAM, b"new\n")}, "= ="
    ),
    Row("setuid", chmod(b"f", b"100644", b"104755"), {"f": (PROGRAM, b"1\n")}, "= ="),
    Row("new setuid", fresh(b"x", mode=b"104755"), {"x": (PROGRAM, b"new\n")}, "= ="),
    Row("odd mode", chmod(b"f", b"100644", b"100777"), {"f": (PROGRAM, b"1\n")}, "= ="),
    Row("odd new mode", fresh(b"x", mode=b"100600"), {"x": b"new\n"}, "= ="),
    Row("no mode at all", chmod(b"f", b"100644", b"0"), {}, "= no"),
    Row("mode that is no number", chmod(b"f", b"100644", b"rwx"), {}, "= no"),
    Row(
        "mode with too many digits",
        chmod(b"f", b"100644", b"1007550"),
        {},
        "= no",
    ),
    Row("mode of a folder", chmod(b"f", b"100644", b"040755"), "unsafe", "no no"),
    Row("mode of a fifo", fresh(b"x", mode=b"010644"), "unsafe", "yes yes", KINDS),
    Row(
        "submodule",
        git(
            b"sub",
            b"new file mode 160000",
            b"index %s..%s" % (ZERO, b"a" * 40),
            body=new(b"sub", b"@@ -0,0 +1 @@\n+Subproject commit %s\n" % (b"a" * 40)),
        ),
        "submodule",
        "yes yes",
        KINDS,
    ),
    Row(
        "submodule moves on",
        git(
            b"sub",
            b"index %s..%s 160000" % (b"a" * 40, b"b" * 40),
            body=mod(
                b"sub",
                b"@@ -1 +1 @@\n-Subproject commit %s\n+Subproject commit %s\n"
                % (b"a" * 40, b"b" * 40),
            ),
        ),
        "submodule",
        "no no",
    ),
    Row("new file", new(b"x"), {"x": b"new\n"}, "= ="),
    Row("new file in new folders", new(b"x/y/z"), {"x/y/z": b"new\n"}, "= ="),
    Row(
        "new file that is there just so",
        new(b"f", b"@@ -0,0 +1 @@\n+1\n"),
        "already applied",
        "no no",
    ),
    Row("new file that is there otherwise", new(b"f"), "exists", "no no"),
    Row("new file where an empty one is", new(b"empty"), {"empty": b"new\n"}, "= no"),
    Row("new empty file", fresh(b"x", b""), "bad diff", "no no"),
    Row(
        "new empty file, git",
        git(b"x", b"new file mode 100644", b"index 0000000..e69de29"),
        {"x": b""},
        "= =",
    ),
    Row(
        "new empty file that is there",
        git(b"empty", b"new file mode 100644", b"index 0000000..e69de29"),
        {},
        "= no",
    ),
    Row("delete", gone(b"f"), {"f": None}, "= ="),
    Row(
        "delete an empty file",
        git(b"empty", b"deleted file mode 100644", b"index e69de29..0000000"),
        {"empty": None},
        "= =",
    ),
    Row(
        "delete a file that is not empty, as if",
        git(b"f", b"deleted file mode 100644", b"index e69de29..0000000"),
        "not empty",
        "no no",
    ),
    Row("delete a modified file", gone(b"g"), "not found", "no no"),
    Row(
        "delete a longer file",
        gone(b"d/e", b"@@ -1,2 +0,0 @@\n-1\n-2\n"),
        "not empty",
        "no no",
    ),
    Row("delete what is gone", gone(b"nope"), "already applied", "no no"),
    Row("delete leaves no empty folder", away(b"d/e", NUMBERS), {"d/e": None}, "= ="),
    Row(
        "file becomes folder",
        away(b"f") + fresh(b"f/x"),
        {"f": None, "f/x": b"new\n"},
        "no =",
    ),
    Row(
        "file becomes folder, wrong order",
        fresh(b"f/x") + away(b"f"),
        {"f": None, "f/x": b"new\n"},
        "no =",
    ),
    Row(
        "folder becomes file",
        away(b"d/e", NUMBERS) + fresh(b"d"),
        {"d/e": None, "d": b"new\n"},
        "no =",
    ),
    Row(
        "folder with more becomes file",
        away(b"d/e", NUMBERS) + fresh(b"d"),
        "unsafe",
        "no no",
        tree={"d/more": (FILE, b"1\n")},
    ),
    Row(
        "creation, then modification in one diff",
        fresh(b"x", b"1\n") + git(b"x", body=mod(b"x")),
        {"x": b"2\n"},
        "= =",
    ),
    Row(
        "creation, then modification, plain",
        new(b"x", b"@@ -0,0 +1 @@\n+1\n") + mod(b"x"),
        {"x": b"2\n"},
        "= =",
    ),
    Row(
        "creation, then modification in a series",
        (fresh(b"x", b"1\n"), mod(b"x")),
        {"x": b"2\n"},
        "= =",
    ),
    Row(
        "creation, then deletion", fresh(b"x", b"1\n") + away(b"x"), {}, "= other", HALF
    ),
    Row("deletion, then creation", away(b"f") + fresh(b"f"), {"f": b"new\n"}, "= ="),
    Row(
        "deletion, then creation of the same",
        away(b"f") + fresh(b"f", b"1\n"),
        {},
        "= =",
    ),
    Row("deletion twice", away(b"f") + away(b"f"), "repeated", "no no"),
    Row(
        "one file twice",
        mod(b"f") + mod(b"f", b"@@ -1 +1 @@\n-2\n+3\n"),
        {"f": b"3\n"},
        "= =",
    ),
    Row(
        "one file twice, git",
        git(b"f", body=mod(b"f")) + git(b"f", body=mod(b"f", b"@@ -1 +1 @@\n-2\n+3\n")),
        {"f": b"3\n"},
        "= =",
    ),
    Row("there and back", mod(b"f") + mod(b"f", b"@@ -1 +1 @@\n-2\n+1\n"), {}, "= ="),
    Row("names that differ in case only", fresh(b"F"), {"F": b"new\n"}, "= ="),
]

EPOCH = b"@@ -0,0 +1 @@\n+new\n"
TODAY = b"2020-01-01 10:00:00.000000000 +0000"


def epoch(stamp: bytes, name: bytes = b"x") -> bytes:
    return u(b"a/%s\t%s" % (name, stamp), b"b/%s\t%s" % (name, TODAY), EPOCH)


def toepoch(stamp: bytes, name: bytes = b"f") -> bytes:
    return u(
        b"a/%s\t%s" % (name, TODAY), b"b/%s\t%s" % (name, stamp), b"@@ -1 +0,0 @@\n-1\n"
    )


STAMPS = (
    [
        Row(f"epoch, new: {stamp}", epoch(stamp.encode()), {"x": b"new\n"}, "= =")
        for stamp in (
            "1970-01-01 00:00:00.000000000 +0000",
            "1970-01-01 01:00:00.000000000 +0100",
            "1969-12-31 16:00:00.000000000 -0800",
            "1970-01-01 05:30:00.000000000 +0530",
            "Thu Jan  1 00:00:00 1970",
            "Thu Jan 01 00:00:00 1970 +0000",
            "1970-01-01 00:00:00 UTC",
        )
    ]
    + [
        Row(f"epoch, gone: {stamp}", toepoch(stamp.encode()), {"f": None}, "= =")
        for stamp in (
            "1970-01-01 00:00:00.000000000 +0000",
            "1970-01-01 09:00:00.000000000 +0900",
            "1969-12-31 19:00:00.000000000 -0500",
        )
    ]
    + [
        Row(
            "epoch of hg, emptied",
            toepoch(b"Thu Jan 01 00:00:00 1970 +0000"),
            {"f": b""},
            "= =",
        ),
        Row("not the epoch, emptied", toepoch(TODAY), {"f": b""}, "= ="),
        Row(
            "the epoch of another zone, emptied",
            toepoch(b"1970-01-01 01:00:00.000000000 +0000"),
            {"f": b""},
            "other =",
            AS_GIT,
        ),
        Row(
            "the epoch, but lines are left",
            u(b"a/d/e\t" + TODAY, b"b/d/e\t1970-01-01 00:00:00.000000000 +0000", two()),
            {"d/e": FIVE},
            "= no",
        ),
        Row(
            "the epoch, and a file is there",
            epoch(b"1970-01-01 00:00:00.000000000 +0000", b"g"),
            "exists",
            "no no",
        ),
        Row(
            "nothing at line 0, no time",
            u(b"a/x", b"b/x", EPOCH),
            {"x": b"new\n"},
            "= =",
        ),
        Row(
            "nothing at line 0, file is there",
            u(b"a/g", b"b/g", EPOCH),
            {"g": b"new\nG\n"},
            "= no",
        ),
        Row(
            "nothing at line 0, empty file is there",
            u(b"a/empty", b"b/empty", EPOCH),
            {"empty": b"new\n"},
            "= =",
        ),
        Row(
            "everything goes, no time",
            u(b"a/f", b"b/f", b"@@ -1 +0,0 @@\n-1\n"),
            {"f": b""},
            "= =",
        ),
    ]
)

HUNKS = [
    Row(
        "absurd count",
        mod(b"f", b"@@ -1,999999999999 +1 @@\n-1\n+2\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "absurd line",
        mod(b"f", b"@@ -999999999999 +1 @@\n-1\n+2\n"),
        "no context",
        "yes yes",
        OWN_LINE,
    ),
    Row(
        "twenty digits in a count",
        mod(b"f", b"@@ -1,99999999999999999999 +1 @@\n-1\n+2\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "twenty digits in a line",
        mod(b"f", b"@@ -99999999999999999999 +1 @@\n-1\n+2\n"),
        "bad diff",
        "no yes",
        HALF,
    ),
    Row(
        "twenty digits in the second hunk",
        mod(b"f", ONE + b"@@ -99999999999999999999 +1 @@\n-1\n+2\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "twenty digits, then a good file",
        mod(b"f", b"@@ -1,99999999999999999999 +1 @@\n-1\n+2\n")
        + mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n"),
        "bad diff",
        "no no",
    ),
    Row("negative count", mod(b"f", b"@@ -1,-1 +1 @@\n-1\n+2\n"), "bad diff", "no no"),
    Row("no numbers", mod(b"f", b"@@ @@\n-1\n+2\n"), "bad diff", "no no"),
    Row("hexadecimal", mod(b"f", b"@@ -0x1 +1 @@\n-1\n+2\n"), "bad diff", "no no"),
    Row("zero lines", mod(b"f", b"@@ -1,0 +1,0 @@\n"), "bad diff", "no no"),
    Row("context only", mod(b"f", b"@@ -1 +1 @@\n 1\n"), "bad diff", "no no"),
    Row(
        "too few lines",
        mod(b"d/e", b"@@ -3,5 +3,5 @@\n 3\n 4\n-5\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "too few lines, another file follows",
        mod(b"d/e", b"@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n") + mod(b"f"),
        "bad diff",
        "no no",
    ),
    Row(
        "too many lines",
        mod(b"d/e", b"@@ -3,3 +3,3 @@\n 3\n 4\n-5\n+five\n 6\n 7\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "more minus than told",
        mod(b"d/e", b"@@ -5 +5 @@\n-5\n-6\n+five\n"),
        "bad diff",
        "no no",
    ),
    Row("omitted counts", mod(b"f", b"@@ -1 +1 @@\n-1\n+2\n"), {"f": b"2\n"}, "= ="),
    Row(
        "no blank before the last @@",
        mod(b"f", b"@@ -1 +1@@\n-1\n+2\n"),
        {"f": b"2\n"},
        "= no",
    ),
    Row(
        "header without the last @@",
        mod(b"f", b"@@ -1 +1\n-1\n+2\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "section heading",
        mod(b"f", b"@@ -1 +1 @@ class A:\n-1\n+2\n"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "out of order",
        mod(
            b"d/e",
            b"@@ -7,3 +7,3 @@\n 7\n-8\n+eight\n 9\n"
            b"@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n",
        ),
        {"d/e": NUMBERS.replace(b"8", b"eight").replace(b"3", b"three")},
        "no =",
    ),
    Row(
        "overlapping",
        mod(
            b"d/e",
            b"@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n"
            b"@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n",
        ),
        {"d/e": NUMBERS.replace(b"3", b"three").replace(b"5", b"five")},
        "= no",
    ),
    Row(
        "overlapping in a changed line",
        mod(
            b"d/e",
            b"@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n"
            b"@@ -3,3 +3,3 @@\n 3\n-4\n+four\n 5\n",
        ),
        {"d/e": NUMBERS.replace(b"3\n4", b"three\nfour")},
        "= no",
    ),
    Row("the same hunk twice", mod(b"f", ONE + ONE), "order", "no no"),
    Row(
        "offset",
        mod(b"d/e", b"@@ -13,5 +13,5 @@\n 3\n 4\n-5\n+five\n 6\n 7\n"),
        {"d/e": FIVE},
        "= =",
    ),
    Row(
        "ambiguous",
        mod(b"m", b"@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n"),
        "ambiguous",
        "yes yes",
        GUESS,
        tree={"m": (FILE, b"4\n5\n6\n" + b"x\n" * 3 + b"4\n5\n6\n")},
    ),
    Row(
        "no context, 460 lines away",
        mod(b"m", b"@@ -5 +5 @@\n-5\n+five\n"),
        "no context",
        "yes no",
        OWN_LINE,
        tree={"m": (FILE, b"x\n" * 460 + NUMBERS)},
    ),
    Row(
        "no context, inserted, and there already",
        mod(b"d/e", b"@@ -4,0 +5 @@\n+5\n"),
        "ambiguous",
        "yes yes",
        TWIN,
    ),
    Row(
        "there already, and a twin is not changed",
        mod(b"m", TWINS),
        "ambiguous",
        "yes yes",
        TWIN,
        tree={"m": (FILE, b"0\n" * 7 + b"4\nfive\n6\n" + b"x\n" * 3 + b"4\n5\n6\n")},
    ),
    Row(
        "there already, before a twin at its line",
        mod(b"m", TWINS),
        {"m": b"4\nfive\n6\n" + b"x\n" * 4 + b"4\nfive\n6\n"},
        "= =",
        tree={"m": (FILE, b"4\nfive\n6\n" + b"x\n" * 4 + b"4\n5\n6\n")},
    ),
    Row(
        "each hunk placed by another tool",
        mod(
            b"m", b"@@ -1,3 +1,3 @@\n q\n-a\n+z\n q\n@@ -5,3 +5,4 @@\n m\n c\n+x\n b\n"
        ),
        "only at the end",
        "no no",
        tree={"m": (FILE, b"0\nq\na\nq\nm\nc\nb\nt\n")},
    ),
    Row(
        "each file placed by another tool",
        mod(b"f", b"@@ -1 +1 @@\n-1\n+2\n")
        + mod(b"m", b"@@ -3 +3 @@\n-a\n+z\n")
        + mod(b"n", b"@@ -7,2 +7,2 @@\n 7\n-8\n+x\n@@ -2,3 +2,3 @@\n 2\n-3\n+y\n 4\n"),
        "order",
        "no no",
        tree={"m": (FILE, b"q\nq\na\nq\n"), "n": (FILE, NUMBERS[:16])},
    ),
    Row(
        "equally near, with the same result",
        mod(b"m", b"@@ -2 +1,0 @@\n-c\n"),
        {"m": b"c\nc\n"},
        "= =",
        tree={"m": (FILE, b"c\nc\nc\n")},
    ),
    Row("no context", mod(b"d/e", b"@@ -5 +5 @@\n-5\n+five\n"), {"d/e": FIVE}, "= no"),
    Row(
        "no context, inserted",
        mod(b"d/e", b"@@ -5,0 +6 @@\n+x\n"),
        {"d/e": NUMBERS.replace(b"5\n", b"5\nx\n")},
        "= other",
        GUESS,
    ),
    Row(
        "no context, other lines",
        mod(b"d/e", b"@@ -5 +5 @@\n-x\n+five\n"),
        "not found",
        "no no",
    ),
    Row(
        "stripped blank context",
        mod(b"m", b"@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"),
        {"m": b"a\n\nc\n"},
        "= =",
        tree={"m": (FILE, b"a\n\nb\n")},
    ),
    Row(
        "tab context",
        mod(b"m", b"@@ -1,3 +1,3 @@\n a\n\tx\n-b\n+c\n"),
        {"m": b"a\n\tx\nc\n"},
        "= no",
        tree={"m": (FILE, b"a\n\tx\nb\n")},
    ),
    Row(
        "chopped blank context at the end",
        mod(b"m", b"@@ -1,4 +1,4 @@\n-a\n+b\n x\n"),
        {"m": b"b\nx\n\n\n"},
        "= no",
        tree={"m": (FILE, b"a\nx\n\n\n")},
    ),
    Row("diff without its last newline", mod(b"f")[:-1], "bad diff", "no no"),
    Row(
        "context without its last newline",
        mod(b"d/e", two())[:-1],
        {"d/e": FIVE},
        "no no",
    ),
    Row("cut in the middle of a line", mod(b"d/e", two())[:-3], "not found", "no no"),
    Row(
        "cut in the middle of a hunk header",
        mod(b"d/e", two() + b"@@ -8,"),
        "bad diff",
        "yes no",
        CUT,
    ),
    Row(
        "cut in the middle of a file header",
        mod(b"f") + b"--- a/g\n+++ b",
        "bad diff",
        "yes yes",
        CUT,
    ),
    Row(
        "cut after a file header",
        mod(b"f") + b"--- a/g\n+++ b/g\n",
        "bad diff",
        "yes yes",
        LOST,
    ),
    Row(
        "cut in diff --git",
        git(b"f", body=mod(b"f")) + b"diff --git a/g",
        "bad diff",
        "yes yes",
        CUT,
    ),
    Row(
        "already applied",
        mod(b"d/e", two()),
        "already applied",
        "no no",
        tree={"d/e": (FILE, FIVE)},
    ),
    Row(
        "applied in part, two hunks",
        mod(
            b"d/e",
            b"@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n@@ -6,3 +6,3 @@\n 6\n-7\n+seven\n 8\n",
        ),
        "partly applied",
        "no no",
        tree={"d/e": (FILE, NUMBERS.replace(b"2", b"two"))},
    ),
    Row(
        "applied in part, one hunk",
        mod(b"d/e", b"@@ -1,8 +1,8 @@\n 1\n-2\n+two\n 3\n 4\n 5\n 6\n-7\n+seven\n 8\n"),
        "partly applied",
        "no no",
        tree={"d/e": (FILE, NUMBERS.replace(b"2", b"two"))},
    ),
    Row(
        "reversed, by its times",
        u(
            b"a/d/e\t2021-02-03 10:00:00.000000000 +0000",
            b"b/d/e\t2020-02-03 10:00:00.000000000 +0000",
            two(),
        ),
        "reversed",
        "no no",
        tree={"d/e": (FILE, FIVE)},
    ),
    Row(
        "reversed, by its names",
        u(b"d/e", b"d/e.orig", two()),
        "reversed",
        "no no",
        strip=0,
        tree={"d/e": (FILE, FIVE)},
    ),
]

for_bare = mod(b"bare", b"@@ -1,2 +1,2 @@\n 1\n-2\n" + NOEOL + b"+3\n" + NOEOL)
LINES = (
    [
        Row("no newline, both", for_bare, {"bare": b"1\n3"}, "= ="),
        Row(
            "no newline, old",
            mod(b"bare", b"@@ -1,2 +1,2 @@\n 1\n-2\n" + NOEOL + b"+3\n"),
            {"bare": b"1\n3\n"},
            "= =",
        ),
        Row(
            "no newline, new",
            mod(b"f", b"@@ -1 +1 @@\n-1\n+2\n" + NOEOL),
            {"f": b"2"},
            "= =",
        ),
        Row(
            "no newline in context",
            mod(b"bare", b"@@ -1,2 +1,2 @@\n-1\n+one\n 2\n" + NOEOL),
            {"bare": b"one\n2"},
            "= =",
        ),
        Row(
            "no newline, but the file has one",
            mod(b"f", b"@@ -1 +1 @@\n-1\n" + NOEOL + b"+2\n" + NOEOL),
            "not found",
            "no no",
        ),
        Row(
            "newline, but the file has none",
            mod(b"bare", b"@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"),
            "not found",
            "no no",
        ),
        Row(
            "marker in German",
            for_bare.replace(NOEOL, b"\\ Kein Zeilenumbruch am Dateiende.\n"),
            {"bare": b"1\n3"},
            "= =",
        ),
        Row(
            "marker in Japanese",
            for_bare.replace(NOEOL, "\\ ファイル末尾に改行がありません\n".encode()),
            {"bare": b"1\n3"},
            "= =",
        ),
        Row(
            "marker that is bare",
            for_bare.replace(NOEOL, b"\\\n"),
            {"bare": b"1\n3"},
            "= no",
        ),
        Row(
            "marker in the middle of a side",
            mod(b"d/e", b"@@ -5,2 +5,2 @@\n-5\n" + NOEOL + b"-6\n+five\n+six\n"),
            "bad diff",
            "no no",
        ),
        Row("CRLF diff, LF file", crlf(mod(b"f")), {"f": b"2\n"}, "= no"),
        Row(
            "CRLF diff, CRLF file",
            crlf(mod(b"crlf", b"@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n")),
            {"crlf": b"1\r\ntwo\r\n3\r\n"},
            "no =",
        ),
        Row(
            "CRLF diff, new file",
            crlf(new(b"x")),
            {"x": b"new\n"},
            "= other",
            CONVERTED,
        ),
        Row(
            "CRLF diff, new file, git",
            crlf(fresh(b"x")),
            {"x": b"new\n"},
            "= other",
            CONVERTED,
        ),
        Row(
            "CRLF diff, git, LF file",
            crlf(git(b"f", b"index 1..2 100644", body=mod(b"f"))),
            {"f": b"2\n"},
            "= no",
        ),
        Row(
            "CRLF diff, git, rename",
            crlf(rename(b"f", b"x")),
            {"f": None, "x": b"1\n"},
            "= =",
        ),
        Row(
            "CRLF diff, git, mode", crlf(chmod(b"f")), {"f": (PROGRAM, b"1\n")}, "= no"
        ),
        Row(
            "LF diff, CRLF file",
            mod(b"crlf", b"@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"),
            "line endings",
            "no no",
        ),
        Row(
            "LF headers, CRLF lines, CRLF file",
            mod(b"crlf", b"@@ -1,3 +1,3 @@\n 1\r\n-2\r\n+two\r\n 3\r\n"),
            {"crlf": b"1\r\ntwo\r\n3\r\n"},
            "= =",
        ),
        Row(
            "CRLF headers, LF lines",
            crlf(u(b"a/f", b"b/f", b"")) + ONE,
            {"f": b"2\n"},
            "= =",
        ),
        Row(
            "CRLF to LF",
            mod(b"crlf", b"@@ -1,3 +1,3 @@\n-1\r\n-2\r\n-3\r\n+1\n+2\n+3\n"),
            {"crlf": b"1\n2\n3\n"},
            "= =",
        ),
        Row(
            "LF to CRLF", mod(b"f", b"@@ -1 +1 @@\n-1\n+1\r\n"), {"f": b"1\r\n"}, "= ="
        ),
        Row(
            "lone CR",
            mod(b"m", b"@@ -1 +1 @@\n-a\rb\n+a\rc\n"),
            {"m": b"a\rc\n"},
            "= =",
            tree={"m": (FILE, b"a\rb\n")},
        ),
        Row(
            "CR CR LF",
            mod(b"m", b"@@ -1 +1 @@\n-a\r\r\n+b\r\r\n"),
            {"m": b"b\r\r\n"},
            "= =",
            tree={"m": (FILE, b"a\r\r\n")},
        ),
    ]
    + [
        Row(
            f"odd character {char!r}",
            mod(b"m", b"@@ -1 +1 @@\n-a%sb\n+a%sc\n" % (char, char)),
            {"m": b"a%sc\n" % char},
            "= =",
            tree={"m": (FILE, b"a%sb\n" % char)},
        )
        for char in (
            b"\x0c",
            b"\x0b",
            b"\x1c",
            b"\x1d",
            b"\x1e",
            b"\x85",
            b"\xc2\x85",
            b"\xe2\x80\xa8",
            b"\0",
            b"\xff\xfe",
            b"\x1a",
            b"\x7f",
            b"\xef\xbb\xbf",
        )
    ]
    + [
        Row(
            "every byte",
            mod(b"m", b"@@ -1 +1 @@\n-%s\n+%s!\n" % ((bytes(range(11, 256)),) * 2)),
            {"m": bytes(range(11, 256)) + b"!\n"},
            "= =",
            tree={"m": (FILE, bytes(range(11, 256)) + b"\n")},
        ),
        Row(
            "header-like lines in a hunk",
            mod(b"m", b"@@ -1,2 +1,2 @@\n--- a/x\n-+++ b/x\n+++ b/x\n+@@ -1 +1 @@\n"),
            {"m": b"++ b/x\n@@ -1 +1 @@\n"},
            "= =",
            tree={"m": (FILE, b"-- a/x\n+++ b/x\n")},
        ),
    ]
)

COMBINED_DIFF = (
    b"diff --cc f\nindex 1,2..3\n--- a/f\n+++ b/f\n"
    b"@@@ -1,1 -1,1 +1,1 @@@\n- 1\n -3\n++2\n"
)
SVN_PROPERTY = (
    b"\nProperty changes on: f\n%s\nAdded: svn:executable\n## -0,0 +1 ##\n+*\n"
    b"\\ No newline at end of property\n" % (b"_" * 67)
)
SVN_BINARY = (
    b"Index: bin\n%s\nCannot display: file marked as a binary type.\n"
    b"svn:mime-type = application/octet-stream\n" % (b"=" * 67)
)
AROUND = [
    Row(
        "mail",
        MAIL
        + b" f | 2 +-\n\n"
        + git(b"f", b"index 1..2 100644", body=mod(b"f"))
        + SIGNATURE,
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "mailbox of two",
        MAIL
        + git(b"f", body=mod(b"f"))
        + SIGNATURE
        + MAIL
        + git(b"f", body=mod(b"f", b"@@ -1 +1 @@\n-2\n+3\n"))
        + SIGNATURE,
        {"f": b"3\n"},
        "= =",
    ),
    Row(
        "mailbox that makes and renames",
        MAIL + fresh(b"x", b"1\n") + SIGNATURE + MAIL + rename(b"x", b"y") + SIGNATURE,
        {"y": b"1\n"},
        "= no",
    ),
    Row(
        "DEP-3",
        b"Description: x\nAuthor: A <a@b.c>\nForwarded: no\n---\n" + mod(b"f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "quilt",
        b"Index: tree/f\n" + b"=" * 67 + b"\n" + u(b"tree.orig/f", b"tree/f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row("text after the diff", mod(b"f") + b"\nThat is all.\n", {"f": b"2\n"}, "= ="),
    Row(
        "text that looks like a header",
        b"--- this is text\nmore\n" + mod(b"f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "quoted in a mail",
        b"".join(b"> " + line for line in mod(b"f").splitlines(keepends=True)),
        "bad diff",
        "no no",
    ),
    Row(
        "as HTML",
        mod(b"m", b"@@ -1 +1 @@\n-a &lt; b\n+a &gt; b\n"),
        "not found",
        "no no",
        tree={"m": (FILE, b"a < b\n")},
    ),
    Row(
        "indented",
        b"".join(b"  " + line for line in mod(b"f").splitlines(keepends=True)),
        {"f": b"2\n"},
        "= no",
    ),
    Row(
        "context diff",
        b"*** a/f\n--- b/f\n***************\n*** 1 ****\n! 1\n--- 1 ----\n! 2\n",
        "bad diff",
        "yes no",
        UNIFIED,
    ),
    Row(
        "context diff after a unified one",
        mod(b"f")
        + b"*** a/g\n--- b/g\n***************\n*** 1 ****\n! G\n--- 1 ----\n! H\n",
        "bad diff",
        "yes yes",
        UNIFIED,
    ),
    Row("normal diff", b"1c1\n< 1\n---\n> 2\n", "bad diff", "no no"),
    Row(
        "normal diff with Index", b"Index: f\n1c1\n< 1\n---\n> 2\n", "bad diff", "no no"
    ),
    Row("ed script", b"1c\n2\n.\n", "bad diff", "no no"),
    Row(
        "ed script after headers",
        b"--- a/f\n+++ b/f\n1c\n2\n.\n",
        "bad diff",
        "yes no",
        UNIFIED,
    ),
    Row("ed script with Index", b"Index: f\n1c\n2\n.\n", "bad diff", "no no"),
    Row(
        "combined diff",
        COMBINED_DIFF,
        "bad diff",
        "no no",
    ),
    Row(
        "combined diff after a good one",
        git(b"g", body=mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n")) + COMBINED_DIFF,
        "bad diff",
        "yes yes",
        UNIFIED,
    ),
    Row(
        "svn",
        b"Index: f\n" + b"=" * 67 + b"\n" + u(b"f\t(revision 1)", b"f\t(working copy)"),
        {"f": b"2\n"},
        "= =",
        strip=0,
    ),
    Row(
        "svn with blanks",
        b"Index: f\n"
        + b"=" * 67
        + b"\n"
        + u(b"f    (revision 1)", b"f    (working copy)"),
        {"f": b"2\n"},
        "= no",
        strip=0,
    ),
    Row(
        "svn new file",
        b"Index: x\n"
        + b"=" * 67
        + b"\n"
        + u(b"x\t(revision 0)", b"x\t(revision 0)", EPOCH),
        {"x": b"new\n"},
        "= =",
        strip=0,
    ),
    Row(
        "svn nonexistent",
        b"Index: x\n"
        + b"=" * 67
        + b"\n"
        + u(b"x\t(nonexistent)", b"x\t(working copy)", EPOCH),
        {"x": b"new\n"},
        "= =",
        strip=0,
    ),
    Row(
        "svn deleted",
        b"Index: f\n"
        + b"=" * 67
        + b"\n"
        + u(b"f\t(revision 1)", b"f\t(nonexistent)", b"@@ -1 +0,0 @@\n-1\n"),
        {"f": b""},
        "= =",
        strip=0,
    ),
    Row(
        "svn property",
        b"Index: f\n"
        + b"=" * 67
        + b"\n"
        + u(b"f\t(revision 1)", b"f\t(working copy)")
        + SVN_PROPERTY,
        {"f": b"2\n"},
        "= =",
        strip=0,
    ),
    Row(
        "svn binary",
        SVN_BINARY
        + b"Index: f\n"
        + b"=" * 67
        + b"\n"
        + u(b"f\t(revision 1)", b"f\t(working copy)"),
        "binary",
        "yes yes",
        LOST,
        strip=0,
    ),
    Row(
        "hg",
        b"diff -r 0123456789ab f\n"
        + u(
            b"a/f\tThu Jan 01 00:00:00 2015 +0000",
            b"b/f\tWed Feb 04 18:45:35 2015 +0100",
        ),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "cvs",
        b"Index: d/e\n"
        + b"=" * 67
        + b"\nRCS file: /cvs/d/e,v\nretrieving revision 1.1\ndiff -u -r1.1 e\n"
        + u(
            b"e\t1 Jan 2001 10:00:00 -0000\t1.1", b"e\t2 Jan 2001 10:00:00 -0000", two()
        ),
        {"d/e": FIVE},
        "no no",
        strip=0,
    ),
    Row(
        "bzr",
        b"=== modified file 'f'\n"
        + u(b"f\t2010-01-01 10:00:00 +0000", b"f\t2010-01-02 10:00:00 +0000"),
        {"f": b"2\n"},
        "= =",
        strip=0,
    ),
    Row(
        "p4",
        b"==== //depot/f#3 - /home/x/f ====\n" + ONE,
        {"f": b"2\n"},
        "no no",
        strip=2,
    ),
    Row("only in", b"Only in b: x\n" + mod(b"f"), "bad diff", "yes yes", LOST),
    Row("only in, alone", b"Only in b: x\n", "bad diff", "no no"),
    Row(
        "binary files differ, in the tree",
        b"Binary files a/bin and b/bin differ\n" + mod(b"f"),
        "binary",
        "yes yes",
        LOST,
    ),
    Row(
        "binary files differ, not in the tree",
        b"Binary files a/.git/index and b/.git/index differ\n" + mod(b"f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "binary files differ, one that the tree lacks",
        mod(b"f") + b"Binary files a/x.png and b/x.png differ\n",
        "binary",
        "yes yes",
        LOST,
    ),
    Row(
        "binary files differ, byte code",
        mod(b"f") + b"Binary files a/x.pyc and b/x.pyc differ\n",
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "svn binary, a new one",
        SVN_BINARY.replace(b"bin\n", b"img/new.png\n", 1)
        + b"Index: f\n%s\n" % (b"=" * 67)
        + u(b"f\t(revision 1)", b"f\t(working copy)"),
        "binary",
        "yes yes",
        LOST,
        strip=0,
    ),
    Row(
        "hg binary, a new one",
        b"diff -r 000000000000 -r 1234567890ab x.png\nBinary file x.png has changed\n"
        + mod(b"f"),
        "binary",
        "yes yes",
        LOST,
    ),
    Row(
        "bzr binary, a new one",
        b"=== added file 'x.png'\nBinary files x.png\t1970-01-01 00:00:00 +0000 and "
        b"x.png\t2010-01-01 00:00:00 +0000 differ\n=== modified file 'f'\n"
        + u(b"f\t2010-01-01 10:00:00 +0000", b"f\t2010-01-02 10:00:00 +0000"),
        "binary",
        "yes yes",
        LOST,
        strip=0,
    ),
    Row(
        "binary files differ, a new one",
        b"Binary files /dev/null and b/x differ\n" + mod(b"f"),
        "binary",
        "yes yes",
        LOST,
    ),
    Row(
        "binary files differ, alone",
        b"Binary files a/bin and b/bin differ\n",
        "bad diff",
        "no no",
    ),
    Row(
        "binary files differ, git",
        git(
            b"bin", b"index 1..2 100644", body=b"Binary files a/bin and b/bin differ\n"
        ),
        "binary",
        "yes no",
        LOST,
    ),
    Row(
        "binary files differ, git, beside a text",
        git(b"bin", b"index 1..2 100644", body=b"Binary files a/bin and b/bin differ\n")
        + git(b"f", body=mod(b"f")),
        "binary",
        "yes no",
        LOST,
    ),
    Row("BOM", b"\xef\xbb\xbf" + mod(b"f"), {"f": b"2\n"}, "= no"),
    Row(
        "BOM before diff --git",
        b"\xef\xbb\xbf" + git(b"f", body=mod(b"f")),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "BOM before a rename",
        b"\xef\xbb\xbf" + rename(b"f", b"x"),
        {"f": None, "x": b"1\n"},
        "no no",
    ),
    Row("UTF-16", mod(b"f").decode().encode("utf-16"), "bad diff", "no no"),
    Row(
        "UTF-16 without a mark",
        mod(b"f").decode().encode("utf-16-le"),
        "bad diff",
        "no no",
    ),
    Row("empty", b"", "bad diff", "yes no", EMPTY),
    Row("white space", b" \n\t\n", "bad diff", "no no"),
    Row("garbage", bytes(range(256)) * 20, "bad diff", "no no"),
    Row("an archive", zlib.compress(mod(b"f") * 50), "bad diff", "no no"),
    Row("headers only", b"--- a/f\n+++ b/f\n", "bad diff", "no no"),
    Row("diff --git only", git(b"f"), "bad diff", "no no"),
    Row(
        "diff --git and index only",
        git(b"f", b"index 1..2 100644"),
        "bad diff",
        "yes no",
        LOST,
    ),
    Row(
        "old and new disagree with diff --git",
        b"diff --git a/g b/g\n" + mod(b"f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(".orig", u(b"f.orig", b"f"), {"f": b"2\n"}, "= =", strip=0),
    Row(
        ".orig that is there, too",
        u(b"f.orig", b"f"),
        {"f": b"2\n"},
        "= =",
        strip=0,
        tree={"f.orig": (FILE, b"1\n")},
    ),
    Row(
        "the third of a series fails",
        (
            mod(b"f"),
            mod(b"f", b"@@ -1 +1 @@\n-2\n+3\n"),
            mod(b"f", b"@@ -1 +1 @@\n-9\n+3\n"),
        ),
        "already applied",
        "no no",
    ),
    Row(
        "series: a link, then a file below it",
        (link(b"n", b"d"), mod(b"n/e", two())),
        "unsafe",
        "yes no",
        THROUGH,
    ),
]

PNG = bytes(range(255, -1, -1)) * 3
DELTA = delta(256, 256, take(128, 128), take(0, 128))
TURNED = PIXELS[128:] + PIXELS[:128]
BINARIES = [
    Row("literal", binary(b"bin", PIXELS, PNG), {"bin": PNG}, "no ="),
    Row(
        "literal, new",
        binary(b"x", b"", PNG, words=(b"new file mode 100644",), old_oid=ZERO),
        {"x": PNG},
        "no =",
    ),
    Row(
        "literal, gone",
        binary(b"bin", PIXELS, b"", words=(b"deleted file mode 100644",), new_oid=ZERO),
        {"bin": None},
        "no =",
    ),
    Row(
        "literal, already there",
        binary(b"bin", PNG, PIXELS),
        "already applied",
        "no no",
    ),
    Row("literal, other contents", binary(b"bin", b"else", PNG), "binary", "no no"),
    Row(
        "literal, wrong new oid",
        binary(b"bin", PIXELS, PNG, new_oid=oid(b"else")),
        "binary",
        "no no",
    ),
    Row(
        "literal, short oids",
        binary(b"bin", PIXELS, PNG, old_oid=oid(PIXELS)[:7], new_oid=oid(PNG)[:7]),
        "binary",
        "no no",
    ),
    Row(
        "literal, no index line",
        git(b"bin", b"GIT binary patch", body=packed(b"literal", PNG)),
        "bad diff",
        "no no",
    ),
    Row(
        "literal without the way back",
        binary(b"bin", PIXELS, PNG, packed(b"literal", PNG)),
        {"bin": PNG},
        "no =",
    ),
    Row(
        "literal, rename",
        git(
            b"bin",
            b"similarity index 10%",
            b"rename from bin",
            b"rename to x",
            b"index %s..%s 100644" % (oid(PIXELS), oid(PNG)),
            b"GIT binary patch",
            to=b"x",
            body=packed(b"literal", PNG),
        ),
        {"bin": None, "x": PNG},
        "no =",
    ),
    Row(
        "delta",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", DELTA)),
        {"bin": TURNED},
        "no =",
    ),
    Row(
        "delta on other contents",
        binary(b"bin", b"else", TURNED, packed(b"delta", DELTA)),
        "binary",
        "no no",
    ),
    Row(
        "delta, cut off",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", DELTA[:-3])),
        "binary",
        "no no",
    ),
    Row(
        "delta, wrong source size",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", delta(255, 256, take(0, 255)))),
        "binary",
        "no no",
    ),
    Row(
        "delta, wrong target size",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", delta(256, 999, take(0, 256)))),
        "binary",
        "no no",
    ),
    Row(
        "delta, copies beyond the end",
        binary(
            b"bin", PIXELS, TURNED, packed(b"delta", delta(256, 256, take(250, 256)))
        ),
        "binary",
        "no no",
    ),
    Row(
        "delta, copies from afar",
        binary(
            b"bin",
            PIXELS,
            TURNED,
            packed(b"delta", delta(256, 256, take(1 << 31, 256))),
        ),
        "binary",
        "no no",
    ),
    Row(
        "delta, command 0",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", delta(256, 256, b"\0"))),
        "binary",
        "no no",
    ),
    Row(
        "delta, empty",
        binary(b"bin", PIXELS, TURNED, packed(b"delta", b"")),
        "binary",
        "no no",
    ),
    Row(
        "delta bomb",
        binary(
            b"bin",
            PIXELS,
            TURNED,
            packed(b"delta", delta(256, 1 << 40, take(0, 256) * 9999)),
        ),
        "binary",
        "no no",
    ),
    Row(
        "damaged base 85",
        binary(b"bin", PIXELS, PNG).replace(b"literal 768\n", b"literal 768\nzzz~~~\n"),
        "bad diff",
        "no no",
    ),
    Row(
        "damaged zlib",
        binary(b"bin", PIXELS, PNG, b"literal 768\n" + base85(b"no zlib at all")),
        "bad diff",
        "no no",
    ),
    Row("cut off", binary(b"bin", PIXELS, PNG)[:400], "bad diff", "no no"),
    Row(
        "wrong size",
        binary(b"bin", PIXELS, PNG, packed(b"literal", PNG, 99)),
        "bad diff",
        "no no",
    ),
    Row(
        "twenty digits of size",
        binary(b"bin", PIXELS, PNG, packed(b"literal", PNG, 10**20)),
        "bad diff",
        "no no",
    ),
    Row(
        "zlib bomb",
        binary(b"bin", PIXELS, PNG, packed(b"literal", bytes(1 << 22), 99)),
        "bad diff",
        "no no",
    ),
    Row("no data", binary(b"bin", PIXELS, PNG, b""), "bad diff", "no no"),
    Row(
        "neither literal nor delta",
        binary(b"bin", PIXELS, PNG, b"other 7\n" + base85(b"1234567")),
        "bad diff",
        "no no",
    ),
    Row("literal through a link", binary(b"ls", b"1\n", PNG), "unsafe", "no no"),
    Row(
        "literal out of the tree",
        binary(b"../outside/secret", b"1\n", PNG),
        "unsafe",
        "no no",
    ),
    Row(
        "literal that makes a link",
        binary(
            b"n", b"", b"../outside", words=(b"new file mode 120000",), old_oid=ZERO
        ),
        "unsafe",
        "no yes",
        LEAVES,
    ),
]

ODDS = [
    Row(
        "rename to itself by the case",
        rename(b"f", b"F"),
        {"f": None, "F": b"1\n"},
        "= =",
    ),
    Row(
        "creation, then rename with an edit",
        fresh(b"x", b"1\n") + rename(b"x", b"y", u(b"a/x", b"b/y")),
        {"y": b"2\n"},
        "= no",
    ),
    Row(
        "rename, then an edit of the old name",
        rename(b"f", b"x") + git(b"f", body=mod(b"f")),
        "missing",
        "no no",
    ),
    Row(
        "rename, then an edit of the new name",
        rename(b"f", b"x") + git(b"x", body=mod(b"x")),
        {"f": None, "x": b"2\n"},
        "no =",
    ),
    Row(
        "swap by a third name",
        rename(b"f", b"t") + rename(b"g", b"f") + rename(b"t", b"g"),
        "missing",
        "no no",
    ),
    Row("rename of a folder", rename(b"d", b"e"), "unsafe", "no yes", KINDS),
    Row(
        "binary data twice",
        binary(b"bin", PIXELS, PNG) + binary(b"bin", PNG, TURNED),
        {"bin": TURNED},
        "no =",
    ),
    Row(
        "binary data in CR LF lines",
        crlf(binary(b"bin", PIXELS, PNG)),
        "bad diff",
        "no no",
    ),
    Row(
        "binary data named by SHA-256",
        binary(
            b"bin",
            PIXELS,
            PNG,
            old_oid=oid(PIXELS, "sha256"),
            new_oid=oid(PNG, "sha256"),
        ),
        {"bin": PNG},
        "no no",
    ),
    Row(
        "binary data and a mode",
        git(
            b"bin",
            b"old mode 100644",
            b"new mode 100755",
            b"index %s..%s" % (oid(PIXELS), oid(PNG)),
            b"GIT binary patch",
            body=packed(b"literal", PNG),
        ),
        {"bin": (PROGRAM, PNG)},
        "no =",
    ),
    Row("blanks after the names", u(b"a/f  ", b"b/f  "), {"f": b"2\n"}, "= no"),
    Row(
        "a remark after the names", u(b"a/f (old)", b"b/f (new)"), {"f": b"2\n"}, "= no"
    ),
    Row("a quote that does not end", u(b'"a/f', b'"b/f'), {"f": b"2\n"}, "no ="),
    Row(
        "svn property alone",
        u(b"f\t(revision 1)", b"f\t(working copy)", SVN_PROPERTY),
        "bad diff",
        "no no",
        strip=0,
    ),
    Row(
        "white space of the context differs",
        mod(b"m", b"@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n"),
        "white space",
        "no no",
        tree={"m": (FILE, b"a \nb\nd\n")},
    ),
    Row(
        "names for a shell",
        new(b"|id") + new(b"-rf") + new(b"$HOME/x") + new(b"~/x"),
        {"|id": b"new\n", "-rf": b"new\n", "$HOME/x": b"new\n", "~/x": b"new\n"},
        "= =",
    ),
    Row(
        "an ed script that runs a command",
        b"--- a/f\n+++ b/f\n1!id\n",
        "bad diff",
        "no no",
    ),
    Row("lone CR for newlines", mod(b"f").replace(b"\n", b"\r"), "bad diff", "no no"),
    Row(
        "folder just made, then a file in its place",
        fresh(b"n/x") + new(b"n"),
        "unsafe",
        "no no",
    ),
    Row("delete what is gone, git", away(b"nope"), "already applied", "no no"),
    Row("rename, cut off", rename(b"f", b"x")[:-1], "bad diff", "yes no", CUT),
    Row(
        "rename, cut off in the name",
        rename(b"f", b"xyz")[:-2],
        "bad diff",
        "yes no",
        CUT,
    ),
    Row("mode, cut off", chmod(b"f")[:-1], "bad diff", "yes no", CUT),
    Row(
        "new empty file, cut off",
        git(b"x", b"new file mode 100644", b"index 0000000..e69de29")[:-1],
        {"x": b""},
        "= =",
    ),
    Row(
        "binary without the blank line at its end",
        binary(b"bin", PIXELS, PNG)[:-1],
        "bad diff",
        "no no",
    ),
    Row("mode without its type", chmod(b"f", b"644", b"755"), {}, "= no"),
    Row(
        "new mode without its type",
        fresh(b"x", mode=b"755"),
        {"x": (PROGRAM, b"new\n")},
        "other =",
        HALF,
    ),
    Row(
        "mode with a blank after it",
        chmod(b"f", b"100644", b"100755 "),
        {"f": (PROGRAM, b"1\n")},
        "other =",
        HALF,
    ),
    Row(
        "dissimilarity",
        git(b"f", b"dissimilarity index 100%", body=mod(b"f")),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "rename whose names diff --git lacks",
        b"diff --git a/q b/w\nrename from f\nrename to x\n",
        {"f": None, "x": b"1\n"},
        "no =",
    ),
    Row(
        "rename, then another file without diff --git",
        rename(b"f", b"x") + mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n"),
        "bad diff",
        "yes no",
        HALF,
    ),
    Row(
        "new file without /dev/null, git",
        git(b"x", b"new file mode 100644", body=mod(b"x", EPOCH)),
        {"x": b"new\n"},
        "= no",
    ),
    Row("new file that is there, git", fresh(b"f", b"1\n"), "already applied", "no no"),
    Row(
        "deletion that leaves lines, git",
        git(b"d/e", b"deleted file mode 100644", body=mod(b"d/e", two())),
        "not empty",
        "no no",
    ),
    Row("deletion that adds lines", gone(b"f", ONE), "not empty", "yes no", HALF),
    Row(
        "git without prefixes",
        b"diff --git f f\n" + u(b"f", b"f"),
        {"f": b"2\n"},
        "= =",
        strip=0,
    ),
    Row(
        "git without prefixes, wrong strip",
        b"diff --git f f\n" + u(b"f", b"f"),
        "missing",
        "no no",
    ),
    Row(
        "git with other prefixes",
        b"diff --git i/f w/f\n" + u(b"i/f", b"w/f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row(
        "git with other prefixes, mode",
        b"diff --git i/f w/f\nold mode 100644\nnew mode 100755\n",
        {"f": (PROGRAM, b"1\n")},
        "= =",
    ),
    Row(
        "git mode with strip 2",
        b"diff --git a/s/f b/s/f\nold mode 100644\nnew mode 100755\n",
        {"f": (PROGRAM, b"1\n")},
        "= =",
        strip=2,
    ),
    Row(
        "git rename with strip 2",
        rename(b"s/f", b"s/x"),
        {"f": None, "x": b"1\n"},
        "= =",
        strip=2,
    ),
    Row(
        "git rename without prefixes",
        b"diff --git f x\nrename from f\nrename to x\n",
        {"f": None, "x": b"1\n"},
        "= =",
        strip=0,
    ),
    Row("only +++", b"+++ b/f\n" + ONE, {"f": b"2\n"}, "= no"),
    Row("only ---", b"--- a/f\n" + ONE, {"f": b"2\n"}, "= no"),
    Row("+++ before ---", b"+++ b/f\n--- a/f\n" + ONE, {"f": b"2\n"}, "= no"),
    Row(
        "blank line before the hunk",
        b"--- a/f\n+++ b/f\n\n" + ONE,
        {"f": b"2\n"},
        "= no",
    ),
    Row(
        "text before the hunk", b"--- a/f\n+++ b/f\ntext\n" + ONE, {"f": b"2\n"}, "= no"
    ),
    Row(
        "blank line between hunks",
        mod(
            b"d/e", b"@@ -1,2 +1,2 @@\n-1\n+one\n 2\n\n@@ -8,2 +8,2 @@\n 8\n-9\n+nine\n"
        ),
        "bad diff",
        "yes no",
        HALF,
    ),
    Row("both names exist", u(b"a/d/e", b"b/f"), {"f": b"2\n"}, "= ="),
    Row("new name is another", u(b"a/f", b"b/d/x"), {"f": b"2\n"}, "= no"),
    Row(
        "new file, hunk at line 1",
        new(b"x", b"@@ -1,0 +1 @@\n+new\n"),
        {"x": b"new\n"},
        "no =",
    ),
    Row(
        "new file, two hunks",
        new(b"x", b"@@ -0,0 +1 @@\n+1\n@@ -0,0 +2 @@\n+2\n"),
        {"x": b"1\n2\n"},
        "= no",
    ),
    Row(
        "new file with context",
        new(b"x", b"@@ -1 +1,2 @@\n 1\n+2\n"),
        "not found",
        "no no",
    ),
    Row(
        "delete without newline at its end",
        gone(b"bare", b"@@ -1,2 +0,0 @@\n-1\n-2\n" + NOEOL),
        {"bare": None},
        "= =",
    ),
    Row(
        "delete, marker is missing",
        gone(b"bare", b"@@ -1,2 +0,0 @@\n-1\n-2\n"),
        "not found",
        "no no",
    ),
    Row("CRLF diff, deletion", crlf(gone(b"f")), {"f": None}, "= no"),
    Row("CRLF diff, deletion, git", crlf(away(b"f")), {"f": None}, "= no"),
    Row("CRLF diff, no newline at the end", crlf(for_bare), {"bare": b"1\n3"}, "= no"),
    Row(
        "no context, at the end",
        mod(b"f", b"@@ -1,0 +2 @@\n+2\n"),
        {"f": b"1\n2\n"},
        "= no",
    ),
    Row(
        "no context, deleted",
        mod(b"d/e", b"@@ -5 +4,0 @@\n-5\n"),
        {"d/e": NUMBERS.replace(b"5\n", b"")},
        "= no",
    ),
    Row(
        "insert at line 0",
        mod(b"d/e", b"@@ -0,0 +1 @@\n+0\n"),
        {"d/e": b"0\n" + NUMBERS},
        "= no",
    ),
    Row(
        "context only after",
        mod(b"d/e", b"@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n"),
        {"d/e": b"0\n" + NUMBERS},
        "= =",
    ),
    Row(
        "context only before",
        mod(b"d/e", b"@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+10\n"),
        {"d/e": NUMBERS + b"10\n"},
        "= =",
    ),
    Row(
        "context only before, wrong line",
        mod(b"d/e", b"@@ -1,3 +1,4 @@\n 7\n 8\n 9\n+10\n"),
        {"d/e": NUMBERS + b"10\n"},
        "= no",
    ),
    Row(
        "line 0 with context",
        mod(b"d/e", b"@@ -0,3 +0,4 @@\n+0\n 1\n 2\n 3\n"),
        {"d/e": b"0\n" + NUMBERS},
        "= =",
    ),
    Row("hunk for an empty file", mod(b"empty"), "not found", "no no"),
    Row(
        "marker, then more",
        mod(b"f", b"@@ -1 +1,2 @@\n-1\n+2\n" + NOEOL + b"+3\n"),
        "bad diff",
        "no yes",
        HALF,
    ),
    Row("marker twice", mod(b"f", ONE + NOEOL + NOEOL), {"f": b"2"}, "= ="),
    Row(
        "marker first",
        mod(b"f", b"@@ -1 +1 @@\n" + NOEOL + b"-1\n+2\n"),
        "bad diff",
        "no yes",
        HALF,
    ),
    Row("plus before minus", mod(b"f", b"@@ -1 +1 @@\n+2\n-1\n"), {"f": b"2\n"}, "= ="),
    Row(
        "plus and minus by turns",
        mod(b"d/e", b"@@ -1,3 +1,3 @@\n-1\n+one\n-2\n+two\n 3\n"),
        {"d/e": NUMBERS.replace(b"1", b"one").replace(b"2", b"two")},
        "= =",
    ),
    Row("context mark in a hunk", mod(b"f", b"@@ -1 +1 @@\n!1\n"), "bad diff", "no no"),
    Row(
        "a mail that speaks of diff --cc",
        b"diff --cc is a word\n" + mod(b"f"),
        {"f": b"2\n"},
        "= =",
    ),
    Row("mode of a device", fresh(b"x", mode=b"060644"), "unsafe", "yes yes", KINDS),
    Row(
        "link by two links",
        link(b"here", b".") + link(b"n", b"here/../x"),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "link by two links, other order",
        link(b"n", b"here/../x") + link(b"here", b"."),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "link by two links, in a series",
        (link(b"here", b"."), link(b"n", b"here/../x")),
        "unsafe",
        "yes yes",
        LEAVES,
    ),
    Row(
        "links in a circle",
        link(b"n", b"m") + link(b"m", b"n"),
        {"n": (LINK, b"m"), "m": (LINK, b"n")},
        "= =",
    ),
    Row(
        "rename reversed",
        rename(b"x", b"f", u(b"a/x", b"b/f", b"@@ -1 +1 @@\n-0\n+1\n")),
        "already applied",
        "no no",
    ),
    Row(
        "rename done, other contents",
        rename(b"x", b"f", u(b"a/x", b"b/f", b"@@ -1 +1 @@\n-0\n+8\n")),
        "missing",
        "no no",
    ),
    Row(
        "delta, already there",
        binary(b"bin", TURNED, PIXELS, packed(b"delta", DELTA)),
        "already applied",
        "no no",
    ),
    Row(
        "file name of a series is one diff's link",
        (rename(b"f", b"d/f"), mod(b"d/f"), away(b"d/e", NUMBERS)),
        {"f": None, "d/f": b"2\n", "d/e": None},
        "= =",
    ),
    Row(
        "two refusals of one file",
        mod(b"d/e", b"@@ -1,2 +1,2 @@\n 1\n-x\n+two\n@@ -8,2 +8,2 @@\n 8\n-y\n+nine\n"),
        "not found",
        "no no",
    ),
    Row(
        "refusals of all of a series",
        (mod(b"f", b"@@ -1 +1 @@\n-7\n+8\n"), new(b"../x"), b"text\n"),
        "not found",
        "no no",
    ),
    Row(
        "our own journal",
        new(b".poach-q/journal.json"),
        "unsafe",
        "yes yes",
        OURS,
    ),
    Row(
        "our own folder below, in capitals",
        new(b"d/.POACH-1/x"),
        "unsafe",
        "yes yes",
        OURS,
    ),
    Row("a name like ours", new(b".poach"), {".poach": b"new\n"}, "= ="),
    Row(
        "a colon in a file that is there",
        mod(b"d/A::B.3"),
        {"d/A::B.3": b"2\n"},
        "= =",
        tree={"d/A::B.3": (FILE, b"1\n")},
    ),
    Row(
        "one letter and a colon in a file that is there",
        mod(b"a:b"),
        {"a:b": b"2\n"},
        "= =",
        tree={"a:b": (FILE, b"1\n")},
    ),
    Row("two colons in a new file", new(b"A::B.3"), "unsafe", "yes yes", WINDOWS),
    Row("a drive alone", new(b"C:"), "unsafe", "yes yes", LEAVES),
    Row(
        "mode, then another file without diff --git",
        chmod(b"f") + mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n"),
        {"g": (PROGRAM, b"H\n")},
        "= =",
    ),
    Row(
        "mode, then the file under another prefix",
        chmod(b"f") + u(b"old/f\t2020-01-01 10:00:00 +0000", b"new/f"),
        {"f": (PROGRAM, b"2\n")},
        "= =",
    ),
    Row(
        "copy, then another file without diff --git",
        copy(b"f", b"x") + mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n"),
        "bad diff",
        "yes no",
        HALF,
    ),
    Row(
        "marker on the last context line, newline in the file",
        mod(b"d/e", b"@@ -7,3 +7,3 @@\n 7\n-8\n+eight\n 9\n" + NOEOL),
        "not found",
        "no yes",
        GUESS,
    ),
    Row(
        "two names that are there",
        u(b"a/f", b"b/run"),
        {"f": b"2\n"},
        "= other",
        GUESS,
    ),
    Row(
        "link retargeted without a mode",
        mod(b"l", b"@@ -1 +1 @@\n-f\n" + NOEOL + b"+g\n" + NOEOL),
        "unsafe",
        "no yes",
        KINDS,
    ),
    Row(
        "link retargeted without a mode, git",
        git(b"l", body=mod(b"l", b"@@ -1 +1 @@\n-f\n" + NOEOL + b"+g\n" + NOEOL)),
        "unsafe",
        "no yes",
        KINDS,
    ),
    Row(
        "directory that is a file",
        mod(b"f"),
        "directory",
        "- -",
        options=("--directory", "f"),
    ),
    Row(
        "directory that the diff makes",
        new(b"x"),
        {"n/x": b"new\n"},
        "- -",
        options=("--directory", "n"),
    ),
]

ROWS = [
    *PATHS,
    *LINKS,
    *MOVES,
    *STAMPS,
    *HUNKS,
    *LINES,
    *AROUND,
    *BINARIES,
    *ODDS,
]


def make(folder: Path, files: Listing) -> Path:
    folder.mkdir(parents=True)
    for name, (mode, data) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == LINK:
            path.symlink_to(os.fsdecode(data))
            continue
        path.write_bytes(data)
        path.chmod(0o755 if mode == PROGRAM else 0o644)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What one way to apply a row's diffs ends in."""

    code: int
    tree: Listing
    outside: Listing
    reasons: tuple[str, ...] = ()
    said: str = ""


def prepared(row: Row, top: Path) -> Path:
    make(top / "outside", OUTSIDE)
    make(top / "tree", TREE | row.tree)
    if row.setup:
        row.setup(top)
    return top / "tree"


def ours(row: Row) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        tree = prepared(row, top)
        names = []
        for number, data in enumerate(row.series):
            (top / f"{number}.patch").write_bytes(data)
            names.append(str(top / f"{number}.patch"))
        strip = [] if row.strip is None else ["--strip", str(row.strip)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(["apply", "--json", *strip, *row.options, str(tree), *names])
        said = json.loads(out.getvalue()) if code < 2 else {"bug": out.getvalue()}
        reasons = tuple(each["reason"] for each in said.get("refused", ()))
        left = references.listing(tree), references.listing(top / "outside")
        return Outcome(code, *left, reasons, json.dumps(said, indent=1))


def theirs(row: Row, apply: Callable[..., bool], **options: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        tree = prepared(row, Path(folder))
        done = apply(tree, row.series, row.strip, **options)
        left = references.listing(tree), references.listing(Path(folder) / "outside")
        return Outcome(0 if done else 1, *left)


def compared(row: Row, done: Outcome, fuzz: int = 0) -> str:
    """Return what GNU patch and git make of the row, beside what we made."""
    if row.refs == "- -":
        return row.refs
    gnu = theirs(row, references.gnu_patch, fuzz=fuzz)
    return f"{beside(done, gnu)} {beside(done, theirs(row, references.git_apply))}"


def beside(done: Outcome, reference: Outcome) -> str:
    if reference.code:
        return "no"
    if done.code:
        return "yes"
    return "=" if done.tree == reference.tree else "other"


def before(row: Row) -> tuple[Listing, Listing]:
    with tempfile.TemporaryDirectory() as folder:
        tree = prepared(row, Path(folder))
        return references.listing(tree), references.listing(Path(folder) / "outside")


def wanted(start: Listing, changes: Changes) -> Listing:
    tree = dict(start)
    for path, entry in changes.items():
        tree.pop(path, None)
        if entry is not None:
            tree[path] = entry if isinstance(entry, tuple) else (FILE, entry)
    return dict(sorted(tree.items()))


IDS = [row.name for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_it_ends_as_expected(row):
    start, outside = before(row)
    done = ours(row)
    assert done.outside == outside
    if isinstance(row.expect, str):
        assert (done.code, done.tree) == (1, start), done.said
        assert row.expect in done.reasons
    else:
        assert (done.code, done.tree) == (0, wanted(start, row.expect)), done.said


@pytest.mark.skipif(not references.HERE, reason="needs git, patch and diff")
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_references_do_as_the_table_says(row):
    assert compared(row, ours(row)) == row.refs


def test_where_we_stand_alone_the_table_says_why():
    alone = {row.name for row in ROWS if {"yes", "other"} & set(row.refs.split())}
    assert {row.name for row in ROWS if row.why} == alone


def test_the_names_of_the_rows_differ():
    assert len(set(IDS)) == len(IDS) >= 150


def survey(words: list[str]) -> None:
    """Print each row with what we and the references do with it now."""
    for row in ROWS:
        if not words or any(word in row.name for word in words):
            done = ours(row)
            said = ",".join(done.reasons) or ("applied" if not done.code else done.said)
            print(f"{row.name:45} {said:18} {compared(row, done):12} {row.why}")


if __name__ == "__main__":
    survey(sys.argv[1:])
