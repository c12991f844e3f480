"""The reader of cases is strict: what it does not understand is no case that passes."""

from __future__ import annotations

import re

import pytest

from support.case_format import Fault, read_cases
from support.references import FILE, LINK, PROGRAM

COMMON = b":: tree file f\n1\n"
WHOLE = rb"""A heading, of any text.

:: case whole
:: tree program \xc3\xa9
a\x0d
b\c
:: tree link l -> f
:: tree fifo p
:: tree hardlink h -> f
:: strip none
:: options --directory d
:: diff
--- a/f
\ No newline at end of file
"\303\251" \x5cx41 \x5cc
\x3a: a long \c
line
:: diff

:: result gone f
:: result file x -> y
:: result link l -> \x09
:: references no other
:: why it is so

:: case short
:: diff
:: refused bad diff
:: references - -
"""
SHORT = WHOLE[WHOLE.index(b":: case short") :]


@pytest.fixture
def read(tmp_path):
    def read(*files: bytes, common: bytes = COMMON):
        (tmp_path / "common.tree").write_bytes(common)
        for number, data in enumerate(files):
            (tmp_path / f"{number}.cases").write_bytes(data)
        return read_cases(tmp_path)

    return read


def test_all_of_a_case_is_read(read):
    whole, _ = read(WHOLE)
    assert whole.name == "whole"
    assert whole.tree == {
        "f": (FILE, b"1\n"),
        "é": (PROGRAM, b"a\r\nb"),
        "l": (LINK, b"f"),
        "p": ("fifo", b""),
        "h": ("hard link", b"f"),
    }
    assert whole.series == (
        b"--- a/f\n\\ No newline at end of file\n"
        b'"\\303\\251" \\x41 \\c\n:: a long line\n',
        b"\n",
    )
    assert whole.changes == {"f": None, "x -> y": (FILE, b""), "l": (LINK, b"\t")}
    assert (whole.strip, whole.options) == (None, ("--directory", "d"))
    assert (whole.references, whole.why) == ("no other", "it is so")


def test_what_is_left_out_has_a_default(read):
    _, short = read(WHOLE)
    assert (short.name, short.series, short.refused) == ("short", (b"",), "bad diff")
    assert (short.strip, short.options, short.changes) == (1, (), {})
    assert (short.references, short.why) == ("- -", "")


def test_a_result_may_be_that_nothing_changes(read):
    (case,) = read(SHORT.replace(b"refused bad diff", b"result unchanged"))
    assert (case.refused, case.changes) == ("", {})


def test_a_case_replaces_what_all_trees_have(read):
    (case,) = read(SHORT.replace(b":: diff", b":: tree file f\n2\n:: diff"))
    assert case.tree == {"f": (FILE, b"2\n")}


UNKNOWN = "an unknown key, or no such value"
NO_LINE = "no line may stand here"
RESULT = "not one of result, result unchanged, refused"
PLAIN = "not ASCII or a blank at its end"


@pytest.mark.parametrize(
    "line",
    [
        ":: rejected unsafe",
        ":: case",
        ":: tree file",
        ":: tree gone f",
        ":: tree folder f",
        ":: tree link l",
        ":: tree hardlink l",
        ":: result fifo p",
        ":: result link l ->",
        ":: diff of f",
        ":: strip one",
        ":: strip 10",
        ":: options directory",
        ":: refused",
        ":: references = maybe",
        ":: references no - -",
        ":: why",
        "::",
        "::: case x",
        "::case x",
    ],
)
def test_a_line_that_is_not_in_the_format_is_a_fault(read, line):
    with pytest.raises(Fault, match=re.escape(f"0.cases:2: {line!r}: {UNKNOWN}")):
        read(SHORT.replace(b"\n", f"\n{line}\n".encode(), 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"- -", b"- -\n:: references - -", "5: ':: references - -': a key twice"),
        (b"short", b"short\n:: strip 1\n:: strip 1", "3: ':: strip 1': a key twice"),
        (b":: diff\n", b"", "1: ':: case short': no diff"),
        (SHORT, b":: case short\n", "1: ':: case short': no diff"),
        (b":: refused bad diff\n", b"", f"1: ':: case short': {RESULT}"),
        (b"bad diff", b"bad diff\n:: result gone f", f"1: ':: case short': {RESULT}"),
        (b"refused bad diff", b"result unchanged\n:: result gone f", RESULT),
        (b"refused bad diff", b"result unchanged\n:: result unchanged", RESULT),
        (b":: references - -\n", b"", "1: ':: case short': no references"),
        (b"- -\n", b"- -\n:: diff\n\n", "short': references, why come last"),
        (SHORT, SHORT + SHORT, "5: ':: case short': a name twice"),
        (b":: case short\n", b"", "1: ':: diff': no case begins above it"),
        (SHORT, b"", "0.cases: no case"),
        (SHORT, b"A heading\n", "0.cases: no case"),
        (b"short", b"short\n1", f"2: '1': {NO_LINE}"),
        (b"short", b"file x\n1", f"2: '1': {NO_LINE}"),
        (b"bad diff\n", b"bad diff\n1\n", f"4: '1': {NO_LINE}"),
        (b"short", b"short\n:: tree link l -> f\n1", f"3: '1': {NO_LINE}"),
        (b"short", b"short\n:: tree fifo p\n:: tree fifo p", "fifo p': a path twice"),
        (b"refused bad diff", b"result gone f\n:: result file f", "f': a path twice"),
        (b":: diff\n", b":: diff\n\\x0\n", r"2: ':: diff': \x needs two digits"),
        (b":: diff\n", b":: diff\n\\x0A\n", r"2: ':: diff': \x needs two digits"),
        (b"short", b"short\n:: tree fifo \\x", r"\x needs two digits"),
        (b":: diff\n", b":: diff\n-a \n", f"3: '-a ': {PLAIN}"),
        (b":: diff\n", b":: diff\n-a\r\n", rf"3: '-a\r': {PLAIN}"),
        (b":: diff\n", b":: diff\n-a\tb\n", rf"3: '-a\tb': {PLAIN}"),
        (b":: diff\n", b":: diff\n\xe9\n", f"3: '\xe9': {PLAIN}"),
        (b":: diff\n", b":: diff\n::diff\n", f"3: '::diff': {UNKNOWN}"),
    ],
)
def test_what_breaks_a_rule_is_a_fault(read, old, new, message):
    assert old in SHORT and read(SHORT)
    with pytest.raises(Fault, match=re.escape(message)):
        read(SHORT.replace(old, new))


def test_two_files_may_not_have_a_case_of_one_name(read):
    with pytest.raises(Fault, match=r"1\.cases:1: ':: case short': a name twice"):
        read(SHORT, SHORT)


def test_the_common_tree_is_nothing_but_a_tree(read):
    with pytest.raises(Fault, match=r"common\.tree:1: ':: diff': not a tree"):
        read(SHORT, common=b":: diff\n")
