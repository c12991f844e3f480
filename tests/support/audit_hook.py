"""Record connections and processes; each environment's Python imports this at start.

A ``.pth`` file does it: unlike PYTHONPATH that leaves ``sys.path`` alone and reaches
the build processes of pip as well.  Without the variable it does nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

VARIABLE = "POACH_BENCH_AUDIT"


def install(log: str) -> None:
    """Append each event of interest, as a line of JSON, to the file `log`."""
    # What of an event's arguments is worth keeping: the address or the command.
    kept: dict[str, Callable[..., Any]] = {
        "socket.connect": lambda socket, address: address,
        "socket.getaddrinfo": lambda *args: args[:2],
        "subprocess.Popen": lambda program, args, *_: args,
        "os.posix_spawn": lambda program, args, _: args,
        "os.exec": lambda program, args, _: args,
        "os.system": lambda command: command,
    }

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in kept:
            detail = kept[event](*args)
            parts = detail if isinstance(detail, list | tuple) else [detail]
            line = json.dumps([event, *map(_text, parts)]) + "\n"
            # In one write, for several processes append at the same time.
            file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, line.encode())
            os.close(file)

    sys.addaudithook(hook)


def _text(part: object) -> str:
    return os.fsdecode(part) if isinstance(part, bytes) else str(part)


if VARIABLE in os.environ:
    install(os.environ[VARIABLE])
