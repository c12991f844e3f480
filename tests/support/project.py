"""A folder with a buildout.cfg, and what came out of running things in it."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from support.audit_hook import VARIABLE
from support.environments import Environment


class Event(NamedTuple):
    """Something that a process of a run did to the outside."""

    name: str
    """The audit event, as ``socket.connect`` or ``subprocess.Popen``."""
    args: tuple[str, ...]
    """The address (host, port), or the command."""


@dataclass(frozen=True)
class Result:
    """A finished command."""

    command: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    audit: tuple[Event, ...]
    """Of the command and all Pythons that it started, in order."""

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def error(self) -> str:
        """What buildout or poach say after ``Error:``."""
        _, _, error = ("\n" + self.stderr).partition("\nError: ")
        return error.strip()

    @property
    def connections(self) -> list[Event]:
        return [event for event in self.audit if event.name.startswith("socket.")]

    @property
    def processes(self) -> list[Event]:
        return [event for event in self.audit if not event.name.startswith("socket.")]

    def __str__(self) -> str:
        return (
            f"{' '.join(self.command)}\nexit code {self.returncode}\n"
            f"--- stdout\n{self.stdout}--- stderr\n{self.stderr}"
        )


@dataclass(frozen=True)
class Project:
    """A folder to run buildout in."""

    path: Path
    environment: Environment
    variables: Mapping[str, str]
    """All environment variables of the runs."""

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project; `text` is dedented."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, expect: int | None = 0
    ) -> Result:
        """Run buildout with `args`."""
        return self.command(
            self.environment.program("buildout"), *args, env=env, expect=expect
        )

    def poach(
        self, *args: str, env: Mapping[str, str] | None = None, expect: int | None = 0
    ) -> Result:
        """Run poach with `args`."""
        return self.command(
            self.environment.program("poach"), *args, env=env, expect=expect
        )

    def script(
        self,
        name: str,
        *args: str,
        env: Mapping[str, str] | None = None,
        expect: int | None = 0,
    ) -> Result:
        """Run a script that buildout made."""
        return self.command(self.path / "bin" / name, *args, env=env, expect=expect)

    def command(
        self,
        program: Path,
        *args: str,
        env: Mapping[str, str] | None = None,
        expect: int | None = 0,
    ) -> Result:
        """Run any program in the folder; an `expect` of None takes any exit code."""
        command = (str(program), *args)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "audit")
            done = subprocess.run(
                command,
                cwd=self.path,
                env={**self.variables, VARIABLE: str(log), **(env or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=300,
            )
            audit = _events(log)
        result = Result(command, done.returncode, done.stdout, done.stderr, audit)
        assert expect in (None, result.returncode), str(result)
        return result

    def installed(self) -> dict[str, dict[str, str]]:
        """Return what .installed.cfg says; buildout appends to it as it goes on."""
        parser = configparser.RawConfigParser(strict=False, delimiters="=")
        parser.read(self.path / ".installed.cfg")
        return {name: dict(parser[name]) for name in parser.sections()}

    def snapshot(self, *folders: Path | str) -> dict[str, str]:
        """Return the `snapshot` of `folders`, or of the whole project."""
        return snapshot(
            *(self.path / folder for folder in folders or ("",)), start=self.path
        )


def snapshot(*folders: Path, start: Path) -> dict[str, str]:
    """Return the sha256 of each file below `folders` by its path from `start`.

    Folders and the targets of symbolic links are there too; byte code is not.
    """
    return {
        os.path.relpath(path, start): _state(path)
        for folder in folders
        for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))
        if "__pycache__" not in path.parts
    }


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if path.is_dir():
        return "folder"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _events(log: Path) -> tuple[Event, ...]:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    records = (json.loads(line) for line in lines)
    return tuple(Event(name, tuple(args)) for name, *args in records)
