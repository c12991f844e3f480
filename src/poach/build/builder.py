"""Building a wheel from a source tree (PEP 517) with pip in a subprocess."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from poach.build.pip import Pip
from poach.build.process import CommandFailed
from poach.errors import PoachError
from poach.pins.build_key import BuildOptions

#: 1980-01-01, the first day that a zip archive can record, unless the user has set one.
SOURCE_DATE_EPOCH = "315532800"


class BuildFailed(PoachError):
    """A patched tree that does not build; `title` names project and version."""

    title: str
    failure: CommandFailed
    #: What else there is to do, '' for nothing.
    cure: str = ""

    def __str__(self) -> str:
        return f"Building {self.title} failed: {self.failure}"


class NotOneWheel(PoachError):
    """A build that made several wheels, or none; `wheels` are their file names."""

    title: str
    wheels: Sequence[str]

    def __str__(self) -> str:
        made = ", ".join(self.wheels) or "no wheel"
        return f"Building {self.title} made {made}, and not one wheel"


@dataclass(frozen=True, slots=True)
class PipBuilder:
    """Builds wheels with `pip`."""

    pip: Pip
    #: For pip wheel, such as where build requirements come from (find-links).
    options: Sequence[str] = ()
    #: Whether pip builds in a copy of the tree, as versions before 21.3 do.
    copies: Callable[[], bool] = lambda: False

    def build(
        self, title: str, tree: Path, dest: Path, options: BuildOptions, log: Path
    ) -> Path:
        """Build the source tree `tree`; return the path of the one wheel in `dest`.

        What pip prints goes to `log`.  `title` is for messages.  Raises
        `BuildFailed` and `NotOneWheel`.
        """

        def pip() -> None:
            if self.copies():
                _copies(dest).mkdir()
            more = {**self._environment(tree, dest), **options.environment}
            self.pip.run(self._arguments(tree, dest), tree.parent, log, more)

        return built(title, tree, dest, options, pip)

    def tool(self, tree: Path, options: BuildOptions) -> str:
        """Return what builds `tree`, for people."""
        return "pip"

    def built_in(self, tree: Path, dest: Path) -> Path:
        """Return where `tree` was built into `dest`: there, or in a copy."""
        return next(_copies(dest).glob("pip-req-build-*"), tree)

    def _arguments(self, tree: Path, dest: Path) -> list[str]:
        kept = ["--no-clean"] if self.copies() else []
        wheel = ["wheel", "--no-deps", "--no-input", *kept, *self.options]
        return [*wheel, "--wheel-dir", str(dest), str(tree)]

    def _environment(self, tree: Path, dest: Path) -> dict[str, str]:
        temporary = {"TMPDIR": str(_copies(dest))} if self.copies() else {}
        return {**environment(tree, self.pip.environ), **temporary}


def environment(tree: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a build of `tree` gets; `environ` are the user's."""
    return {
        "SOURCE_DATE_EPOCH": environ.get("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH),
        # Tools that ask git for a version must not find a repository around us.
        "GIT_CEILING_DIRECTORIES": str(tree.parent),
    }


def built(
    title: str,
    tree: Path,
    dest: Path,
    options: BuildOptions,
    build: Callable[[], None],
    cure: str = "",
) -> Path:
    """Let `build` build `tree` into the new folder `dest`; return the one wheel.

    `cure` is what else there is to do if that fails.  Raises `BuildFailed` and
    `NotOneWheel`.
    """
    dest.mkdir()
    if options.build_ext:
        _write_build_ext(tree / "setup.cfg", options.build_ext)
    try:
        build()
    except CommandFailed as failure:
        raise BuildFailed(title, failure, cure) from None
    wheels = sorted(dest.glob("*.whl"))
    if len(wheels) != 1:
        raise NotOneWheel(title, [wheel.name for wheel in wheels])
    return wheels[0]


def _copies(dest: Path) -> Path:
    """Return the folder for the copies of a pip that builds in one."""
    return dest.with_name("copies")


def _write_build_ext(setup_cfg: Path, build_ext: Mapping[str, str]) -> None:
    """Set options of setuptools' build_ext, which setup.cfg may have already."""
    config = RawConfigParser(strict=False)
    config.optionxform = str  # type: ignore[assignment,method-assign]
    if setup_cfg.exists():
        config.read_string(setup_cfg.read_text("utf-8", "surrogateescape"))
    config.read_dict({"build_ext": build_ext})
    with setup_cfg.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        config.write(stream)
