"""The one door for subprocesses: quiet until one fails."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from poach.errors import PoachError
from poach.location import without_credentials

#: Lines of output that an error shows.
TAIL = 20


class CommandFailed(PoachError):
    """A subprocess that ended with another exit code than 0.

    `command` is its argument list, without credentials, `code` its exit code, `log`
    the file that holds all it printed, `cwd` the folder where it ran.  That folder is
    gone when the error is shown, and is shown as ``...``.
    """

    def __init__(
        self, command: Sequence[str], code: int, log: Path, cwd: Path | None = None
    ) -> None:
        self.command = tuple(map(without_credentials, command))
        self.code = code
        self.log = log
        self.cwd = cwd
        super().__init__(self.command, code, log, cwd)

    def __str__(self) -> str:
        lines = [
            f"exit code {self.code} from: {self._shortened(shlex.join(self.command))}",
            *indented(
                self._shortened(without_credentials(tail(self.log)))
            ).splitlines(),
            f"the full log is in {self.log}",
        ]
        return "\n".join(lines)

    def _shortened(self, text: str) -> str:
        return text.replace(f"{self.cwd}{os.sep}", f"...{os.sep}") if self.cwd else text


class Runner(Protocol):
    """Runs a command; tests and other hosts may bring their own."""

    def __call__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        """Run `command`, write what it prints to `log`; raise `CommandFailed`."""


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path
) -> None:
    """Run `command` in `cwd` with exactly the environment `env`.

    Standard output and error are appended to the file `log`.  Raises `CommandFailed`,
    with the shell's code 127 for a program that is not there.
    """
    with log.open("ab") as output:
        try:
            code = subprocess.run(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        except OSError as error:
            output.write(f"{error}\n".encode())
            code = 127
    if code:
        raise CommandFailed(command, code, log, cwd)


def tail(log: Path, lines: int = TAIL) -> str:
    """Return the last lines of `log` that are not blank, as text."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def indented(text: str) -> str:
    """Return `text` with every line moved in, as material in an error message."""
    return "\n".join("    " + line for line in text.splitlines())
