"""The test bench: an index, environments and projects for real buildout runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.metadata import distributions
from pathlib import Path

import pytest

from support import (
    BUILDOUTS,
    NEWEST,
    Environment,
    Index,
    Project,
    copy_environment,
    hermetic,
    make_environment,
    make_wheel,
    make_wheelhouse,
    once,
)
from support.pond import make_warm_store
from support.python2 import make_environments_2
from support.pythons import python_or_skip

EVERY_BUILDOUT = "every_buildout"
MATRIX = "matrix"
MORE = "more"
LONGEST_FIRST = ("index", "py27", "buildout", "benchmarks", "unit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        type=int,
        default=8,
        help="how many buildouts test_faults.py kills (default: %(default)s)",
    )

    parser.addoption(
        "--all",
        action="store_true",
        help="run more: what is marked as such, and matrix with each zc.buildout",
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        f"{EVERY_BUILDOUT}: runs with all supported versions of zc.buildout",
        f"{MATRIX}: does so with --all, else with the newest",
        f"{MORE}: runs with --all only, as another case of what the others show",
    ):
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what --all alone runs, and begin with the files that take longest.

    Else one process would end the run alone.
    """
    if not config.option.all:
        left_out = [item for item in items if item.get_closest_marker(MORE)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(MORE)]
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else 0

    items.sort(key=place)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "environment" in metafunc.fixturenames:
        marks = [EVERY_BUILDOUT, *([MATRIX] if metafunc.config.option.all else [])]
        every = any(map(metafunc.definition.get_closest_marker, marks))
        versions = list(BUILDOUTS) if every else [NEWEST]
        metafunc.parametrize("environment", versions, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's real ~/.buildout and caches out of every test."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("BUILDOUT_HOME", str(home / ".buildout"))
        patch.delenv("XDG_CACHE_HOME", raising=False)
        yield home


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have; see `once`."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def _wheelhouse(pool: ThreadPoolExecutor, common: Path) -> Future[Path]:
    return pool.submit(once, common / "wheelhouse", make_wheelhouse)


@pytest.fixture(scope="session")
def wheelhouse(_wheelhouse: Future[Path]) -> Path:
    """A folder with the wheels that builds may ask for."""
    return _wheelhouse.result()


@pytest.fixture(scope="session")
def _environments(
    request: pytest.FixtureRequest,
    pool: ThreadPoolExecutor,
    _wheelhouse: Future[Path],
    common: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Future[Environment]]:
    """Start to make all environments that the chosen tests will ask for.

    The wheelhouse is filled at the same time.
    """
    wanted = dict.fromkeys(
        item.callspec.params["environment"]
        for item in request.session.items
        if "environment" in getattr(item, "fixturenames", ())
    )
    (wheel,) = once(common / "wheel", make_wheel).glob("poach-*.whl")

    def copied(version: str) -> Environment:
        def make(path: Path) -> None:
            make_environment(path, version, wheel)

        made = Environment(once(common / f"buildout-{version}", make), version)
        return copy_environment(made, tmp_path_factory.mktemp("environment"))

    return {version: pool.submit(copied, version) for version in wanted}


@pytest.fixture(scope="session")
def environment(
    request: pytest.FixtureRequest, _environments: dict[str, Future[Environment]]
) -> Environment:
    """An environment with poach and buildout 6; `every_buildout` runs with each."""
    return _environments[request.param].result()


@pytest.fixture(scope="session")
def warm(environment: Environment, wheelhouse: Path, common: Path) -> Path:
    """A store with the egg of pond 1.0 +loud, for tests to copy: stores can move."""
    make = partial(make_warm_store, environment=environment, wheelhouse=wheelhouse)
    made = once(common / f"warm-{environment.buildout}", make)
    return made / "project" / "patched-eggs"


@pytest.fixture(scope="session")
def environments_2(common: Path) -> Path:
    """A folder with environments of Python 2.7 and the wheel that is in them."""
    python = python_or_skip("2.7")
    return once(common / "python2", partial(make_environments_2, python=python))


@pytest.fixture(scope="session")
def installed() -> frozenset[str]:
    """The names of what the environments bring, and of more."""
    return frozenset({d.name for d in distributions()} | {"zc.recipe.egg"})


@pytest.fixture
def index(tmp_path: Path, installed: frozenset[str]) -> Iterator[Index]:
    """An index that has nothing but empty pages of what the environments bring."""
    with Index(tmp_path / "index", empty=installed) as index:
        yield index


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder of all runs of one test."""
    return tmp_path / "home"


@pytest.fixture
def project(
    tmp_path: Path, home: Path, index: Index, environment: Environment, wheelhouse: Path
) -> Callable[..., Project]:
    """Make a project folder: ``project(cfg, name="project")``.

    In the text of the buildout.cfg ``%(index)s`` is the URL of the index,
    ``%(base)s`` that of its other files.
    """

    def make(cfg: str, name: str = "project") -> Project:
        made = Project(tmp_path / name, environment, hermetic(home, wheelhouse))
        cfg = cfg.replace("%(index)s", index.url).replace("%(base)s", index.base)
        made.write("buildout.cfg", cfg)
        return made

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, once each, what was skipped and why: what is not there to run."""
    reasons = {
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple)
    }
    if reasons:
        terminalreporter.section("NOT TESTED HERE")
    for reason in sorted(reasons):
        terminalreporter.line(f"* {reason}")
