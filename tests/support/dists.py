"""Tiny distributions made from a dict, the same bytes each time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from support import backend

Files = Mapping[str, bytes | str]
"""Contents by path; text is dedented."""

Groups = Mapping[str, Iterable[str]]
"""Requirements by extra, or entry points by group."""

TIME = 1_000_000_000


#: Keywords of setup.py that `backend` knows as well.
QUICK = {"package_dir", "packages", "py_modules"}

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def sdist(
    name: str,
    version: str,
    files: Files,
    *,
    requires: Iterable[str] = (),
    extras: Groups | None = None,
    entry_points: Groups | None = None,
    setuptools: bool = False,
    **setup: Any,
) -> bytes:
    """Return a tar.gz whose top folder is NAME-VERSION.

    PKG-INFO comes by itself.  Where `files` brings neither a setup.py nor a
    pyproject.toml, so does a build: the quick one of `backend` or, with `setuptools`
    or with keywords that only that knows, a setup.py.
    """
    contents: dict[str, bytes | str] = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    }
    if not {"setup.py", "pyproject.toml"} & set(files):
        keywords = {
            "name": name,
            "version": version,
            "py_modules": [f[:-3] for f in files if "/" not in f and f[-3:] == ".py"],
            "packages": [
                f.removesuffix("/__init__.py").replace("/", ".")
                for f in files
                if f.endswith("/__init__.py")
            ],
            "package_data": {"": ["*"]},
            "install_requires": list(requires),
            "extras_require": _lists(extras),
            "entry_points": _lists(entry_points),
            **setup,
        }
        quick = not setuptools and setup.keys() <= QUICK
        contents |= _quick(keywords) if quick else {"setup.py": _setup_py(keywords)}
    return _tar_gz(f"{name}-{version}", {**contents, **files})


def _quick(setup: Mapping[str, Any]) -> dict[str, bytes | str]:
    """Return the files of a build with `backend`."""
    name, version = setup["name"], setup["version"]
    info = _info(
        name,
        version,
        setup["install_requires"],
        setup["extras_require"],
        setup["entry_points"],
    )
    plan = {
        "root": setup.get("package_dir", {}).get("", "."),
        "packages": [package.replace(".", "/") for package in setup["packages"]],
        "modules": [f"{module}.py" for module in setup["py_modules"]],
        "wheel": wheel_name(name, version),
        "info": info,
        "record": _record(name, version),
    }
    return {
        "pyproject.toml": PYPROJECT,
        "backend.json": json.dumps(plan),
        "backend.py": Path(backend.__file__).read_bytes(),
    }


def wheel(
    name: str,
    version: str,
    files: Files,
    *,
    requires: Iterable[str] = (),
    extras: Groups | None = None,
    entry_points: Groups | None = None,
) -> bytes:
    """Return a py3-none-any wheel; nothing is built."""
    info = _info(name, version, requires, _lists(extras), _lists(entry_points))
    contents, record = {**files, **info}, _record(name, version)
    lines = [f"{p},{_record_hash(d)},{len(d)}\n" for p, d in _encoded(contents)]
    return _zip({**contents, record: "".join([*lines, f"{record},,\n"])})


def _info(
    name: str,
    version: str,
    requires: Iterable[str],
    extras: Mapping[str, list[str]],
    entry_points: Mapping[str, list[str]],
) -> dict[str, str]:
    """Return the files of a wheel's dist-info folder except RECORD."""
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    for extra, wanted in extras.items():
        metadata.append(f"Provides-Extra: {extra}")
        metadata += [f'Requires-Dist: {w} ; extra == "{extra}"' for w in wanted]
    points = "".join(
        f"[{group}]\n" + "".join(f"{line}\n" for line in lines)
        for group, lines in entry_points.items()
    )
    info = f"{_escaped(name)}-{version}.dist-info"
    return {
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: poach\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }


def _record(name: str, version: str) -> str:
    return f"{_escaped(name)}-{version}.dist-info/RECORD"


def wheel_name(name: str, version: str) -> str:
    return f"{_escaped(name)}-{version}-py3-none-any.whl"


def _escaped(name: str) -> str:
    return name.replace("-", "_")


def _lists(groups: Groups | None) -> dict[str, list[str]]:
    return {name: list(lines) for name, lines in (groups or {}).items()}


def _setup_py(keywords: Mapping[str, object]) -> str:
    arguments = "".join(f"    {key}={value!r},\n" for key, value in keywords.items())
    return f"from setuptools import setup\n\nsetup(\n{arguments})\n"


def _encoded(files: Files) -> list[tuple[str, bytes]]:
    return [
        (path, dedent(data).encode() if isinstance(data, str) else data)
        for path, data in files.items()
    ]


def _record_hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.decode().rstrip("=")


def _tar_gz(top: str, files: Files) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", fileobj=buffer, mtime=TIME) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path, data in _encoded(files):
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size, member.mtime = len(data), TIME
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in _encoded(files):
            archive.writestr(zipfile.ZipInfo(path), data)
    return buffer.getvalue()
