"""The extension, as zc.buildout loads it and unloads it.

A run that is like the last one goes on with what that has found out, and imports no
more than it takes to give out its eggs.
"""

from __future__ import annotations

import gc
from typing import Any

from poach.buildout import memory
from poach.buildout.errors import as_user_errors
from poach.buildout.warm import WarmActivation
from poach.hooks.interception import is_running


def load(buildout: Any) -> None:
    """Begin to substitute patched eggs in `buildout` (zc.buildout.extension).

    Raises zc.buildout.UserError with all that is wrong with pins and patches.
    """
    _relieve_the_collector()
    said = memory.inputs(buildout)
    remembered = memory.recall(buildout, said)

    def is_over() -> bool:
        return not is_running(buildout)

    with as_user_errors():
        if remembered is not None:
            buildout._poach = WarmActivation(buildout, is_over, remembered, said)
            return
        # Imported late: that takes longer than all that a warm run does here.
        from poach.buildout.activation import activate

        activate(buildout, is_over, said=said)


def unload(buildout: Any) -> None:
    """End what `load` began, and say which patched eggs were used."""
    activation = getattr(buildout, "_poach", None)
    if activation is not None:
        activation.restore()
        del buildout._poach
        activation.end()


def _relieve_the_collector() -> None:
    """Have the garbage collector leave alone what buildout has loaded by now.

    Most of it stays to the end of the process, and looking through all of it, in the
    middle of a run and twice at its end, takes longer than a warm run takes here.
    """
    if hasattr(gc, "freeze") and not gc.get_freeze_count():  # PyPy has another one
        gc.freeze()
