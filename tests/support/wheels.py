"""Wheels made from a dict, and taken apart again."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
TIME = (2009, 8, 7, 6, 5, 4)


class Item(NamedTuple):
    """What a user of the archive sees of one entry."""

    path: str
    data: bytes
    time: tuple[int, ...]
    mode: int
    compression: int


def record_line(path: str, data: bytes) -> list[str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
    return [path, "sha256=" + digest.rstrip("="), str(len(data))]


def record_of(
    files: Mapping[str, bytes], own: str, quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    """Return the RECORD, which lies at `own`, of `files`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerows(
        record_line(path, data)
        for path, data in files.items()
        if not path.endswith(("/", ".jws", ".p7s"))
    )
    writer.writerow([own, "", ""])
    return text.getvalue().encode()


def write_items(path: Path, items: list[Item]) -> Path:
    with ZipFile(path, "w") as archive:
        for item in items:
            info = ZipInfo(item.path, item.time)
            info.compress_type = item.compression
            archive.writestr(info, item.data)
            info.external_attr = item.mode << 16  # zipfile changes 0 in writestr
    return path


def make_wheel(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write exactly `files` as the wheel `path`."""
    items = [
        Item(name, data, TIME, 0o100644, ZIP_DEFLATED) for name, data in files.items()
    ]
    return write_items(path, items)


def demo_files(**more: bytes) -> dict[str, bytes]:
    """Return the files of a small whole wheel; `more` are those of the package."""
    files = {
        "demo/__init__.py": b"VERSION = '1.0'\n",
        **{f"demo/{name}": data for name, data in more.items()},
        "demo-1.0.data/scripts/demo-run": b"#!python\nprint('run')\n",
        "demo-1.0.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\nVersion: of the text\n"
        ),
        "demo-1.0.dist-info/WHEEL": WHEEL,
    }
    own = "demo-1.0.dist-info/RECORD"
    return {**files, own: record_of(files, own)}


def items_of(wheel: Path) -> list[Item]:
    with ZipFile(wheel) as archive:
        return [
            Item(
                info.filename,
                archive.read(info),
                info.date_time,
                info.external_attr >> 16,
                info.compress_type,
            )
            for info in archive.infolist()
        ]


def contents(wheel: Path) -> dict[str, bytes]:
    return {item.path: item.data for item in items_of(wheel)}


def rows_of(record: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(record.decode(), newline="")))
