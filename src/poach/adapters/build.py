"""Building a wheel from a source tree with pip (PEP 517) in a subprocess."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path

from poach.adapters.process import CommandFailed, Runner, run
from poach.errors import PoachError
from poach.key import BuildOptions

#: 1980-01-01, the first day that a zip archive can tell, unless the user has set one.
SOURCE_DATE_EPOCH = "315532800"


class BuildFailed(PoachError):
    """A patched tree that does not build; `title` names project and version."""

    def __init__(self, title: str, failure: CommandFailed) -> None:
        super().__init__(title, failure)
        self.title = title
        self.failure = failure

    def __str__(self) -> str:
        return f"Building {self.title} failed: {self.failure}"


@dataclass(frozen=True, slots=True)
class PipBuilder:
    """Builds wheels with the pip of the interpreter `python`.

    `pip_options` say where build requirements come from (index, find-links), `path`
    are folders put on PYTHONPATH so that pip is found where the interpreter itself
    has none, as in a bootstrapped buildout.
    """

    python: str
    pip_options: Sequence[str] = ()
    path: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    runner: Runner = run

    def build(
        self, title: str, tree: Path, dest: Path, options: BuildOptions, log: Path
    ) -> Path:
        """Build the source tree `tree`; return the path of the one wheel in `dest`.

        What pip prints goes to `log`.  `title` is for messages.  Raises
        `BuildFailed`.
        """
        dest.mkdir()
        if options.build_ext:
            _write_build_ext(tree / "setup.cfg", options.build_ext)
        try:
            self.runner(
                self._command(tree, dest),
                cwd=tree.parent,
                env=self._environment(tree, options.environment),
                log=log,
            )
        except CommandFailed as failure:
            raise BuildFailed(title, failure) from None
        (wheel,) = dest.glob("*.whl")
        return wheel

    def _command(self, tree: Path, dest: Path) -> list[str]:
        command = [self.python, "-m", "pip", "wheel", "--no-deps", "--no-input"]
        return [*command, *self.pip_options, "--wheel-dir", str(dest), str(tree)]

    def _environment(self, tree: Path, more: Mapping[str, str]) -> dict[str, str]:
        env = {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH, **self.environ}
        path = [*self.path, *filter(None, [env.get("PYTHONPATH")])]
        if path:
            env["PYTHONPATH"] = os.pathsep.join(path)
        env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        # Tools that ask git for a version must not find a repository around us.
        env["GIT_CEILING_DIRECTORIES"] = str(tree.parent)
        return {**env, **more}


def _write_build_ext(setup_cfg: Path, build_ext: Mapping[str, str]) -> None:
    """Set options of setuptools' build_ext, which setup.cfg may have already."""
    config = RawConfigParser(strict=False)
    config.optionxform = str  # type: ignore[assignment,method-assign]
    if setup_cfg.exists():
        config.read_string(setup_cfg.read_text("utf-8", "surrogateescape"))
    config.read_dict({"build_ext": build_ext})
    with setup_cfg.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        config.write(stream)
