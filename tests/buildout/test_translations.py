"""A patched .po counts: its .mo is compiled, byte for byte as msgfmt does."""

from __future__ import annotations

import gettext
import io
import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poach.build.mo_files import BadCatalog, compiled
from poach.build.translations import Touched, compile_patched
from support.pond import CFG

MSGFMT = shutil.which("msgfmt")
needs_msgfmt = pytest.mark.skipif(MSGFMT is None, reason="GNU gettext is not installed")

HEADER = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
EVERYTHING = (
    """\
# Translators.
#, fuzzy
"""
    + HEADER
    + """\
#: a.py:1
#, python-format
msgctxt "menu"
msgid "Quack"
msgstr "Quäk\\t\\"laut\\""

msgid "one duck"
msgid_plural "%d ducks"
msgstr[0] "eine Ente"
msgstr[1] "%d Enten"

#, fuzzy
#| msgid "older"
msgid "not sure"
msgstr "nicht sicher"
msgid "without a blank line"
msgstr "geht" " auch\\n"
"mit \\x41\\102\\\\n"

msgctxt ""
msgid "empty context"
msgstr "leer"

msgid "none"
msgstr ""

msgid "no form"
msgid_plural "none"
msgstr[0] ""
msgstr[1] ""

#~ msgid "gone"
#~ msgstr "weg"
"""
)


def by_msgfmt(data, folder):
    (folder / "x.po").write_bytes(data)
    command = [MSGFMT, "--no-hash", "--endianness=little", "-o", "x.mo", "x.po"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "x.mo").read_bytes()


@needs_msgfmt
@pytest.mark.parametrize(
    "data",
    [
        EVERYTHING.encode(),
        EVERYTHING.replace("\n", "\r\n").encode(),
        EVERYTHING.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        EVERYTHING.replace("UTF-8", "CP932").replace("ä", "表ソ").encode("cp932"),
        HEADER.encode(),
        b'msgid "a"\nmsgstr "b"',
    ],
)
def test_the_same_bytes_as_msgfmt(data, tmp_path):
    if b"CP932" in data:  # msgfmt stumbles over a backslash in a letter, where Python
        mo = gettext.GNUTranslations(io.BytesIO(compiled(data)))  # does not
        assert mo.pgettext("menu", "Quack").startswith("Qu表ソk")
        return
    assert compiled(data) == by_msgfmt(data, tmp_path)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
    | st.sampled_from('"\\n'),
    max_size=8,
)


def quoted(text):
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


@st.composite
def catalogs(draw):
    """Return a .po file with a header, and messages of all kinds."""
    lines = [HEADER]
    ids = draw(st.lists(TEXT.filter(bool), unique=True, max_size=6))
    for name in ids:
        if draw(st.booleans()):
            lines.append("#, fuzzy")
        if draw(st.booleans()):
            lines.append(f"msgctxt {quoted(draw(TEXT))}")
        lines.append(f"msgid {quoted(name)}")
        if draw(st.booleans()):
            lines.append(f"msgid_plural {quoted(draw(TEXT))}")
            lines += [f"msgstr[{n}] {quoted(draw(TEXT))}" for n in range(2)]
        else:
            lines += [f"msgstr {quoted(draw(TEXT))}", quoted(draw(TEXT))]
        old = f'#~ msgid "x{len(lines)}"\n#~ msgstr "y"\n'
        lines.append(draw(st.sampled_from(["", "# x", old])))
    return "\n".join(lines).encode()


@needs_msgfmt
@given(catalogs())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_there_is_is_compiled_as_by_msgfmt(tmp_path, data):
    assert compiled(data) == by_msgfmt(data, tmp_path)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('msgid "a"\nmsgstr "b\n', "line 2: 'msgstr \"b' is neither a keyword nor a"),
        ("<<<<<<< HEAD\n", "line 1: '<<<<<<< HEAD' is neither"),
        ('"x"\n', "line 1: a string that belongs to no message"),
        ('msgstr "x"\n', "line 1: msgstr does not belong there"),
        ('msgid "a"\nmsgid "b"\n', "line 2: msgid does not belong there"),
        ('msgid "a"\nmsgstr[0] "b"\n', "line 2: msgstr[0] does not belong there"),
        (
            'msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n',
            "line 3: msgstr does not belong there",
        ),
        ('msgid "a"\nmsgstr "\\q"\n', "line 2: '\\\\q' means nothing"),
        ('msgid "a"\n', "the last message has no msgstr"),
    ],
)
def test_what_cannot_be_compiled(text, error):
    with pytest.raises(BadCatalog) as caught:
        compiled(text.encode())

    assert str(caught.value).startswith(error)


def test_another_charset_than_the_header_says():
    with pytest.raises(BadCatalog, match="line 6: it is not UTF-8"):
        compiled(HEADER.encode() + b'msgid "\xe4"\nmsgstr "x"\n')


@pytest.mark.parametrize("charset", ["CHARSET", "x-klingon", "\xff"])
def test_an_unknown_charset_is_no_obstacle(charset):
    data = HEADER.replace("UTF-8", charset) + 'msgid "a"\nmsgstr "\xe4"\n'

    assert b"\xe4" in compiled(data.encode("latin-1"))


def test_of_a_message_that_is_there_twice_the_last_one_counts():
    data = HEADER + 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n'
    mo = gettext.GNUTranslations(io.BytesIO(compiled(b"\xef\xbb\xbf" + data.encode())))

    assert mo.gettext("a") == "c"


