"""The one door for subprocesses: quiet until one fails, and it can be shut."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from poach.errors import PoachError
from poach.pins.location import without_credentials

#: Lines of output that an error shows, and bytes from the end in which they are.
TAIL = 20
_FAR = 1 << 16
#: No longer line is looked at in one piece.
_LONGEST = 1 << 24

#: Seconds that a process gets to end when the terminal interrupts it with us, and
#: when we do; what it needs to remove its temporary files.
PATIENCE = (0.5, 5)

#: Windows has no such signal, and no need of one.
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

#: What ends this process, unless it is handled, and nothing that it has started.
_ENDS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]


_PR_SET_PDEATHSIG = 1


class CommandFailed(PoachError):
    """A subprocess that ended with another exit code than 0."""

    #: The arguments, without credentials.
    command: Sequence[str]
    #: The exit code.
    code: int
    #: The file that holds all that it printed.
    log: Path
    #: The folder where it ran. It is gone when the error is shown, and shown as
    #: ``...``.
    cwd: Path | None = None

    def __post_init__(self) -> None:
        self.command = tuple(map(without_credentials, self.command))

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


class Terminated(KeyboardInterrupt):
    """A signal asked this process to end; processes that it started do not get it."""


class Runner(Protocol):
    """Runs a command; tests and other hosts may bring their own."""

    def __call__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        """Run `command`, write what it prints to `log`; raise `CommandFailed`."""


class _Door:
    """Who is inside, and whether anyone may come in."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside: set[subprocess.Popen[bytes]] = set()
        self.shut = False


_DOOR = _Door()


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path
) -> None:
    """Run `command` in `cwd` with exactly the environment `env`.

    Standard output and error are appended to the file `log`, which has no credentials
    in the end, and which only its owner can read until then.  Raises `CommandFailed`,
    with the shell's code 127 for a program that is not there, and KeyboardInterrupt
    once the door is `shut`.  What is interrupted runs no longer, and has no log.
    """
    try:
        with tidily():
            code = _code(command, cwd, env, log)
    except KeyboardInterrupt:
        log.unlink(missing_ok=True)
        raise
    _hide_credentials(log)
    if code:
        raise CommandFailed(command, code, log, cwd)


@contextlib.contextmanager
def tidily() -> Iterator[None]:
    """Let the block clean up before a signal ends this process: it gets `Terminated`.

    Then the signal comes again, and does what it always does.  One that somebody
    handles, or ignores, is left alone.  Only the main thread can get signals; it
    has to stop what it waits for, such as threads that run something.
    """
    received: list[int] = []
    inside = True

    def note(number: int, _: object) -> None:
        received.append(number)
        if inside:
            raise Terminated

    ours = threading.current_thread() is threading.main_thread()
    numbers = [n for n in _ENDS if ours and signal.getsignal(n) == signal.SIG_DFL]
    try:
        for number in numbers:
            signal.signal(number, note)
        yield
    finally:
        inside = False
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        for number in received[:1]:
            os.kill(os.getpid(), number)


def end_with_parent() -> None:
    """Send SIGTERM to this process when its parent dies, in any way.

    Only Linux can do that (PR_SET_PDEATHSIG, prctl(2)).
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


@contextlib.contextmanager
def shut() -> Iterator[None]:
    """Stop everything that threads run, and start nothing while the block runs.

    The threads get KeyboardInterrupt, and have the block to clean up in.  A block that
    is interrupted itself leaves the door shut: this process is about to end.
    """
    with _DOOR.lock:
        _DOOR.shut = True
        inside = set(_DOOR.inside)
    _stop(inside)
    yield
    _DOOR.shut = False


def _code(command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> int:
    with open(log, "ab", opener=_private) as output:
        try:
            code = _waited_for(_started(command, cwd, env, output))
        except OSError as error:
            output.write(f"{error}\n".encode())
            code = 127
    if _DOOR.shut:
        raise KeyboardInterrupt
    return code


def _private(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    Path(path).chmod(0o600)  # where another command has written before
    return handle


def _hide_credentials(log: Path) -> None:
    """Replace a log by one that others may read, without what is secret in URLs."""
    shown = log.with_name(f"{log.name}.new")
    # Where locks do not work, a run that builds the same may remove both.
    with contextlib.suppress(FileNotFoundError):
        with log.open("rb") as source, shown.open("wb") as sink:
            while line := source.readline(_LONGEST):
                masked = without_credentials(line.decode("latin-1"))
                sink.write(masked.encode("latin-1"))
        shown.replace(log)


def _started(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    with _DOOR.lock:
        if _DOOR.shut:
            raise KeyboardInterrupt
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _DOOR.inside.add(process)
    return process


def _waited_for(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except BaseException:
        _stop({process})
        raise
    finally:
        _DOOR.inside.discard(process)


def _stop(processes: Collection[subprocess.Popen[bytes]]) -> None:
    """Stop `processes` and all that they have started.

    A terminal interrupts them as it does us; else we do, as it would.
    """
    by_themselves, interrupted = PATIENCE
    try:
        for process in _left(processes, by_themselves):
            # uv ends at once, and leaves what it has started to itself: so that first.
            _signal([*_descendants(process.pid)] or [process.pid], signal.SIGINT)
        for process in _left(processes, interrupted / 2):
            _signal([*_descendants(process.pid), process.pid], signal.SIGINT)
        _left(processes, interrupted / 2)
    finally:  # at once for a user who is without patience
        for process in _left(processes, 0):
            _signal([*_descendants(process.pid), process.pid], _KILL)
            process.wait()


def _left(
    processes: Collection[subprocess.Popen[bytes]], seconds: float
) -> list[subprocess.Popen[bytes]]:
    """Return those that are still there after so many seconds, or all the sooner."""
    end = time.monotonic() + seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, end - time.monotonic()))
    return [process for process in processes if process.returncode is None]


def _signal(pids: Iterable[int], number: int) -> None:
    """Send a signal; on Windows any signal ends a process.

    They stay in our process group, so that a signal to the group stops them all.
    """
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number if os.name != "nt" else signal.SIGTERM)


def _descendants(pid: int) -> Iterator[int]:
    """Yield what a process has started, as far as /proc knows."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


def tail(log: Path, lines: int = TAIL) -> str:
    """Return the last lines of `log` that are not blank, as text.

    Compilers can print a lot; lines far from the end are not read.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _FAR))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def indented(text: str) -> str:
    """Return `text` with every line moved in, as material in an error message."""
    return "\n".join("    " + line for line in text.splitlines())
