"""Eggs with EGG-INFO, as setuptools makes them of wheels: zc.buildout before 4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poach.build.process import CommandFailed, run
from poach.errors import PoachError
from poach.names import in_egg_name

if TYPE_CHECKING:
    from poach.build.interpreter import Interpreter

LAYOUT = "egg-info"

#: The name of the egg bears the version of Python: the interpreter itself makes it.
#: It also compiles, so that Python does not try to in a read-only store.
_MAKE = """
import compileall, os, sys
sys.path[:] = [folder for folder in sys.path if folder]
if sys.version_info[0] == 2:
    import zipfile  # it would make text of names, which not every locale can write
    zipfile.ZipInfo._decodeFilename = lambda info: info.filename
from setuptools.wheel import Wheel
wheel, dest = Wheel(sys.argv[1]), sys.argv[2]
egg = os.path.join(dest, wheel.egg_name())
wheel.install_as_egg(egg)
compileall.compile_dir(egg, quiet=1)
"""


class EggFailed(PoachError):
    """A wheel of which no egg can be made; `wheel` is its file name."""

    wheel: str
    reason: str

    def __str__(self) -> str:
        return f"Making an egg of {self.wheel} failed: {self.reason}"


@dataclass(frozen=True, slots=True)
class EggInfoEggs:
    """Makes eggs with the setuptools of another interpreter."""

    interpreter: Interpreter

    def make(self, wheel: Path, dest: Path, log: Path) -> Path:
        """Unpack `wheel` below the new folder `dest`; return the path of the egg.

        Raises `EggFailed`.
        """
        # Imported late: most buildouts build for their own interpreter, if at all.
        from poach.build.interpreter import environment

        dest.mkdir()
        command = [self.interpreter.command, "-c", _MAKE, str(wheel), str(dest)]
        env = environment(self.interpreter.path)
        try:
            run(command, cwd=dest.parent, env=env, log=log)
        except CommandFailed as failure:
            raise EggFailed(wheel.name, str(failure)) from None
        (egg,) = dest.iterdir()
        left = [folder.name for folder in egg.glob("*.data")]
        if left:
            raise EggFailed(wheel.name, f"setuptools does not unpack {left[0]}")
        return egg.rename(dest / _named(egg.name, wheel))


def _named(egg: str, wheel: Path) -> str:
    """Return the name of an egg with the project as upstream spells it.

    A wheel may spell ``zope.interface`` otherwise, and buildout would not find it.
    """
    import email

    from poach.build import retag

    metadata = retag.metadata(retag.read(wheel)).data
    project = email.message_from_bytes(metadata)["Name"]
    return "-".join([in_egg_name(project), egg.partition("-")[2]])