# In a tree

PO = HEADER + 'msgid "quack"\nmsgstr "quak"\n'


@pytest.fixture
def tree(tmp_path):
    for name in ("de", "fr", "only"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pond.po").write_text(PO)
    for name in ("de", "fr"):
        (tmp_path / name / "pond.mo").write_bytes(b"old")
    return tmp_path


def touched(*paths, label="loud"):
    return Touched(label, "buildout.cfg:3", set(paths))


def mo(tree):
    return {
        path.relative_to(tree).as_posix(): path.read_bytes() == compiled(PO.encode())
        for path in sorted(tree.rglob("*.mo"))
    }


def compile_all(tree, *patches):
    return compile_patched("pond 1.0", tree, patches)


def test_what_is_patched_is_compiled(tree):
    assert compile_all(tree, touched("de/pond.po", "x.py")) == []
    assert mo(tree) == {"de/pond.mo": True, "fr/pond.mo": False}


def test_a_new_language_is_compiled_like_the_others(tree):
    assert compile_all(tree, touched("only/pond.po")) == []
    assert mo(tree)["only/pond.mo"]


def test_where_none_is_shipped_none_is_made(tree):
    (tree / "only/other.po").write_text("no catalog")

    assert compile_all(tree, touched("only/other.po")) == []
    assert not (tree / "only/other.mo").exists()


def test_a_patch_of_the_mo_itself_counts(tree):
    po, both = touched("de/pond.po"), touched("de/pond.po", "de/pond.mo")

    compile_all(tree, po, both)
    assert not mo(tree)["de/pond.mo"]
    compile_all(tree, both, po)
    assert mo(tree)["de/pond.mo"]


def test_with_the_po_goes_the_mo(tree):
    (tree / "de/pond.po").unlink()

    assert compile_all(tree, touched("de/pond.po")) == []
    assert mo(tree) == {"fr/pond.mo": False}


def test_all_files_that_cannot_be_compiled_are_reported(tree):
    for name in ("de", "fr"):
        (tree / name / "pond.po").write_text("nonsense")

    faults = compile_all(tree, touched("de/pond.po", "fr/pond.po"))

    assert sorted(map(str, faults)) == [
        f"Patch loud of pond 1.0 (buildout.cfg:3) has no effect on {name}/pond.po: "
        f"programs read {name}/pond.mo, which cannot be compiled again "
        f"({name}/pond.po, line 1: 'nonsense' is neither a keyword nor a string); "
        "correct the .po file in the patch, or patch the .mo file, too"
        for name in ("de", "fr")
    ]
    assert mo(tree) == {"de/pond.mo": False, "fr/pond.mo": False}


def test_nothing_outside_the_tree_is_written(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x"
    outside.write_bytes(b"mine")
    (tree / "de/pond.mo").unlink()
    (tree / "de/pond.mo").symlink_to(outside)

    compile_all(tree, touched("de/pond.po"))

    assert outside.read_bytes() == b"mine"
    assert mo(tree)["de/pond.mo"]


def test_the_mode_stays(tree):
    (tree / "de/pond.mo").chmod(0o640)

    compile_all(tree, touched("de/pond.po"))

    assert (tree / "de/pond.mo").stat().st_mode & 0o777 == 0o640


# In a buildout

PATCH = """\
--- a/src/pond/locales/de.po
+++ b/src/pond/locales/de.po
@@ -4,4 +4,4 @@
 "Plural-Forms: nplurals=2; plural=(n != 1);\\n"

 msgid "quack"
-msgstr "quak"
+msgstr "%s"
"""


def add_pond(index):
    index.add_sdist(
        "pond",
        "1.0",
        {
            "src/pond/__init__.py": """
                import gettext, os
                def main():
                    path = os.path.join(os.path.dirname(__file__), "locales", "de.mo")
                    with open(path, "rb") as stream:
                        print(gettext.GNUTranslations(stream).gettext("quack"))
                """,
            "src/pond/locales/de.po": PO,
            "src/pond/locales/de.mo": compiled(PO.encode()),
        },
        package_dir={"": "src"},
        packages=["pond"],
        package_data={"": ["locales/*"]},
        entry_points={"console_scripts": ["pond = pond:main"]},
    )


def test_a_patched_translation_counts_and_zope_leaves_it_alone(project, index):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/loud.patch", PATCH % "QUÄK")

    made.run()

    assert made.script("pond").stdout == "QUÄK\n"
    (po,) = made.path.glob("patched-eggs/2/pond/*/*/*.egg/pond/locales/de.po")
    catalog = po.with_suffix(".mo")
    assert po.stat().st_mtime < catalog.stat().st_mtime
    assert made.poach("cache", "verify").returncode == 0

    # As Zope does it where the .po is newer.
    os.utime(po, (0, catalog.stat().st_mtime + 9))
    catalog.write_bytes(compiled(po.read_bytes()) + b"in another size")
    assert "Damaged" not in made.run().output
    assert "Patched eggs in use: pond" in made.run("-o").output
    assert made.poach("cache", "verify").stdout == ""


def test_a_patch_that_spoils_a_translation_is_refused(project, index):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/loud.patch", PATCH % '"')

    error = made.run(expect=1).error

    assert error.startswith("Patch loud of pond 1.0 (buildout.cfg:")
    assert "has no effect on src/pond/locales/de.po: programs read src/" in error
    assert 'de.po, line 7: \'msgstr """\' is neither a keyword nor a string' in error
