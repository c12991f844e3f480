"""Entries as archives: what comes from a server is what was asked for, or refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poach.errors import PoachError
from poach.pins.build_key import BuildKey, BuildOptions, Target
from poach.remote import bundle, signing
from poach.remote.bundle import SIGNATURES, BadBundle, Limits, pack, unpack
from poach.remote.sharing import Address, PublicKey, Signature
from poach.store.store import Made, PatchedEgg, Store
from support import dists

VERSION = "1.0+loud.p12345678"
KEY = BuildKey(
    "pond",
    "1.0",
    "a" * 64,
    "b" * 64,
    Target("cp311", "cp311", "linux", "v5"),
    BuildOptions(environment={"TOKEN": "swordfish"}),
)
EGG = f"pond-{VERSION}-py3.11.egg"
WHEEL = f"pond-{VERSION}-py3-none-any.whl"
INFO = f"{EGG}/pond-{VERSION}.dist-info"
RECORD = {
    "format": 1,
    "project": "Pond",
    "base": "1.0",
    "version": VERSION,
    "upstream": {"filename": "pond-1.0.tar.gz", "sha256": "a" * 64, "purl": "pkg:x"},
    "names": ["loud"],
    "patches": [],
    "digest": "b" * 64,
    "poach": "0.1",
}
METADATA = f"Metadata-Version: 2.1\nName: Pond\nVersion: {VERSION}\n"
FILES = {
    f"{EGG}/pond/__init__.py": b"quack\xff\n" * 10_000,
    f"{EGG}/pond/\u00e9.py": b"",
    f"{EGG}/EGG-INFO/scripts/quack": b"#!/bin/sh\n",
    f"{EGG}/EGG-INFO/PKG-INFO": METADATA.encode(),
    f"{EGG}/EGG-INFO/poach.json": json.dumps(RECORD).encode(),
    f"{INFO}/METADATA": METADATA.encode(),
    f"{INFO}/poach.json": json.dumps(RECORD).encode(),
    WHEEL: dists.wheel("pond", VERSION, {"pond/__init__.py": "quack\n"}),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def egg(store):
    """An entry of a store, with a program among its files."""

    def make(work):
        for name, data in FILES.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (work / EGG / "EGG-INFO/scripts/quack").chmod(0o755)
        cached = work / EGG / "pond/__pycache__/__init__.cpython-311.pyc"
        cached.parent.mkdir()
        cached.write_bytes(b"/a/path/of/this/machine")
        return Made(work / EGG, work / WHEEL, RECORD)

    return store.get_or_make(VERSION, KEY, make)


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return [signing.make(folder / f"{number}.pem") for number in range(2)]


@pytest.fixture(scope="module")
def archive(egg, tmp_path_factory, signers):
    """A signed bundle."""
    path = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    pack(egg, KEY, path, signers[0])
    return path


def refusal(path, dest, trusted=None, key=KEY, version=VERSION, limits=None):
    """Return why the bundle is refused; nothing is left outside `dest` then."""
    with pytest.raises(BadBundle) as caught:
        unpack(path, dest / "in", version, key, trusted, limits or Limits())
    assert {p.name for p in dest.iterdir()} <= {"in", "bad.zip"}
    return str(caught.value)


def test_there_and_back(egg, archive, tmp_path, signers):
    made = unpack(archive, tmp_path / "in", VERSION, KEY, {signers[0].public})

    assert made.record == {**RECORD, "signed-by": str(signers[0].public)}
    assert made.egg == tmp_path / "in" / EGG
    assert made.wheel.read_bytes() == FILES[WHEEL]
    found = {
        path.relative_to(tmp_path / "in").as_posix(): path.read_bytes()
        for path in (tmp_path / "in").rglob("*")
        if path.is_file()
    }
    assert found == FILES
    program = made.egg / "EGG-INFO/scripts/quack"
    assert program.stat().st_mode & stat.S_IXUSR
    assert not made.wheel.stat().st_mode & stat.S_IXUSR


def test_a_bundle_makes_the_very_entry_again(egg, archive, tmp_path):
    other = Store(tmp_path / "other")

    def make(work):
        return unpack(archive, work / "in", VERSION, KEY, None)

    again = other.get_or_make(VERSION, KEY, make)

    assert again.entry == {**egg.entry, "signed-by": None}


def test_the_same_entry_gives_the_same_bytes(egg, archive, tmp_path, signers):
    pack(egg, KEY, tmp_path / "again.zip", signers[0])

    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_a_bundle_has_no_more_than_others_need(archive):
    with zipfile.ZipFile(archive) as zipped:
        contents = {name: zipped.read(name) for name in zipped.namelist()}
    entry = json.loads(contents["entry.json"])

    assert set(contents) == {*FILES, "entry.json", SIGNATURES}
    assert entry["key"] == KEY.digest
    assert not [n for n, d in contents.items() if b"swordfish" in d or b"/a/path" in d]
    assert set(entry) - set(RECORD) == {
        *("bundle", "key", "egg", "files", "wheel", "programs"),
    }


def test_a_damaged_entry_does_not_travel(egg, tmp_path):
    copy = tmp_path / "copy"
    for name, data in FILES.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.replace(b"quack", b"QUACK") if ".py" in name else data)
    damaged = PatchedEgg(copy / EGG, copy / WHEEL, egg.entry)

    with pytest.raises(BadBundle, match="is not the file that entry"):
        pack(damaged, KEY, tmp_path / "bad.zip", None)


# What servers may send


def rewritten(archive, path, change=lambda entry, files: None, **more):
    """Write a bundle that is another one after `change`, without a signature."""
    with zipfile.ZipFile(archive) as zipped:
        files = {info: zipped.read(info) for info in zipped.infolist()}
    files = {i: d for i, d in files.items() if i.filename != SIGNATURES}
    entry = json.loads(files.pop(next(iter(files))))
    files = {info.filename: data for info, data in files.items()}
    change(entry, files)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("entry.json", json.dumps(entry))
        for name, data in files.items():
            zipped.writestr(name, data)
    return path


def put(name, data=b"x", recorded=True):
    """A change that adds a file to the egg."""

    def change(entry, files):
        files[f"{EGG}/{name}"] = data
        if recorded:
            digest = hashlib.sha256(data).hexdigest()
            entry["files"][name] = [len(data), digest]

    return change


def record(name, value):
    return lambda entry, files: entry.update({name: value})


def changed(name, data):
    """A change of a file, and of what is recorded of it."""

    def change(entry, files):
        digest = hashlib.sha256(data).hexdigest()
        files[name] = data
        if name == WHEEL:
            entry["wheel"] = [name, len(data), digest]
        else:
            entry["files"][name.partition("/")[2]] = [len(data), digest]

    return change


def renamed(entry, files):
    entry["egg"] = "lake-1.0-py3.11.egg"
    for name in [name for name in files if name.startswith(EGG)]:
        files[name.replace(EGG, entry["egg"], 1)] = files.pop(name)


def nested(entry, files):
    entry["wheel"][0] = f"{EGG}/{WHEEL}"
    files[f"{EGG}/{WHEEL}"] = files.pop(WHEEL)


OTHER = METADATA.replace("Pond", "lake").encode()
BAD = {
    "another key": (record("key", "c" * 64), "another build: its build key is"),
    "another project": (record("project", "lake"), "its project is 'lake', not 'pond'"),
    "another version": (record("version", "1.0"), "its version is '1.0', not '1.0+l"),
    "another base": (record("base", "2.0"), "its upstream version is '2.0'"),
    "another sdist": (record("upstream", {"sha256": ""}), "its upstream sdist is ''"),
    "other patches": (record("digest", "c" * 64), "its patch set is 'ccc"),
    "another format": (
        record("bundle", 2),
        "entry.json is not from a bundle of format 1",
    ),
    "other names": (record("names", [1]), "does not say what its patches are"),
    "no patches": (record("patches", {}), "does not say what its patches are"),
    "no verdicts": (
        record("patches", [{"files": [{"path": "x"}]}]),
        "does not say what its patches did",
    ),
    "another record": (record("names", []), "poach.json says other than entry.json"),
    "no egg": (lambda e, f: e.pop("egg"), "egg"),
    "no files": (record("files", {}), "' is not recorded"),
    "no list": (record("files", None), "NoneType"),
    "not recorded": (put("evil.py", recorded=False), "evil.py' is not recorded"),
    "missing": (lambda e, f: f.pop(WHEEL), f"{WHEEL}' is missing"),
    "other bytes": (
        lambda e, f: f.update({f"{EGG}/pond/__init__.py": b"quack\xff\n" * 9_999}),
        "is not the file that entry.json records",
    ),
    "other digest": (
        lambda e, f: e["files"]["pond/__init__.py"].__setitem__(1, "c" * 64),
        "is not the file that entry.json records",
    ),
    "no size": (
        lambda e, f: e["files"]["pond/__init__.py"].__setitem__(0, -1),
        "has no size",
    ),
    "outside": (put("../evil.py"), "leads out of the tree"),
    "absolute": (lambda e, f: record("egg", "/etc/x.egg")(e, f), "is not at the top"),
    "backslash": (put("..\\evil.py"), "has a backslash in its name"),
    "drive": (record("egg", "C:x.egg"), "not recorded"),
    "dots": (put("./x/./evil.py"), "is not a plain path"),
    "git": (put(".git/config"), "is git's own"),
    "long": (put("x" * 300), "has a name that is too long"),
    "not text": (put("\udcff"), "surrogates not allowed"),
    "case": (put("Pond/__INIT__.py"), "differ only in case"),
    "in a file": (put("pond/__init__.py/x"), "is in a file"),
    "byte code": (put("pond/__pycache__/__init__.cpython-311.pyc"), "is byte code"),
    "old byte code": (put("pond/__init__.pyc"), "is byte code"),
    "another egg": (renamed, "its files are called 'lake-1.0-py3.11.egg'"),
    "nested": (nested, "is not at the top"),
    "egg's metadata": (changed(f"{INFO}/METADATA", OTHER), "METADATA' is about ['lake"),
    "old metadata": (changed(f"{EGG}/EGG-INFO/PKG-INFO", OTHER), "is about ['lake']"),
    "two versions": (
        changed(f"{INFO}/METADATA", f"{METADATA}Version: 2.0\n".encode()),
        f"is about ['Pond'] ['{VERSION}', '2.0']",
    ),
    "another poach.json": (changed(f"{INFO}/poach.json", b"{}"), "says other than"),
    "no zip": (changed(WHEEL, b"wheel"), "not a zip archive: it begins with b'wheel'"),
    "another wheel": (
        changed(WHEEL, dists.wheel("lake", VERSION, {})),
        ".dist-info/METADATA' is about ['lake']",
    ),
}


@pytest.mark.parametrize("change", BAD)
def test_what_is_refused(archive, tmp_path, change):
    do, reason = BAD[change]
    dest = tmp_path / "dest"
    dest.mkdir()
    try:
        bad = rewritten(archive, dest / "bad.zip", do)
    except UnicodeEncodeError:  # zipfile writes no such name; a server may
        bad = rewritten(archive, dest / "bad.zip", record("egg", "\udcff"))
        reason = ""

    assert reason in refusal(bad, dest)


def test_without_a_change_nothing_is_refused(archive, tmp_path):
    unpack(
        rewritten(archive, tmp_path / "same.zip"), tmp_path / "in", VERSION, KEY, None
    )


def test_another_key_is_refused(archive, tmp_path):
    """An old entry in the place of a new one."""
    dest = tmp_path / "dest"
    dest.mkdir()

    reason = refusal(archive, dest, key=KEY._replace(patches="c" * 64))

    assert reason.startswith("it is for another build: its build key is")


def add(archive, path, name, data=b"", attr=0, **more):
    """Write a copy of a bundle with one more member, as it is."""
    path.write_bytes(archive.read_bytes())
    info = zipfile.ZipInfo(name)
    info.external_attr = attr << 16
    with zipfile.ZipFile(path, "a") as zipped, pytest.warns(UserWarning):
        zipped.writestr(info, data)
        zipped.writestr(info, data)  # twice, so that zipfile warns
    return path


def test_a_member_twice(archive, tmp_path):
    bad = add(archive, tmp_path / "bad.zip", f"{EGG}/pond/__init__.py")

    assert "__init__.py' is there twice" in refusal(bad, tmp_path)


@pytest.mark.parametrize(
    "attr", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600, stat.S_IFIFO, stat.S_IFDIR]
)
def test_links_and_devices(archive, tmp_path, attr):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive) as zipped, zipfile.ZipFile(path, "w") as bad:
        for info in zipped.infolist():
            data = zipped.read(info)
            if info.filename.endswith("__init__.py"):
                info.external_attr = attr << 16
            bad.writestr(info, data)

    assert "is not a regular file" in refusal(path, tmp_path)


# Bombs


def test_a_bomb_in_a_file(archive, tmp_path):
    """A file that grows beyond what is recorded is not unpacked to its end."""
    name = f"{EGG}/pond/__init__.py"
    bad = rewritten(
        archive,
        tmp_path / "bad.zip",
        lambda entry, files: files.update({name: bytes(200_000_000)}),
    )
    assert bad.stat().st_size < 1_000_000

    assert "is not the file that entry.json records" in refusal(bad, tmp_path)
    assert (tmp_path / "in" / name).stat().st_size < 100_000


def test_a_bomb_that_is_recorded(archive, tmp_path):
    change = put("bomb", bytes(200_000))

    bad = rewritten(archive, tmp_path / "bad.zip", change)

    assert "more than 100000 bytes" in refusal(
        bad, tmp_path, limits=Limits(unpacked=100_000)
    )
    assert not (tmp_path / "in").exists()


def test_compression_that_takes_memory(archive, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_LZMA) as zipped:
        zipped.writestr("entry.json", b"{}")

    reason = refusal(tmp_path / "bad.zip", tmp_path)

    assert reason == "it is compressed with a method that poach does not use"


@pytest.mark.parametrize("name", ["entry.json", SIGNATURES])
def test_a_bomb_in_what_is_read_first(tmp_path, name, signers):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for each in ("entry.json", SIGNATURES):
            zipped.writestr(each, bytes(20_000_000 if each == name else 10))

    reason = refusal(tmp_path / "bad.zip", tmp_path, {signers[0].public})

    assert reason == f"{name!r} has more than {16 << 20} bytes"


def test_too_many_files(archive, tmp_path):
    assert refusal(archive, tmp_path, limits=Limits(files=5)) == (
        "it has more than 5 files and folders"
    )
    limits = Limits(files=len(FILES) + 2)
    unpack(archive, tmp_path / "all", VERSION, KEY, None, limits)


def test_a_long_list_of_members_is_not_read(tmp_path):
    """zipfile would make an object of each, whatever the end of the archive says."""
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for number in range(70_000):
            zipped.writestr(str(number), b"")
    data = bytearray(path.read_bytes())
    assert "zip archive of a kind that poach does not make" in refusal(path, tmp_path)
    data[-14:-10] = b"\1\0\1\0"  # one file, it says; the other end is still there
    path.write_bytes(data)

    assert "zip archive of a kind that poach does not make" in refusal(path, tmp_path)


def test_deep_json(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as zipped:
        zipped.writestr("entry.json", "[" * 1_000_000)

    assert "recursion" in refusal(tmp_path / "bad.zip", tmp_path)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_bytes_that_are_not_as_they_were(archive, tmp_path_factory, data):
    """Whatever changes: it is refused, or changes nothing of what is unpacked."""
    whole = archive.read_bytes()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + 40)))
    new = data.draw(st.binary(max_size=40))
    dest = tmp_path_factory.mktemp("fuzz")
    path = dest / "bad.zip"
    path.write_bytes(whole[:begin] + new + whole[end:])
    try:
        made = unpack(path, dest / "in", VERSION, KEY, None)
    except BadBundle:
        return
    assert made.record == {**RECORD, "signed-by": None}
    for name, content in FILES.items():
        assert (dest / "in" / name).read_bytes() == content


# Signatures


def test_an_unsigned_bundle(egg, tmp_path, signers):
    pack(egg, KEY, tmp_path / "bad.zip", None)

    reason = refusal(tmp_path / "bad.zip", tmp_path, {signers[0].public})

    assert reason == "it is not signed"


def test_a_stranger(archive, tmp_path, signers):
    reason = refusal(archive, tmp_path, {signers[1].public})

    assert reason == "it is signed by no trusted key"


def resigned(archive, path, lines):
    """Write a copy of a bundle with other signatures."""
    with zipfile.ZipFile(archive) as zipped, zipfile.ZipFile(path, "w") as bad:
        for info in zipped.infolist():
            data = zipped.read(info)
            bad.writestr(info, lines(data) if info.filename == SIGNATURES else data)
    return path


def wrong(text):
    signature = Signature.parse(text)
    return str(replace(signature, data=bytes(64)))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (lambda data: wrong(data.decode()), "its signature is wrong"),
        (lambda data: data[:-9] + b"\n", "its signature is wrong"),
        (lambda data: data[:70] + b"\n", "a signature is not base64"),
        (lambda data: b"quack\n", "'quack' is not a public key"),
        (lambda data: b"\xff\n", "'ascii' codec can't decode"),
        (lambda data: b"", "it is signed by no trusted key"),
    ],
)
def test_wrong_signatures(archive, tmp_path, signers, lines, reason):
    bad = resigned(archive, tmp_path / "bad.zip", lines)

    assert reason in refusal(bad, tmp_path, {signers[0].public})


def test_several_signatures(archive, tmp_path, signers):
    """One by a trusted key is enough, whatever else there is."""
    with zipfile.ZipFile(archive) as zipped:
        ours = zipped.read(SIGNATURES).decode()
    strange = str(Signature(signers[1].public, bytes(64)))
    both = resigned(archive, tmp_path / "both.zip", lambda _: f"{strange}\n{ours}")

    unpack(both, tmp_path / "in", VERSION, KEY, {signers[0].public})


@pytest.mark.parametrize("line", ["ours", "strange", "wrong", "quack"])
@pytest.mark.parametrize("count", [17, 60_000])
def test_signatures_are_counted_before_one_is_checked(
    archive, tmp_path, signers, monkeypatch, line, count
):
    """To check 60,000 takes most of a minute, to read them a while."""
    with zipfile.ZipFile(archive) as zipped:
        ours = zipped.read(SIGNATURES).decode().strip()
    strange = str(Signature(signers[1].public, bytes(64)))
    lines = {"ours": ours, "strange": strange, "wrong": wrong(ours), "quack": "quack"}
    many = resigned(archive, tmp_path / "bad.zip", lambda _: f"{lines[line]}\n" * count)
    monkeypatch.setattr(bundle, "is_by", never)
    monkeypatch.setattr(Signature, "parse", never)

    reason = refusal(many, tmp_path, {signers[0].public})

    assert reason == "it has more than 16 signatures"


def never(*_):
    raise AssertionError("nothing is to be checked")


def test_as_many_signatures_as_there_may_be(archive, tmp_path, signers):
    with zipfile.ZipFile(archive) as zipped:
        ours = zipped.read(SIGNATURES).decode()
    strange = str(Signature(signers[1].public, bytes(64)))
    full = resigned(
        archive, tmp_path / "full.zip", lambda _: f"{strange}\n" * 15 + ours + "\n\n"
    )

    unpack(full, tmp_path / "in", VERSION, KEY, {signers[0].public})


def test_what_is_signed_cannot_be_changed(archive, tmp_path, signers):
    """Neither an input, nor a byte, nor who may run it."""
    with zipfile.ZipFile(archive) as zipped:
        signature = zipped.read(SIGNATURES)
    trusted = {signers[0].public}

    def reason(number, change):
        path = rewritten(archive, tmp_path / f"{number}.zip", change)
        with zipfile.ZipFile(path, "a") as zipped:
            zipped.writestr(SIGNATURES, signature)
        with pytest.raises(BadBundle) as caught:
            unpack(path, tmp_path / str(number), VERSION, KEY, trusted)
        return str(caught.value)

    assert reason(1, record("programs", [])) == "its signature is wrong"
    assert reason(2, put("evil.py")) == "its signature is wrong"
    assert "evil.py' is not recorded" in reason(3, put("evil.py", recorded=False)) or (
        reason(4, lambda entry, files: None) == "its signature is wrong"
    )


# Keys


def test_a_key_there_and_back(tmp_path):
    made = signing.make(tmp_path / "key.pem")
    loaded = signing.load(tmp_path / "key.pem")

    assert loaded.public == made.public == PublicKey.parse(str(made.public))
    signature = loaded.sign(b"quack")
    assert Signature.parse(str(signature)) == signature
    assert signing.is_by(signature, b"quack")
    assert not signing.is_by(signature, b"moo")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not a PEM file without a password"),
        (
            b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIC"
            + b"A" * 41
            + b"=\n-----END PRIVATE KEY-----\n",
            "The signing key",
        ),
    ],
)
def test_what_is_no_key(tmp_path, data, reason):
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)

    with pytest.raises(signing.BadKey, match=reason) as caught:
        signing.load(path)
    assert str(path) in str(caught.value)


def test_a_key_for_something_else(tmp_path):
    from cryptography.hazmat.primitives import serialization as how
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    path = tmp_path / "key.pem"
    pem = X25519PrivateKey.generate().private_bytes(
        how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()
    )
    path.write_bytes(pem)
    path.chmod(0o600)

    with pytest.raises(signing.BadKey, match="is not for ed25519; 'poach key --new'"):
        signing.load(path)


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read(tmp_path, mode):
    signing.make(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)

    with pytest.raises(PoachError, match="can be read by others"):
        signing.load(tmp_path / "key.pem")


# Addresses


def test_an_address():
    folder = Address.parse("https://user:secret@host:8443/pond")

    url = folder.of(KEY)

    assert url == f"https://user:secret@host:8443/pond/2/pond/{KEY.digest}.zip"
    assert folder.folders(KEY)[-1] == "https://user:secret@host:8443/pond/2/pond/"
    assert (
        Address.parse("http://host/ac/{key}").of(KEY) == f"http://host/ac/{KEY.digest}"
    )
    assert Address.parse(str(folder)) == folder


@pytest.mark.parametrize(
    "text",
    [
        *("", "ftp://host/", "http://", "http:///x", "https://host:x/", "file:///x"),
        *("//x/", "http://host/?a=b", "http://host/#a", "http://host/a b", "http://[/"),
    ],
)
def test_what_is_no_address(text):
    with pytest.raises(ValueError):
        Address.parse(text)


def test_no_zip_at_all(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"")
    assert "it is not a zip archive" in refusal(tmp_path / "bad.zip", tmp_path)
    (tmp_path / "bad.zip").write_bytes(io.BytesIO(b"PK\x05\x06" + bytes(18)).read())
    assert "no item named 'entry.json'" in refusal(tmp_path / "bad.zip", tmp_path)
