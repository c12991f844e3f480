from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.build.retag import RetagError, retag
from support.wheels import (
    WHEEL,
    Item,
    contents,
    demo_files,
    items_of,
    make_wheel,
    record_line,
    record_of,
    rows_of,
    write_items,
)

TAGGED = "1.0+cve.2024.42353.p1a2b3c4d"
DEMO = "demo-1.0-py3-none-any.whl"


def retag_demo(
    folder: Path,
    files: Mapping[str, bytes],
    version: str = TAGGED,
    name: str = DEMO,
    extra: Mapping[str, bytes] = {},
) -> Path:
    dest = folder / "dest"
    dest.mkdir()
    return retag(make_wheel(folder / name, files), version, dest, extra)


# -- the property: what comes out is what the backend would have made -----------------


@dataclass(frozen=True)
class Recipe:
    """A wheel as a function of its version."""

    name: str
    build: str
    data_name: str
    headers: tuple[bytes, bytes]
    newline: bytes
    body: bytes
    files: Mapping[str, tuple[bytes, int, int]]
    data_files: Mapping[str, tuple[bytes, int, int]]
    quoting: int
    signed: bool

    def file_name(self, version: str) -> str:
        return f"{self.name}-{version}{self.build}-py3-none-any.whl"

    def metadata(self, version: str) -> bytes:
        before, after = self.headers
        text = before + b"Version: " + version.encode() + b"\n" + after + b"\n"
        return text.replace(b"\n", self.newline) + self.body

    def items(self, version: str, signed: bool) -> list[Item]:
        info = f"{self.name}-{version}.dist-info"
        data = f"{self.data_name}-{version}.data"
        plain = (b"", 0o100644, ZIP_DEFLATED)
        files = {
            **self.files,
            **{f"{data}/{path}": file for path, file in self.data_files.items()},
            f"{info}/": (b"", 0o040755, ZIP_STORED),
            f"{info}/METADATA": (self.metadata(version), *plain[1:]),
            f"{info}/WHEEL": (WHEEL, *plain[1:]),
        }
        if signed:
            files[f"{info}/RECORD.jws"] = plain
            files[f"{info}/RECORD.p7s"] = plain
        record = record_of(
            {path: file[0] for path, file in files.items()},
            f"{info}/RECORD",
            self.quoting,
        )
        files[f"{info}/RECORD"] = (record, 0o100600, ZIP_DEFLATED)
        return [
            Item(path, content, (2000 + i % 99, 1 + i % 12, 3, 4, 5, 6), mode, how)
            for i, (path, (content, mode, how)) in enumerate(files.items())
        ]


