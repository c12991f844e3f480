"""Eggs in the layout of the running zc.buildout, made by its own functions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zc.buildout.easy_install as easy_install

from poach.build import retag, unpacking
from poach.build.egginfo import EggFailed
from poach.build.pip import Pip
from poach.build.process import CommandFailed


@dataclass(frozen=True, slots=True)
class BuildoutEggs:
    """Makes eggs as zc.buildout does: `pip` unpacks if need be, buildout arranges."""

    pip: Pip

    def make(self, wheel: Path, dest: Path, log: Path) -> Path:
        """Unpack `wheel` below the new folder `dest`; return the path of the egg.

        Raises `EggFailed`.
        """
        dest.mkdir()
        read = retag.read(wheel)
        if unpacking.is_plain(read):
            unpacking.unpack(read, dest, self.pip, log)
        else:
            self._install(wheel, dest, log)
        (dist_info,) = dest.glob("*.dist-info")
        # buildout passes over the files of a folder whose path it finds in other words.
        place = str(dest.resolve())
        (egg,) = easy_install.make_egg_after_pip_install(place, dist_info.name)
        left_out = sorted(_files(dest, Path(egg)))
        if left_out:
            reason = f"zc.buildout left out {', '.join(left_out)}"
            raise EggFailed(wheel.name, reason)
        _forget_the_way(next(Path(egg).glob("*.dist-info")))
        return Path(egg)

    def _install(self, wheel: Path, dest: Path, log: Path) -> None:
        install = ["install", "--no-deps", "--no-index", "--no-input"]
        install += ["--no-binary=:none:"]  # pip's configuration may say otherwise
        target = ["--target", str(dest), str(wheel)]
        try:
            self.pip.run([*install, *target], cwd=dest.parent, log=log)
        except CommandFailed as failure:
            raise EggFailed(wheel.name, str(failure)) from None


def _files(dest: Path, egg: Path) -> Iterator[str]:
    """Yield the files in `dest` that are neither in `egg` nor scripts nor byte code."""
    for path in dest.rglob("*"):
        name = path.relative_to(dest)
        aside = name.parts[0] in (egg.name, "bin") or path.suffix in (".pyc", ".pyo")
        if path.is_file() and not aside:
            yield name.as_posix()


def _forget_the_way(dist_info: Path) -> None:
    """Remove the names of the temporary folders in which the egg was made."""
    (dist_info / "direct_url.json").unlink(missing_ok=True)
    record = dist_info / "RECORD"
    rows = csv.reader(io.StringIO(record.read_text(encoding="utf-8"), newline=""))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(
        row
        for row in rows
        if row and not row[0].startswith("..") and "direct_url.json" not in row[0]
    )
    record.write_text(text.getvalue(), encoding="utf-8", newline="")
