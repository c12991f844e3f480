"""Whether the interpreter that an egg is for can compile sources of Python."""

from __future__ import annotations

import json
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poach.build.process import CommandFailed, run

if TYPE_CHECKING:
    from poach.build.interpreter import Interpreter

#: What is said of sources if the interpreter did not get so far as to compile them.
UNKNOWN = "did not check its syntax"

#: Compiles files, on any Python, and writes down what is wrong with each.
_CHECK = """
import json, sys, warnings
warnings.simplefilter("ignore")
faults = []
for path in json.load(open(sys.argv[1])):
    with open(path, "rb") as stream:
        source = stream.read()
    try:
        compile(source, "<patched>", "exec", 0, True)
        faults.append("")
    except SyntaxError:
        error = sys.exc_info()[1]
        faults.append("line %s: %s" % (error.lineno, error.msg))
    except Exception:
        faults.append(str(sys.exc_info()[1]))
with open(sys.argv[2], "w") as stream:
    json.dump(faults, stream)
"""

#: Warnings are those of the whole process, and builds run side by side.
_TURN = threading.Lock()


class OwnCompiler:
    """Compiles for the running interpreter (a `poach.pipeline.ports.Compiler`)."""

    name = f"Python {sys.version_info[0]}.{sys.version_info[1]}"

    def faults(self, sources: Sequence[bytes], folder: Path, log: Path) -> list[str]:
        """Return what is wrong with each of `sources`, empty for nothing."""
        with _TURN, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(map(_fault, sources))


def _fault(source: bytes) -> str:
    try:
        compile(source, "<patched>", "exec", 0, True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


@dataclass(frozen=True, slots=True)
class OtherCompiler:
    """Compiles for another interpreter, in a separate process."""

    interpreter: Interpreter

    @property
    def name(self) -> str:
        """Its version; its path is this machine's, and the name is recorded."""
        version = self.interpreter.python.lstrip("abcdefghijklmnopqrstuvwxyz")
        return f"Python {version[:1]}.{version[1:]}"

    def faults(self, sources: Sequence[bytes], folder: Path, log: Path) -> list[str]:
        """Return what is wrong with each of `sources`, empty for nothing.

        They are written into the new folder `folder`; what else the interpreter says
        goes to `log`.
        """
        # Imported late: most buildouts build for their own interpreter.
        from poach.build.interpreter import environment

        folder.mkdir()
        paths = [folder / f"{number}.py" for number in range(len(sources))]
        for path, source in zip(paths, sources, strict=True):
            path.write_bytes(source)
        asked, answer = folder / "sources.json", folder / "faults.json"
        asked.write_text(json.dumps(list(map(str, paths))), "ascii")
        command = [self.interpreter.command, "-c", _CHECK, str(asked), str(answer)]
        try:
            run(command, cwd=folder, env=environment(), log=log)
            return list(map(str, json.loads(answer.read_bytes())))
        except (CommandFailed, FileNotFoundError, ValueError):
            return [UNKNOWN] * len(sources)