names = st.sampled_from(["demo", "Demo.Pkg", "zope.interface", "a_b", "X_y.Z3"])
header_blocks = st.lists(
    st.sampled_from(
        [
            b"Metadata-Version: 2.1\n",
            b"Name: demo\n",
            b"Requires-Python: >=3.10\n",
            b"Author: Andr\xc3\xa9\n",
            b"Author: Andr\xe9\n",
            b"X-Version: 7\n",
            b"Description: folded\n        Version: 8\n       |Version: 8\n",
        ]
    )
).map(b"".join)
bodies = st.lists(
    st.one_of(
        st.sampled_from(
            [b"Version: 9\n", b"From me to you\n", b">From\n", b"\n", b"V\xe9rsion: 3"]
        ),
        st.binary(max_size=20),
    )
).map(b"".join)
parts = st.text("abcXYZ019_. ,;+é\"'", min_size=1, max_size=6).filter(
    lambda part: part.strip(".") and not part.endswith((".data", ".dist-info"))
)
paths = st.one_of(
    st.lists(parts, min_size=1, max_size=3).map("/".join),
    # A vendored wheel, below the top: none of our business.
    st.just("pkg/demo-1.0.dist-info/METADATA"),
    # A folder at the top that only looks like ours.
    st.just("other-1.0.data/scripts/x"),
)
payloads = st.tuples(
    st.binary(max_size=60),
    st.sampled_from([0o100644, 0o100755, 0o100600, 0]),
    st.sampled_from([ZIP_DEFLATED, ZIP_STORED]),
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    name = draw(names)
    return Recipe(
        name=name,
        build=draw(st.sampled_from(["", "-1", "-2abc"])),
        data_name=draw(st.sampled_from([name, name.lower(), name.replace(".", "_")])),
        headers=(draw(header_blocks), draw(header_blocks)),
        newline=draw(st.sampled_from([b"\n", b"\r\n"])),
        body=draw(bodies),
        files=draw(st.dictionaries(paths, payloads, max_size=4)),
        data_files=draw(
            st.dictionaries(paths.map(lambda p: f"scripts/{p}"), payloads, max_size=2)
        ),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        signed=draw(st.booleans()),
    )


labels = st.sampled_from(["a", "cve.2024.42353.p1a2b3c4d", "1", "poll.p00000000"])
bases = st.sampled_from(["1.0", "1.0.post1", "2!3.8.1", "1.8.7rc1"])


def with_rows(items: list[Item]) -> list[tuple[object, ...]]:
    """Return `items` with RECORD parsed, for how it quotes means nothing."""
    return [
        item._replace(data=rows_of(item.data))
        if item.path.endswith(".dist-info/RECORD")
        else item
        for item in items
    ]


@given(recipes(), bases, labels)
def test_only_the_version_changes(recipe: Recipe, base: str, label: str) -> None:
    tagged = f"{base}+{label}"
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_items(
            Path(folder, recipe.file_name(base)), recipe.items(base, recipe.signed)
        )
        new = retag(wheel, tagged, Path(folder))
        expected = recipe.items(tagged, signed=False)
        if recipe.signed:  # its items are counted, and so are their times
            record_time = recipe.items(base, signed=True)[-1].time
            expected[-1] = expected[-1]._replace(time=record_time)
        assert new.name == recipe.file_name(tagged)
        assert with_rows(items_of(new)) == with_rows(expected)


extras = st.dictionaries(
    st.sampled_from(["patches/a.patch", "patches/b,c.patch", "poach.json", "sboms/é"]),
    st.binary(max_size=40),
)


@given(recipes(), labels, extras)
def test_record_agrees_with_the_wheel(
    recipe: Recipe, label: str, extra: dict[str, bytes]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_items(
            Path(folder, recipe.file_name("1.0")), recipe.items("1.0", recipe.signed)
        )
        new = contents(retag(wheel, f"1.0+{label}", Path(folder), extra))
    own = f"{recipe.name}-1.0+{label}.dist-info/RECORD"
    assert list(new)[-1] == own
    assert sorted(rows_of(new.pop(own))) == sorted(
        [record_line(path, data) for path, data in new.items() if path[-1] != "/"]
        + [[own, "", ""]]
    )
    for path, data in extra.items():
        assert new[f"{recipe.name}-1.0+{label}.dist-info/{path}"] == data


@given(recipes(), extras)
def test_same_input_gives_same_bytes(recipe: Recipe, extra: dict[str, bytes]) -> None:
    reversed_extra = dict(reversed(extra.items()))
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_items(
            Path(folder, recipe.file_name("1.0")), recipe.items("1.0", recipe.signed)
        )
        once = retag(wheel, "1.0+a", Path(folder), extra).read_bytes()
        again = retag(wheel, "1.0+a", Path(folder), reversed_extra).read_bytes()
    assert once == again


# -- single conditions ----------------------------------------------------------------


def test_a_whole_wheel(tmp_path: Path) -> None:
    new = retag_demo(tmp_path, demo_files())
    assert new == tmp_path / "dest" / f"demo-{TAGGED}-py3-none-any.whl"
    assert list(contents(new)) == [
        "demo/__init__.py",
        f"demo-{TAGGED}.data/scripts/demo-run",
        f"demo-{TAGGED}.dist-info/METADATA",
        f"demo-{TAGGED}.dist-info/WHEEL",
        f"demo-{TAGGED}.dist-info/RECORD",
    ]
    assert contents(new)[f"demo-{TAGGED}.dist-info/METADATA"] == (
        b"Metadata-Version: 2.1\nName: demo\nVersion: " + TAGGED.encode() + b"\n"
        b"\nVersion: of the text\n"
    )


def test_extra_files_have_the_time_and_mode_of_metadata(tmp_path: Path) -> None:
    new = retag_demo(tmp_path, demo_files(), extra={"poach.json": b"{}\n"})
    by_path = {item.path: item for item in items_of(new)}
    info = f"demo-{TAGGED}.dist-info"
    expected = by_path[f"{info}/METADATA"]._replace(
        path=f"{info}/poach.json", data=b"{}\n"
    )
    assert by_path[f"{info}/poach.json"] == expected
    assert list(by_path)[-2:] == [f"{info}/poach.json", f"{info}/RECORD"]


def test_a_retagged_wheel_can_be_retagged(tmp_path: Path) -> None:
    once = retag_demo(tmp_path, demo_files())
    again = retag(once, "1.0+other", tmp_path)
    direct = retag(tmp_path / DEMO, "1.0+other", tmp_path / "dest")
    assert again.read_bytes() == direct.read_bytes()


def test_the_version_is_put_into_normal_form(tmp_path: Path) -> None:
    new = retag_demo(tmp_path, demo_files(), version="1.0+Poll-Invalidations_01")
    assert new.name == "demo-1.0+poll.invalidations.1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Version: 1.0", b"Version: 1.0+x"),
        (b"Name: d\nVersion: 1.0\nVersion: 2", b"Name: d\nVersion: 1.0+x\nVersion: 2"),
        (b"version:1.0\r\n", b"version:1.0+x\r\n"),
        (b"Version :\t1.0\n\n", b"Version :\t1.0+x\n\n"),
        (b"From a\nVersion: 1\n\nFrom b\n", b"From a\nVersion: 1.0+x\n\nFrom b\n"),
    ],
)
def test_version_header(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = "demo-1.0.dist-info/METADATA"
    new = retag_demo(tmp_path, {**demo_files(), path: before}, version="1.0+x")
    assert contents(new)["demo-1.0+x.dist-info/METADATA"] == after


def test_what_record_says_of_other_files_is_kept(tmp_path: Path) -> None:
    own = "demo-1.0.dist-info/RECORD"
    record = (
        b'"demo/__init__.py",md5=abc,\r\n'
        b'"demo/a ""b"", c.py",sha256=xyz,12\r\n'
        b"demo/short\r\n\r\n"
        b"demo/caf\xe9,sha256=xyz,1\r\n"
        b"demo-1.0.dist-info/RECORD,,\r\n"
        b"demo-1.0.dist-info/RECORD.jws,,\r\n"
        b"demo-1.0.dist-info/WHEEL,sha384=mno,3\r\n"
    )
    new = contents(retag_demo(tmp_path, {**demo_files(), own: record}, "1.0+x"))
    edited = record_line(
        "demo-1.0+x.dist-info/METADATA", new["demo-1.0+x.dist-info/METADATA"]
    )
    script = "demo-1.0+x.data/scripts/demo-run"  # which it misses
    missed = record_line(script, new[script])
    assert new["demo-1.0+x.dist-info/RECORD"] == (
        b"demo/__init__.py,md5=abc,\n"
        b'"demo/a ""b"", c.py",sha256=xyz,12\n'
        b"demo/short\n"
        b"demo/caf\xe9,sha256=xyz,1\n"
        b"demo-1.0+x.dist-info/WHEEL,sha384=mno,3\n"
        + ",".join(edited).encode()
        + b"\n"
        + ",".join(missed).encode()
        + b"\ndemo-1.0+x.dist-info/RECORD,,\n"
    )


def test_an_entry_of_another_system_keeps_its_attributes(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / DEMO, demo_files())
    dos = ZipInfo("demo/dos.txt", (1980, 1, 1, 0, 0, 0))
    dos.create_system, dos.external_attr, dos.comment = 0, 0x20, b"made on DOS"
    with ZipFile(wheel, "a") as archive:
        archive.writestr(dos, b"DOS\r\n")
    new = retag(wheel, TAGGED, tmp_path)
    with ZipFile(new) as archive:
        kept = archive.getinfo("demo/dos.txt")
    assert (kept.create_system, kept.external_attr) == (0, 0x20)
    assert (kept.comment, kept.date_time) == (b"made on DOS", dos.date_time)


def test_an_archive_with_zip64_fields(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / DEMO, demo_files())
    with (
        ZipFile(wheel, "a") as archive,
        archive.open("demo/large.bin", "w", force_zip64=True) as stream,
    ):
        stream.write(b"large")
    with ZipFile(retag(wheel, TAGGED, tmp_path)) as archive:
        assert archive.testzip() is None
        assert archive.read("demo/large.bin") == b"large"
        assert archive.getinfo("demo/large.bin").extra == b""


HEADERS = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("before", "added"),
    [
        (HEADERS + b"\nBody\n", b"Provides-Extra: a-b\nProvides-Extra: c\n"),
        (HEADERS, b"Provides-Extra: a-b\nProvides-Extra: c\n"),
        (HEADERS[:-1], b"\nProvides-Extra: a-b\nProvides-Extra: c\n"),
        (HEADERS + b"provides-extra : A_b \n", b"Provides-Extra: c\n"),
        (HEADERS + b"Provides-Extra: a-b\nProvides-Extra: C\n\n", b""),
        (
            HEADERS + b"\nProvides-Extra: c\n",
            b"Provides-Extra: a-b\nProvides-Extra: c\n",
        ),
    ],
)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_extras_that_it_provides(
    tmp_path: Path, before: bytes, added: bytes, newline: bytes
) -> None:
    old = (before + b"From me\n" * (b"\n\n" in before)).replace(b"\n", newline)
    wheel = make_wheel(
        tmp_path / DEMO, {**demo_files(), "demo-1.0.dist-info/METADATA": old}
    )

    new = retag(wheel, TAGGED, tmp_path, {}, ("a-b", "c"))

    data = contents(new)[f"demo-{TAGGED}.dist-info/METADATA"]
    tagged = old.replace(b"Version: 1.0", b"Version: " + TAGGED.encode(), 1)
    cut = tagged.find(newline * 2) + len(newline) if newline * 2 in tagged else None
    headers, body = tagged[:cut], tagged[len(tagged) if cut is None else cut :]
    assert data == headers + added.replace(b"\n", newline) + body


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"1.0", b"2.1"), (b"1.2", b"2.1"), (b"2.0", b"2.1"), (b"2.2", b"2.2")],
)
def test_a_format_that_had_no_extras_is_raised(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    files = demo_files()
    path = "demo-1.0.dist-info/METADATA"
    files[path] = files[path].replace(b"Version: 2.1", b"Version: " + before)
    wheel = make_wheel(tmp_path / DEMO, files)

    changed = contents(retag(wheel, TAGGED, tmp_path, {}, ["x"]))
    as_it_was = contents(retag(wheel, "1.0+b", tmp_path))

    assert b"Metadata-Version: " + after in changed[f"demo-{TAGGED}.dist-info/METADATA"]
    assert b"Metadata-Version: " + before in as_it_was["demo-1.0+b.dist-info/METADATA"]


class Unflagged(ZipInfo):
    """An entry whose path is in bytes that the archive says nothing about."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("utf-8", "surrogateescape"), 0


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"demo/\xc3\xa9.txt", "demo/├⌐.txt"),  # UTF-8, as Python 2 wrote it
        (b"demo/\x82.txt", "demo/├⌐.txt"),  # code page 437, which PEP 427 forbids
        (b"demo/plain.txt", "demo/plain.txt"),
    ],
)
def test_a_path_that_does_not_say_its_encoding(
    tmp_path: Path, raw: bytes, path: str
) -> None:
    """It is UTF-8 then, and unsaid as before: zipfile shows it as something else."""
    wheel = make_wheel(tmp_path / DEMO, demo_files())
    with ZipFile(wheel, "a") as archive:
        archive.writestr(Unflagged(raw.decode("utf-8", "surrogateescape")), b"x")
    with ZipFile(retag(wheel, TAGGED, tmp_path)) as archive:
        assert archive.read(path) == b"x"
        assert not archive.getinfo(path).flag_bits & 0x800


# -- errors ---------------------------------------------------------------------------


def message(folder: Path, files: Mapping[str, bytes], **options: str) -> str:
    with pytest.raises(RetagError) as caught:
        retag_demo(folder, files, **options)
    assert list((folder / "dest").iterdir()) == []
    return str(caught.value)


def without(path: str) -> dict[str, bytes]:
    return {name: data for name, data in demo_files().items() if name != path}


def test_no_dist_info(tmp_path: Path) -> None:
    assert message(tmp_path, {"demo/__init__.py": b"", "a.dist-info": b""}) == (
        f"Cannot retag {DEMO}: it has 0 .dist-info folders, not one"
    )


def test_two_dist_infos(tmp_path: Path) -> None:
    files = {**demo_files(), "Demo-1.dist-info/METADATA": b"Version: 1\n"}
    assert message(tmp_path, files) == (
        f"Cannot retag {DEMO}: it has 2 .dist-info folders "
        "(Demo-1.dist-info, demo-1.0.dist-info), not one"
    )


@pytest.mark.parametrize("name", ["METADATA", "RECORD"])
def test_a_file_is_missing(tmp_path: Path, name: str) -> None:
    path = f"demo-1.0.dist-info/{name}"
    assert message(tmp_path, without(path)) == (
        f"Cannot retag {DEMO}: it has no demo-1.0.dist-info/{name}"
    )


@pytest.mark.parametrize(
    "metadata", [b"", b"Name: demo\n\nVersion: 1\n", b"\nVersion: 1", b"X: \n Version:"]
)
def test_no_version_header(tmp_path: Path, metadata: bytes) -> None:
    files = {**demo_files(), "demo-1.0.dist-info/METADATA": metadata}
    assert message(tmp_path, files) == (
        f"Cannot retag {DEMO}: its METADATA has no Version header"
    )


def test_no_local_label(tmp_path: Path) -> None:
    assert message(tmp_path, demo_files(), version="1.0") == (
        f"Cannot retag {DEMO}: version '1.0' has no local label"
    )


def test_no_version(tmp_path: Path) -> None:
    assert message(tmp_path, demo_files(), version="1.0+a+b") == (
        f"Cannot retag {DEMO}: '1.0+a+b' is not a version (PEP 440)"
    )


@pytest.mark.parametrize("name", ["demo.whl", "demo-1.0-py3-none-any.zip"])
def test_no_name_of_a_wheel(tmp_path: Path, name: str) -> None:
    assert message(tmp_path, demo_files(), name=name) == (
        f"Cannot retag {name}: it does not have the file name of a wheel (PEP 427)"
    )


def test_extra_that_is_there_already(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / DEMO, demo_files())
    with pytest.raises(RetagError) as caught:
        retag(wheel, "1.0+x", tmp_path, {"WHEEL": b""})
    assert str(caught.value) == (
        f"Cannot retag {DEMO}: it would hold twice: demo-1.0+x.dist-info/WHEEL"
    )
    assert list(tmp_path.iterdir()) == [wheel]


def test_no_archive(tmp_path: Path) -> None:
    wheel = tmp_path / DEMO
    wheel.write_bytes(b"not a zip file")
    with pytest.raises(RetagError) as caught:
        retag(wheel, TAGGED, tmp_path)
    assert str(caught.value) == (
        f"Cannot retag {DEMO}: it is damaged (File is not a zip file)"
    )


def test_broken_archive(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / DEMO, demo_files())
    data = bytearray(wheel.read_bytes())
    data[30 + len("demo/__init__.py")] ^= 0xFF  # the first byte of the first entry
    wheel.write_bytes(data)
    with pytest.raises(RetagError, match="it is damaged"):
        retag(wheel, TAGGED, tmp_path)


# -- installers -----------------------------------------------------------------------


def pip(*args: str | Path) -> None:
    command = [sys.executable, "-m", "pip", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def install(wheel: Path, target: Path) -> metadata.Distribution:
    pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    (dist,) = metadata.distributions(path=[str(target)])
    return dist


def test_pip_installs_it(tmp_path: Path) -> None:
    wheel = retag_demo(
        tmp_path, demo_files(**{"mod.py": b""}), extra={"patches/x.patch": b"--- a\n"}
    )
    dist = install(wheel, tmp_path / "target")
    assert dist.version == TAGGED
    assert (tmp_path / "target" / "demo" / "mod.py").is_file()
    assert (tmp_path / "target" / "bin" / "demo-run").is_file()
    assert dist.read_text("patches/x.patch") == "--- a\n"


PROJECT = """
[project]
name = "Demo.Pkg"
version = "1.0"
description = "A tiny project"
"""

BACKENDS = {
    "setuptools": """
        [build-system]
        requires = ["setuptools"]
        build-backend = "setuptools.build_meta"
        [tool.setuptools]
        packages = ["demo"]
        script-files = ["data/bin/demo-run"]
        """,
    "hatchling": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [tool.hatch.build.targets.wheel]
        packages = ["demo"]
        [tool.hatch.build.targets.wheel.shared-scripts]
        "data/bin/demo-run" = "demo-run"
        """,
    "flit-core": """
        [build-system]
        requires = ["flit_core"]
        build-backend = "flit_core.buildapi"
        [tool.flit.module]
        name = "demo"
        [tool.flit.external-data]
        directory = "data"
        """,
    "poetry-core": """
        [build-system]
        requires = ["poetry-core"]
        build-backend = "poetry.core.masonry.api"
        [tool.poetry]
        packages = [{include = "demo"}]
        [tool.poetry.scripts]
        demo-run = {reference = "data/bin/demo-run", type = "file"}
        """,
    "pdm-backend": """
        [build-system]
        requires = ["pdm-backend"]
        build-backend = "pdm.backend"
        [tool.pdm.build]
        includes = ["demo"]
        [tool.pdm.build.wheel-data]
        scripts = ["data/bin/demo-run"]
        """,
}


