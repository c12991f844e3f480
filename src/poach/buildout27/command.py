"""The command ``poach bridge``: where it is, and what it answers."""

import json
import os
import subprocess
import sys

from zc.buildout import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: What is said to the command and by it; another one is another number.
PROTOCOL = 1

VARIABLE = "POACH_COMMAND"
CURE = (
    "install poach with Python 3.10 or newer and say where its command is: as "
    "'poach-command = PATH' in [buildout], as the variable %s, or by putting it on the "
    "PATH" % VARIABLE
)


def find(option, directory):  # type: (str | None, str) -> tuple[str, str]
    """Return the path of the command, and who says so; raise UserError.

    `option` is the value of poach-command, which counts from `directory`.
    """
    if option and option.strip():
        place = "poach-command in [buildout]"
        return _program(option.strip(), place, directory), place
    if os.environ.get(VARIABLE):
        place = "the variable %s" % VARIABLE
        return _program(os.environ[VARIABLE], place, os.getcwd()), place
    found = _on_path("poach")
    if found is None:
        raise _no_command("there is no poach on the PATH")
    return found, "found on the PATH"


def ask(command, place, question):  # type: (str, str, dict[str, Any]) -> Any
    """Ask the `command` and return its answer.

    Raises zc.buildout.UserError, also with what is wrong with pins and patches.
    """
    sent = dict(_changed(question, _sent), **{"poach-bridge": PROTOCOL})
    sys.stdout.flush()  # what comes from there belongs behind what came from here
    try:
        process = subprocess.Popen(
            [command, "bridge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            close_fds=True,
        )
    except OSError as error:
        raise _no_command(
            "%s (%s) does not run: %s" % (command, place, error.strerror or error)
        )
    output, _ = process.communicate(json.dumps(sent).encode("ascii"))
    return _answer(command, place, process.returncode, output)


def _answer(command, place, code, output):  # type: (str, str, int, bytes) -> Any
    try:
        answer = json.loads(output.decode("ascii"))
        protocol = answer.get("poach-bridge")
    except (AttributeError, ValueError):
        raise _no_answer(command, place, _ending(code, output))
    if protocol is None:
        raise _no_answer(command, place, _ending(code, output))
    if "error" in answer:
        raise UserError(_received(answer["error"]))
    if protocol != PROTOCOL:
        reason = "it speaks protocol %r, and this bridge %r" % (protocol, PROTOCOL)
        raise _no_answer(command, place, reason)
    if code or "answer" not in answer:
        raise _no_answer(command, place, _ending(code, output))
    return _changed(answer["answer"], _received)


def _no_command(tried):  # type: (str) -> UserError
    """Return the error where there is no command; `tried` says where it is not."""
    return UserError(
        "Patched eggs for Python 2.7 are made by poach on Python 3, and %s; %s"
        % (tried, CURE)
    )


def _no_answer(command, place, reason):  # type: (str, str, str) -> UserError
    """Return the error for a command that ran and did not answer."""
    return UserError(
        "%s (%s) does not answer as poach bridge does: %s; %s"
        % (command, place, reason, CURE)
    )


def _ending(code, output):  # type: (int, bytes) -> str
    """Tell how a command has ended that gave no answer."""
    if code < 0:
        return "it was killed by signal %d" % -code
    lines = output.decode("latin-1").strip().split("\n")
    said = " and %r" % str(lines[0][:60]) if lines[0].strip() else ""
    return "it ends with exit code %d%s" % (code, said)


def _program(path, place, directory):  # type: (str, str, str) -> str
    if os.sep not in path:
        found = _on_path(path)
        if found is None:
            raise _no_command("there is no %s (%s) on the PATH" % (path, place))
        return found
    found = os.path.join(directory, os.path.expanduser(path))
    if not os.path.exists(found):
        raise _no_command("there is no %s (%s)" % (found, place))
    return found


def _on_path(name):  # type: (str) -> str | None
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def _environment():  # type: () -> dict[str, str]
    """Return our variables without those that are meant for this Python."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON")
    }


# Bytes travel as text of one character for each (latin-1), whatever they mean.


def _sent(text):  # type: (Any) -> str
    return text.decode("latin-1") if isinstance(text, bytes) else _sent(_utf8(text))


def _utf8(text):  # type: (Any) -> bytes
    return bytes(text.encode("utf-8"))


def _received(text):  # type: (Any) -> Any
    return text.encode("latin-1")


def _changed(data, change):  # type: (Any, Callable[[Any], Any]) -> Any
    if isinstance(data, dict):
        return {change(key): _changed(value, change) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_changed(each, change) for each in data]
    if data is None or isinstance(data, bool):
        return data
    return change(data)
