"""Copying patched eggs out of the store, into a folder that find-links can name."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from poach.errors import PoachError
from poach.store import pristine
from poach.store.store import PatchedEgg

#: The first day that a zip archive can record: the same egg gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 18


class NotExported(PoachError):
    """A folder that cannot be written to."""

    folder: Path
    reason: str

    def __str__(self) -> str:
        return f"Cannot write to {self.folder}: {self.reason}"


def export(egg: PatchedEgg, folder: Path, zipped: bool) -> list[Path]:
    """Write the wheel of `egg`, and the egg itself if `zipped`, into `folder`.

    Each file appears whole, by one rename.  Returns their paths; raises
    `NotExported`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [_copied(egg.wheel, folder)]
        if zipped:
            files.append(_zipped(egg, folder))
    except OSError as error:
        raise NotExported(folder, str(error)) from error
    return files


def _copied(wheel: Path, folder: Path) -> Path:
    with _appearing(folder / wheel.name) as new:
        shutil.copyfile(wheel, new)
    return folder / wheel.name


def _zipped(egg: PatchedEgg, folder: Path) -> Path:
    """Zip the files that the entry records, as it does: that leaves out byte code."""
    path = folder / egg.egg.name
    with _appearing(path) as new, ZipFile(new, "w", ZIP_DEFLATED) as archive:
        for name in sorted(egg.entry["files"]):
            status = (egg.egg / name).stat()
            info = ZipInfo(name, _EPOCH)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = status.st_mode << 16
            # So that a large one is no surprise.
            info.file_size = egg.entry["files"][name][0]
            with pristine.opened(egg, name) as source, archive.open(info, "w") as sink:
                shutil.copyfileobj(source, sink, _BLOCK)
    return path


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a new file beside `path` to write, and put it there in the end."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    os.close(handle)
    new = Path(name)
    try:
        yield new
        new.chmod(0o644)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
