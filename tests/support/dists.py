"""Tiny distributions made from a dict, the same bytes each time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from textwrap import dedent

Files = Mapping[str, bytes | str]
"""Contents by path; text is dedented."""

Groups = Mapping[str, Iterable[str]]
"""Requirements by extra, or entry points by group."""

TIME = 1_000_000_000


def sdist(
    name: str,
    version: str,
    files: Files,
    *,
    requires: Iterable[str] = (),
    extras: Groups | None = None,
    entry_points: Groups | None = None,
    **setup: object,
) -> bytes:
    """Return a tar.gz whose top folder is NAME-VERSION.

    PKG-INFO comes by itself, and so does a setup.py (with `setup` as further
    keywords) where `files` brings neither that nor a pyproject.toml.
    """
    contents = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    }
    if not {"setup.py", "pyproject.toml"} & set(files):
        contents["setup.py"] = _setup_py(
            {
                "name": name,
                "version": version,
                "py_modules": [
                    f[:-3] for f in files if "/" not in f and f[-3:] == ".py"
                ],
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
        )
    return _tar_gz(f"{name}-{version}", {**contents, **files})


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
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    for extra, wanted in _lists(extras).items():
        metadata.append(f"Provides-Extra: {extra}")
        metadata += [f'Requires-Dist: {w} ; extra == "{extra}"' for w in wanted]
    points = "".join(
        f"[{group}]\n" + "".join(f"{line}\n" for line in lines)
        for group, lines in _lists(entry_points).items()
    )
    info = f"{_escaped(name)}-{version}.dist-info"
    contents = {
        **files,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: poach\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    record = f"{info}/RECORD"
    lines = [f"{p},{_record_hash(d)},{len(d)}\n" for p, d in _encoded(contents)]
    return _zip({**contents, record: "".join([*lines, f"{record},,\n"])})


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