@pytest.mark.index
@pytest.mark.parametrize("backend", BACKENDS)
def test_wheels_of_real_backends(tmp_path: Path, backend: str) -> None:
    project, built, target = (tmp_path / name for name in ("p", "built", "target"))
    for folder in (project / "demo", project / "data" / "bin"):
        folder.mkdir(parents=True)
    (project / "demo" / "__init__.py").write_text("ANSWER = 42\n")
    (project / "data" / "bin" / "demo-run").write_text("#!python\nprint(42)\n")
    (project / "pyproject.toml").write_text(PROJECT + BACKENDS[backend])

    pip("wheel", "--no-deps", "--wheel-dir", built, project)
    (wheel,) = built.iterdir()
    new = retag(wheel, TAGGED, tmp_path, {"poach.json": b"{}\n"})

    assert new.name == wheel.name.replace("-1.0-", f"-{TAGGED}-")
    old_data = {path: data for path, data in contents(wheel).items() if "/" in path}
    assert [path.replace("-1.0.d", f"-{TAGGED}.d") for path in old_data][:-1] == list(
        contents(new)
    )[:-2]
    dist = install(new, target)
    assert (dist.version, dist.read_text("poach.json")) == (TAGGED, "{}\n")
    assert (target / "demo" / "__init__.py").is_file()
    assert (target / "bin" / "demo-run").is_file()
