"""Suspects: the patches of an egg that does not build, and what they changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from poach.errors import PoachError

#: A patch that changes more files than these is shown without their names.
MANY_FILES = 6
_ERROR = re.compile(r"error|invalid|cannot|no such", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A patch that is in the tree: its name, who asked for it, what it changed."""

    name: str
    owner: str
    files: tuple[str, ...]


class PatchedBuildFailed(PoachError):
    """A patched tree that does not build."""

    #: As the pin has it.
    project: str
    #: What was run, and where its log is.
    failure: PoachError
    #: The patches in order.
    suspects: Sequence[Suspect]
    #: The files of theirs that the log of the failure names.
    named: Collection[str]
    #: What else there is to do, '' for nothing.
    cure: str = ""

    def __str__(self) -> str:
        return "\n".join([str(self.failure), *self._lines(), self._cure()])

    def _lines(self) -> Iterator[str]:
        yield "these patches are in the tree:"
        for suspect in self.suspects:
            yield f"    +{suspect.name} ({suspect.owner}): {self._files(suspect)}"

    def _files(self, suspect: Suspect) -> str:
        named = [file for file in suspect.files if file in self.named]
        if named:
            return f"{', '.join(named)}, which the log names"
        if len(suspect.files) > MANY_FILES:
            return f"{len(suspect.files)} files"
        return ", ".join(suspect.files)

    def _cure(self) -> str:
        guilty = [one.name for one in self.suspects if {*self.named} & {*one.files}]
        without = " ".join(f"+{name}" for name in guilty) or "its patches"
        return (
            f"read the log, or run 'poach build -v {self.project}'; if the pin builds "
            f"without {without}, fix the patch{self.cure and '; '}{self.cure}"
        )


def named_in(log: str, files: Collection[str]) -> set[str]:
    """Return those of `files`, paths in a source tree, that a build's `log` is about.

    That is one that has a line number, or that a line about an error names.  What is
    only copied or compiled is not meant, nor what a compiler warns of.
    """
    lines = [line for line in log.splitlines() if "warning" not in line.lower()]
    return {file for file in files if any(_names(line, file) for line in lines)}


def _names(line: str, file: str) -> bool:
    name = re.escape(file.rpartition("/")[2])
    if re.search(rf"(?<![\w.-]){name}(:\d|\(\d|\", line \d)", line):
        return True
    # Every log says "python setup.py ... error", for any fault.
    whole = rf"(?<![\w.-]){re.escape(file)}(?![\w-])"
    about = file != "setup.py" and _ERROR.search(line)
    return bool(about and re.search(whole, line))
