"""The examples, run on the real index by the very command that the README gives."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import CALLER

ROOT = Path(__file__).parents[2]
#: What git ignores: of the checkout, and what runs of the examples leave in them.
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", "*.egg-info", ".*_cache", ".hypothesis"),
    *("__pycache__", "examples"),
)
GENERATED = shutil.ignore_patterns(
    *("eggs", "patched-eggs", "shared", "downloads", "bin*", "parts*"),
    *("develop-eggs*", ".installed*.cfg", ".venv*", "__pycache__"),
)

pytestmark = [pytest.mark.index, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run an example in a copy of the checkout; return what it printed."""
    folder = tmp_path_factory.mktemp("clone")
    checkout = folder / "poach"
    shutil.copytree(ROOT, checkout, ignore=LEFT_OUT)
    shutil.copytree(ROOT / "examples", checkout / "examples", ignore=GENERATED)
    variables = {**CALLER, "HOME": str(folder), "BUILDOUT_HOME": str(folder)}

    def run(*command, cwd="."):
        done = subprocess.run(
            command,
            cwd=checkout / cwd,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.checkout = checkout
    return run


def example(run, name):
    """Return what each command of an example printed."""
    output = run(sys.executable, "examples/run.py", name)
    steps = (step.partition("\n") for step in output.split("\n$ ")[1:])
    return {command: printed for command, _, printed in steps}


def test_quickstart(run):
    printed = example(run, "quickstart")

    before, after = printed["bin-plain/proof --expect-open"], printed["bin/proof"]
    if sys.version_info < (3, 13):
        assert "Location: http://evil.example/x" in before
        assert "LEAVES THE SITE" in before
    else:
        assert "import        FAILS: No module named 'cgi'" in before
    assert "eggs/v5/WebOb-1.8.7-py" in before
    assert "Location: http://shop.example//evil.example/x" in after
    assert "stays on the site" in after
    assert 'requires      legacy-cgi>=2.6; python_version >= "3.13"' in after
    assert "/patched-eggs/2/webob/1.8.7+cve.2024.42353.legacy.cgi.p" in after
    log = printed["buildout"].splitlines()
    assert "Patching WebOb 1.8.7: cve-2024-42353 (4 files, 6 hunks)" in log
    assert "Patching WebOb 1.8.7: legacy-cgi (1 file, 1 hunk)" in log


def test_native(run):
    printed = example(run, "native")

    assert "SystemError" in printed["bin-plain/proof --expect-plain"]
    assert "TypeError" in printed["bin/proof"]
    assert (
        "/patched-eggs/2/zope-i18nmessageid/8.1+mapping.check.p" in printed["bin/proof"]
    )


@pytest.mark.parametrize("order", [("patched", "plain"), ("plain", "patched")])
def test_shared_cache(run, order):
    """Whoever comes first: one runs patched code, the other does not."""
    folder = f"examples/shared-cache-{order[0]}-first"
    shutil.copytree(
        ROOT / "examples" / "shared-cache", run.checkout / folder, ignore=GENERATED
    )
    programs = run.checkout / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    for name in (*order, *order):
        run(str(programs / "buildout"), cwd=f"{folder}/{name}")

    patched = run("bin/which", cwd=f"{folder}/patched")
    plain = run("bin/which", cwd=f"{folder}/plain")

    assert "stays on the site" in patched
    assert "shared/patched-eggs/2/webob/1.8.7+cve.2024.42353.p" in patched
    assert "LEAVES THE SITE" in plain
    assert "shared/eggs/v5/WebOb-1.8.7-py" in plain
    shared = run.checkout / folder / "shared"
    assert [egg.name[:12] for egg in shared.glob("eggs/*/*ebob*")] == []
    assert [egg.name.partition("-py")[0] for egg in shared.glob("eggs/*/WebOb*")] == [
        "WebOb-1.8.7"
    ]
    assert not list((shared / "eggs").rglob("poach.json"))
    shutil.rmtree(shared / "patched-eggs")
    run(str(programs / "buildout"), cwd=f"{folder}/plain")
    assert "LEAVES THE SITE" in run("bin/which", cwd=f"{folder}/plain")
