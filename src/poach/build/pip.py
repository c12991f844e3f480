"""Running pip: one interpreter's, in an environment that no user's settings break."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from poach.build.pipconfig import configured
from poach.build.process import Runner, run
from poach.pins.location import without_credentials

#: Variables that hold one path, or several paths and URLs with white space between.
_PATH = ("PIP_CERT", "PIP_CLIENT_CERT", "PIP_CACHE_DIR", "PIP_CONFIG_FILE")
_PATHS = ("PIP_FIND_LINKS", "PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")


@dataclass(frozen=True, slots=True)
class Pip:
    """The pip of the interpreter `python`.

    Indexes and links with a password or another secret stand in a file that only we can
    read, and on no command line.
    """

    python: str
    #: Folders put on PYTHONPATH so that pip is found where the interpreter itself has
    #: none, as in a bootstrapped buildout.
    path: Sequence[str] = ()
    #: URLs of more package indexes, in addition to those of pip's configuration.
    indexes: Sequence[str] = ()
    #: URLs and paths where pip finds more files (find-links), in addition to those of
    #: pip's configuration.
    links: Sequence[str] = ()
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
        places = {"extra-index-url": self.indexes, "find-links": self.links}
        options = (
            f"--{option}={url}"
            for option, urls in places.items()
            for url in urls
            if not _is_secret(url)
        )
        command = [self.python, "-m", "pip", *arguments, *options]
        hidden = {
            option: secret
            for option, urls in places.items()
            if (secret := list(filter(_is_secret, urls)))
        }
        env = {**self.environment(), **(more or {})}
        # It lies in the staging area, from where a later run removes what is left.
        with TemporaryDirectory(dir=cwd, prefix="pip-") as folder:
            env = configured(hidden, env, Path(folder))
            self.runner(command, cwd=cwd, env=env, log=log)

    def environment(self) -> dict[str, str]:
        """Return pip's variables, with absolute paths."""
        env = dict(self.environ)
        env.update(_absolute(env))
        env.update(_joined(env, "PYTHONPATH", self.path, os.pathsep))
        return {**env, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _is_secret(url: str) -> bool:
    return "?" in url or without_credentials(url) != url


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
