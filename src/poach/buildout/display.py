"""What is under way, on a terminal: shown with rich, of the extra ``cli``, if there."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from poach.buildout.reporter import LogReporter
from poach.buildout.session import Session
from poach.names import NormalizedName

logger = logging.getLogger("zc.buildout.poach")

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from poach.record.provenance import AppliedPatch


@contextlib.contextmanager
def shown(
    session: Session, missing: Sequence[NormalizedName]
) -> Iterator[Callable[[], None]]:
    """Show what becomes of the eggs that are `missing` while the block runs.

    Gives a function for each thread to call when it is through with an egg, be that
    built or not.  Without rich, or where standard error is no terminal, there is only
    the log.
    """
    console = _console() if missing else None
    if console is None:
        yield lambda: None
        return
    with _progress(console) as progress, _above(console):
        display = Display(progress, len(missing))
        with session.reporting(display):
            yield display.forget


@contextlib.contextmanager
def counted(title: str, count: int) -> Iterator[Callable[[], None]]:
    """Show how many patches of `title` have been tried while the block runs.

    Gives a function to call after each.  The log says once how many there are.
    """
    if count > 1:
        logger.info("Trying the %d patches of %s in other orders.", count, title)
    console = _console() if count > 1 else None
    if console is None:
        yield lambda: None
        return
    with _progress(console) as progress, _above(console):
        texts = (
            f"{title}: {done} of {count} patches tried" for done in range(count + 1)
        )
        line = progress.add_task(next(texts))
        yield lambda: progress.update(line, description=next(texts))


class Display(LogReporter):
    """Shows a line for each egg under way, below what is logged, and one for all.

    An egg is made by one thread from the beginning to the end.
    """

    def __init__(self, progress: Progress, count: int) -> None:
        self._progress = progress
        self._count = count
        self._done = 0
        self._lines: dict[int, TaskID] = {}
        self._whole = progress.add_task("", total=count)
        self._tell()

    def fetching(self, title: str) -> None:
        """Show a new egg."""
        super().fetching(title)
        self._show(f"{title}: getting the sdist")

    def waiting(self, title: str, holder: str) -> None:
        """Show for whom it waits."""
        super().waiting(title, holder)
        self._show(f"{title}: waiting for {holder}")

    def patched(self, title: str, label: str, patch: AppliedPatch) -> None:
        """Show the patch that went in last."""
        super().patched(title, label, patch)
        self._show(f"{title}: patched with {label}")

    def building(self, title: str, tool: str) -> None:
        """Show that a build is at work."""
        super().building(title, tool)
        self._show(f"{title}: building")

    def built(self, title: str, seconds: float) -> None:
        """Count an egg."""
        super().built(title, seconds)
        self._done += 1
        self._tell()

    def _show(self, text: str) -> None:
        line = self._lines.get(threading.get_ident())
        if line is None:
            self._lines[threading.get_ident()] = self._progress.add_task(text)
        else:
            self._progress.update(line, description=text)

    def forget(self) -> None:
        """Show no more of the egg that this thread was at work on."""
        line = self._lines.pop(threading.get_ident(), None)
        if line is not None:
            self._progress.remove_task(line)

    def _tell(self) -> None:
        text = f"{self._done} of {self._count} patched eggs built"
        self._progress.update(self._whole, description=text, completed=self._done)


class _Above(io.TextIOBase):
    """A stream whose lines appear above the display, as they are."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        self._console.print(
            text, end="", soft_wrap=True, markup=False, highlight=False, emoji=False
        )
        return len(text)


def _console() -> Console | None:
    """Return the terminal on standard error, None where there is none that can."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(file=sys.stderr)
    return None if console.is_dumb_terminal else console


def _progress(console: Console) -> Progress:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, TimeElapsedColumn())
    return Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


@contextlib.contextmanager
def _above(console: Console) -> Iterator[None]:
    """Let all that goes to the terminal appear above the display.

    buildout's handlers keep the streams that they have got.
    """
    above = _Above(console)
    loggers = (logging.getLogger(), logging.getLogger("zc.buildout"))
    handlers = [
        handler
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    before = [(handler, handler.stream) for handler in handlers]
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(above))
        if sys.stdout is not None and sys.stdout.isatty():
            stack.enter_context(contextlib.redirect_stdout(above))
        for handler, stream in before:
            stack.callback(handler.setStream, stream)
            handler.setStream(above)
        yield
