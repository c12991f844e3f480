"""Running pip: one interpreter's, and in an environment that no user's wish breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poach.adapters.process import Runner, run
from poach.location import without_credentials

#: Variables that make pip put things elsewhere, or do something else.
_DROPPED = frozenset(
    f"PIP_{name}"
    for name in (
        *("USER", "PREFIX", "TARGET", "ROOT", "WHEEL_DIR", "SRC", "EDITABLE"),
        *("REQUIREMENT", "DRY_RUN", "REPORT", "REQUIRE_HASHES", "PYTHON"),
        *("PLATFORM", "PYTHON_VERSION", "IMPLEMENTATION", "ABI", "UPGRADE"),
    )
)
#: Variables that hold one path, or several paths and URLs with white space between.
_PATH = ("PIP_CERT", "PIP_CLIENT_CERT", "PIP_CACHE_DIR", "PIP_CONFIG_FILE")
_PATHS = ("PIP_FIND_LINKS", "PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")


@dataclass(frozen=True, slots=True)
class Pip:
    """The pip of the interpreter `python`.

    `path` are folders put on PYTHONPATH so that pip is found where the interpreter
    itself has none, as in a bootstrapped buildout.  `indexes` are URLs of more
    package indexes.  Those with a password travel in the environment, since anybody
    can read a command line; the others do not, for they come in addition to those of
    pip's configuration, which the environment overrides.
    """

    python: str
    path: Sequence[str] = ()
    indexes: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    runner: Runner = run

    def run(
        self,
        arguments: Sequence[str],
        cwd: Path,
        log: Path,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Run pip in `cwd`; what it prints goes to `log`.

        `more` are variables for it.  Raises `CommandFailed`.
        """
        plain = (url for url in self.indexes if not _is_secret(url))
        options = (f"--extra-index-url={url}" for url in plain)
        command = [self.python, "-m", "pip", *arguments, *options]
        env = {**self._environment(), **(more or {})}
        self.runner(command, cwd=cwd, env=env, log=log)

    def _environment(self) -> dict[str, str]:
        env = {k: v for k, v in self.environ.items() if k.upper() not in _DROPPED}
        env.update(_absolute(env))
        env.update(_joined(env, "PYTHONPATH", self.path, os.pathsep))
        secret = list(filter(_is_secret, self.indexes))
        env.update(_joined(env, "PIP_EXTRA_INDEX_URL", secret, " "))
        env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        return env


def _is_secret(url: str) -> bool:
    return without_credentials(url) != url


def _joined(
    env: Mapping[str, str], name: str, ours: Sequence[str], separator: str
) -> dict[str, str]:
    """Return the variable `name` with `ours` before what the user has there."""
    values = [*ours, *filter(None, [env.get(name)])]
    return {name: separator.join(values)} if values else {}


def _absolute(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables with paths, which count from where we are, not from cwd."""
    for name in set(_PATH) & set(env):
        yield name, _from_here(env[name])
    for name in set(_PATHS) & set(env):
        yield name, " ".join(map(_from_here, env[name].split()))


def _from_here(place: str) -> str:
    """Return a path as an absolute one; a URL, and nothing, as it is."""
    is_path = place and "://" not in place and not place.startswith(("file:", "~"))
    return str(Path(place).absolute()) if is_path else place
