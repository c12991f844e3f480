"""Lines outside of hunks that announce a file: ``Only in b: f``, ``ADDED f``.

What such a line announces is in the hunks below it, or the diff lacks it.  Then poach
must not drop it silently.  The forms are those of GNU diff (in its translations, too),
Subversion, CVS, Bazaar, Mercurial, Perforce, Fossil and git.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

from poach.applier.filenames import PREFIXES, as_glob

Kind = Literal["file", "lost", "binary"]

_BY_GIT = "make the diff with git diff, or {drop} if the change is not wanted"
_ABSENT = (
    "the diff lacks this file, as it was made without -N; make it with diff -ruN, "
    "or {drop} if the file is no part of the change"
)
_RENAME = f"a rename, which this kind of diff cannot carry out; {_BY_GIT}"
_SYMLINK = f"the diff lacks the change of a symlink or folder; {_BY_GIT}"
_UNREAD = "diff could not read this file, so that it is missing; make the diff again"
_NOT_SHOWN = f"the diff lacks the change of this file; {_BY_GIT}"
_SUBMODULE = "a change of a git submodule, which has no files; {drop}"

# What programs leave behind, which is no part of any change.
_RUBBISH = re.compile(
    rb"(?:\.py[co]|\b__pycache__|\.orig|\.rej|~|\.sw[op]|\.DS_Store"
    rb"| (?:\.git|\.hg|\.svn|\.bzr|CVS))\.?$"
)
# "Only in %s: %s" in the translations of GNU diffutils.
_ONLY_IN = (
    "(?:Only in|Nur in|Nur en|Seulement dans|Sólo en|Solo en|Solo in|Só em|Só en"
    "|Somente em|Apenas em|Alleen in|Endast i|Bara i|Bare i|Kun i|Tylko w|Pouze v"
    "|Jen v|Samo u|Doar în|Vain hakemistossa|Csak ebben:|Hanya dalam|Només a"
    "|Tikai iekš|Chỉ trong|Yaln\u0131zca"
    "|\u0422\u043e\u043b\u044c\u043a\u043e \u0432|\u041b\u0438\u0448\u0435 \u0443"
    "|\u0421\u0430\u043c\u043e (?:\u0432|\u0443)|Μόνο στο) (.+?): (.+)"
    "|只在 (.+) 存在\uff1a(.+)|(.+) のみに存在: (.+)"
)
# "Binary files %s and %s differ", "Files %s and %s differ".
_DIFFER = (
    "(?:Binärd|D)ateien (.+) und (.+) sind verschieden\\.?"
    "|Les fichiers(?: binaires)? (.+) et (.+) sont différents"
    "|Los (?:ficheros|archivos)(?: binarios)? (.+) y (.+) son distintos"
    "|I file(?: binari)? (.+) e (.+) sono diversi"
    "|(?:Ficheiros|Os arquivos)(?: binários)? (.+) e (.+) (?:diferem|são diferentes)"
    "|(?:Binaire b|B)estanden (.+) en (.+) zijn verschillend"
    "|(?:De binära f|F)ilerna (.+) och (.+) skiljer"
    "|Binære filer (.+) og (.+) er forskellige|Filerne (.+) og (.+) er forskellige"
    "|(?:Binarne p|P)liki (.+) i (.+) różnią się"
    "|(?:Binární s|S)oubory (.+) a (.+) jsou (?:rozdílné|různé)"
    "|(?:\u0414\u0432\u043e\u0438\u0447\u043d\u044b\u0435 \u0444|\u0424)"
    "\u0430\u0439\u043b\u044b (.+) \u0438 (.+) "
    "\u0440\u0430\u0437\u043b\u0438\u0447\u0430\u044e\u0442\u0441\u044f"
    "|(?:バイナリーファイル|ファイル) (.+) と ?(.+) は異なります"
    "|(?:二进制)?文件 (.+) 和 (.+) 不同"
)
_MODE = f"the execute bit, which this kind of diff cannot carry out; {_BY_GIT}"
_UNMERGED = "a file with a conflict, which git diff does not show; resolve it first"
_UUENCODED = "a uuencoded file, which is not a diff; add it in another way"
_OTHER_KIND = (
    "no unified diff (an ed script, a normal, RCS or side-by-side diff); make it with "
    "diff -ruN"
)
_FORMS: tuple[tuple[Kind, str, str], ...] = (
    ("lost", _ONLY_IN, _ABSENT),
    (
        "lost",
        r"cvs\S* (?:diff|server|rdiff): .*(?:no comparison available|not in file .+)"
        r"|File (.+) is (?:new|removed); .+"
        r"|\.\.\. (//.+)#\d+ (?:add|delete|branch|move/add|move/delete|purge)\b.*",
        _NOT_SHOWN,
    ),
    (
        "lost",
        r"=== renamed \w+ .+ => .+|RENAMED? +\S.* (?:=>|->) +.+"
        r"|#\s+rename \".+\"|move \./\S+ \./\S+",
        _RENAME,
    ),
    ("lost", r"=== \w+ file .+ \(properties changed: (?:.* )?[-+]x\b.*\)", _MODE),
    ("lost", r"(?:addfile|adddir|rmfile|rmdir) \./(\S+)", _NOT_SHOWN),
    ("lost", r"\* Unmerged path (.+)", _UNMERGED),
    ("lost", r"begin [0-7]{3,4} \S.*", _UUENCODED),
    (
        "lost",
        r"=== \w+ symlink .+|=== kind changed .+|=== target .+"
        r"|File .+ is an? .+ while file .+ is an? .+"
        r"|Symbolic links .+ and .+ differ",
        _SYMLINK,
    ),
    (
        "lost",
        r"diff: .+: (?:No such file or directory|Permission denied|Is a directory"
        r"|Input/output error|recursive directory loop)",
        _UNREAD,
    ),
    (
        "lost",
        r"Submodule (.+) (?:[0-9a-f]{7,}\.{2,3}[0-9a-f]{7,}|contains ).*",
        _SUBMODULE,
    ),
    (
        "file",
        r"=== (?:added|removed|modified) file '(.+)'(?: \(properties changed: .*\))?"
        r"|(?:(?:ADDED|CHANGED|REMOVED|RENAMED?|SYMLINK) +|(?:DELETED|MISSING) )(\S+)",
        "",
    ),
    ("binary", r"Binary file (.+) has changed|" + _DIFFER, ""),
)
_COMMAND = re.compile(rb"diff -(?!-git |-cc |-combined )[^<>|;&]*$")
_AFTER_COMMAND = (
    *(b"diff -", b"Index: ", b"--- ", b"+++ ", b"*** ", b"@@ ", b"Only in ", b"#"),
    *(b"From ", b"Binary file", b"Files ", b"commit ", b"=== ", b"Common "),
)
_WITH_VALUE = b"xXIULDCFSW"  # options of diff that have a value; -r has one elsewhere
_VALUED = (b"--exclude", b"--exclude-from", b"--label", b"--ignore-matching-lines")
_APART = re.compile(rb"(?<= )-r +(?=[0-9a-f]+(?::[0-9a-f]+)? |[A-Z]{3,} )")
_REVISION_OPTION = re.compile(rb"-r(?:\d|[A-Z]{3,})")
_OF_OTHER_KINDS = re.compile(rb"[efny]")
_OTHER_LINE = re.compile(rb"\d+(?:,\d+)?[acd](?:\d+(?:,\d+)?)?\s*$|[ad]\d+ \d+\s*$")
_SENTENCE = re.compile(rb"Only in ([^/:]+): \S+ .*\S")
_P4 = re.compile(rb"==== (.+#\d+.*?) ====(?! identical)")
_REVISION = re.compile(rb"#\d+(?: .*)?$")
# Of a symlink, and of what a file is executed by.
_PROPERTY = re.compile(rb"(?:Added|Modified|Deleted|Name): (\S+)")
_OF_FOLDERS = {b"svn:ignore", b"svn:mergeinfo", b"svn:global-ignores", b"svn:externals"}


class Announcement(NamedTuple):
    """What a line outside of hunks announces."""

    #: "file" if the file's hunks have to come below, "binary" if two binary files
    #: differ, "lost" if the diff lacks a change.
    kind: Kind
    #: The old and the new name as written, perhaps in C quotes; of a "lost" one those
    #: by which it may be left out.
    names: tuple[bytes, ...] = ()
    #: Which change is "lost", and what to do (see `said`).
    reason: str = ""


def read(line: bytes, following: bytes = b"") -> Announcement | None:
    """Return what `line` announces, None for mere text; `following` is the next
    line."""
    text = line.rstrip()
    if text.startswith(b"diff -"):
        return _command(text, following)
    if text.startswith(b"==== "):
        return _of_p4(text)
    for kind, pattern, reason in _compiled():
        if found := pattern.fullmatch(text):
            if reason == _ABSENT and _RUBBISH.search(text):
                return None
            names = tuple(filter(None, found.groups()))
            if reason == _ABSENT:
                names = _only_in(text, *names)
            return Announcement(kind, names, reason)
    return None


def is_sentence(line: bytes, following: bytes, data: bytes) -> bool:
    """Return whether ``Only in debug: log more`` is prose in the diff `data`.

    It may be where no name in the diff begins with that folder, as those of a diff -r
    do, and where no other line of diff follows.  Ask only above the first file.
    """
    found = _SENTENCE.match(line.rstrip())
    if not found or following.startswith(_AFTER_COMMAND):
        return False
    return re.search(rb"[\s'\"]%s/" % re.escape(found[1]), data) is None


def _only_in(text: bytes, folder: bytes, file: bytes) -> tuple[bytes, ...]:
    """Return the names of a file that is in one folder only: with the folder that was
    compared, and without it."""
    if text.startswith(b"Nur "):
        file = file.removesuffix(b".")
    folder, file = (_without_quotes(name) for name in (folder, file))
    folders = (folder.rstrip(b"/"), folder.rstrip(b"/").partition(b"/")[2])
    return tuple(b"/".join(filter(None, (each, file))) for each in folders)


def _without_quotes(name: bytes) -> bytes:
    """Return a name without the quotes that a newer GNU diff writes around blanks."""
    quoted = len(name) > 2 and name[:1] == name[-1:] and name[:1] in (b"'", b'"')
    return name[1:-1] if quoted else name


@cache
def _compiled() -> list[tuple[Kind, re.Pattern[bytes], str]]:
    """Return the forms, compiled at the first call: not every diff has such lines."""
    return [(kind, re.compile(form.encode()), reason) for kind, form, reason in _FORMS]


class _Words(NamedTuple):
    """The words of a command ``diff``: letters of options, names; has it a revision?"""

    letters: bytes
    names: list[bytes]
    has_revision: bool


def _words(text: bytes) -> _Words:
    """Take a command apart: an option may have its value in the next word."""
    letters, names, has_revision = b"", [], False
    words = iter(_APART.sub(b"-r0", text).split()[1:])
    for word in words:
        if not word.startswith(b"-") or word == b"-":
            names.append(word.strip(b"'"))
        elif word.startswith(b"--"):
            letters += {b"--ed": b"e", b"--rcs": b"n"}.get(word, b"")
            letters += b"y" if word == b"--side-by-side" else b""
            if word in _VALUED:
                next(words, None)
        elif _REVISION_OPTION.match(word):
            has_revision = True
        else:
            plain = re.split(rb"[%s]" % _WITH_VALUE, word[1:], maxsplit=1)
            letters += plain[0]
            if plain[1:] == [b""]:
                next(words, None)
    return _Words(letters, names, has_revision)


def _command(text: bytes, following: bytes) -> Announcement | None:
    """Read the line ``diff -u OLD NEW``, if it is no prose and none comes after it."""
    if not _COMMAND.match(text):
        return None
    words = _words(text)
    name = _file_of(words)
    if name is None:
        return None
    if _OTHER_LINE.match(following) or _OF_OTHER_KINDS.search(words.letters):
        unified = following.startswith((b"--- ", b"diff ", b"Index: "))
        return None if unified else Announcement("lost", (name,), _OTHER_KIND)
    if following.strip() and not following.startswith(_AFTER_COMMAND):
        return None
    return Announcement("file", (name,))


def _file_of(words: _Words) -> bytes | None:
    """Return the name of the file that a command compares, None in a sentence.

    GNU diff has two names, with the same last part; hg and CVS have one, after
    revisions.  Names may have blanks.
    """
    names = words.names
    if words.has_revision and names:
        return names[-1]
    half, odd = divmod(len(names), 2)
    old, new = b" ".join(names[:half]), b" ".join(names[half:])
    if names and not odd and _are_like(old, new):
        return new
    if len(names) > 2 and b"/" in names[-1] and _are_like(*names[-2:]):
        return names[-1]
    is_of_cvs = len(names) == 1 and b"N" in words.letters
    return names[0] if is_of_cvs else None


def _are_like(old: bytes, new: bytes) -> bool:
    plain = (name.strip(b'"') for name in (old, new))
    lasts = sorted((each.rpartition(b"/")[2] for each in plain), key=len)
    return lasts[1].startswith(lasts[0]) or b"/dev/null" in (old, new)


def _of_p4(text: bytes) -> Announcement | None:
    """Read ``==== //depot/f#3 (text) - /home/me/f ==== content``."""
    found = _P4.match(text)
    if not found:
        return None
    names = [_REVISION.sub(b"", name) for name in found[1].split(b" - ")]
    there = tuple(name for name in names if name not in (b"", b"<none>"))
    return Announcement("file", there) if there else None


