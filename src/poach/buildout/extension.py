"""The extension, as zc.buildout loads it and unloads it."""

from __future__ import annotations

import atexit
import contextlib
import gc
from pathlib import Path
from typing import Any

from poach.errors import PoachError

#: Earlier releases kept in parts-directory what the last run had found out.
OUTDATED = ".poach.json"


def load(buildout: Any) -> None:
    """Begin to substitute patched eggs in `buildout` (zc.buildout.extension).

    Raises zc.buildout.UserError with all that is wrong with pins and patches.
    """
    _relieve_the_collector()
    # Imported late, for what they bring would have the collector look at everything.
    from poach.buildout import masking
    from poach.buildout.activation import activate
    from poach.buildout.errors import as_user_errors
    from poach.buildout.interception import is_running

    masking.mask()
    _remove_outdated(Path(buildout["buildout"]["parts-directory"]))

    def is_over() -> bool:
        return not is_running(buildout)

    with as_user_errors():
        activate(buildout, is_over)
    # After a run that fails buildout unloads nothing, and there are scripts already.
    atexit.register(_note_what_failed, buildout)


def unload(buildout: Any) -> None:
    """End what `load` began, and say which patched eggs were used.

    Raises zc.buildout.UserError if one of these is gone.
    """
    from poach.buildout import masking
    from poach.buildout.errors import as_user_errors

    activation = getattr(buildout, "_poach", None)
    try:
        if activation is not None:
            activation.restore()
            del buildout._poach
            with as_user_errors():
                activation.end()
    finally:
        masking.unmask()


def _note_what_failed(buildout: Any) -> None:
    activation = getattr(buildout, "_poach", None)
    if activation is not None:
        with contextlib.suppress(PoachError, OSError):
            activation.session.use.note_so_far()


def _remove_outdated(parts: Path) -> None:
    with contextlib.suppress(OSError):
        (parts / OUTDATED).unlink(missing_ok=True)


def _relieve_the_collector() -> None:
    """Have the garbage collector leave alone what buildout has loaded by now.

    Most of it stays to the end of the process, and looking through all of it, in the
    middle of a run and twice at its end, takes longer than a warm run takes here.
    """
    if hasattr(gc, "freeze") and not gc.get_freeze_count():  # PyPy has another one
        gc.freeze()