def is_rubbish(name: str) -> bool:
    """Return whether programs or version control leave such a file behind."""
    return bool(_RUBBISH.search(b" " + name.encode("utf-8", "surrogateescape"))) or any(
        part in _OF_VERSION_CONTROL for part in name.split("/")
    )


_OF_VERSION_CONTROL = (".git", ".hg", ".svn", ".bzr", "CVS", "__pycache__")


def is_same(announced: bytes, *names: str | None) -> bool:
    """Return whether one of the `names` of a file is what was announced.

    Only the last part of the path counts: version control systems strip the folders
    in different ways.
    """
    last = announced.decode("utf-8", "surrogateescape").rstrip("/").rpartition("/")[2]
    lasts = [name.rpartition("/")[2] for name in names if name]
    return any(each.startswith(last) or each.endswith(last) for each in lasts)


def lost_properties(text: bytes, has_hunks: bool, is_new: bool) -> str:
    """Return which properties of a file in Subversion are lost, '' for none.

    `text` is what follows ``Property changes on``.  `has_hunks` says that the file's
    lines are in the diff, `is_new` that the diff makes it.
    """
    names = set(_PROPERTY.findall(text))
    if b"svn:special" in names:
        return f"a symlink of Subversion; {_BY_GIT}"
    if has_hunks:
        return ""
    if b"svn:executable" in names:
        return f"the diff cannot carry out the property svn:executable; {_BY_GIT}"
    if is_new and not names <= _OF_FOLDERS:
        return UNTOLD
    return ""


def said(reason: str, names: Sequence[str] = ()) -> str:
    """Return the reason of an `Announcement` with a way to leave its change out.

    With `names` that is ``exclude``; otherwise only this line announces the change.
    """
    drop = "delete this line"
    if names:
        name = names[-1]
        glob = as_glob(name[2:] if name.startswith(PREFIXES) else name)
        drop = f"leave it out with #exclude={glob} in the location of the patch "
        drop += "(--exclude for poach apply)"
    return reason.replace("{drop}", drop)


UNTOLD = (
    "the diff announces this file and has no change of it, as for an empty file; "
    f"{_BY_GIT}"
)
