"""Faults that really happen: killed runs, full disks, damaged eggs, many at once."""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter

import pytest

from support.pond import CFG, LOUD, SOURCE, WIDE, add_pond
from support.powers import JANE, drop_powers

pytestmark = pytest.mark.slow

YEAR = 365 * 24 * 3600

#: Says that nothing is to be kept, although the buildouts of these tests are there.
UNUSED = ("--unused-for", "0", "--even-in-use")

#: Builds a wheel at once, and is in the sdist: nothing else has to be installed.
BACKEND = """
    import base64, hashlib, os, zipfile

    INFO = "pond-1.0.dist-info"
    METADATA = "Metadata-Version: 2.1\\nName: pond\\nVersion: 1.0\\n"
    TAGS = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    POINTS = "[console_scripts]\\npond = pond:main\\n"

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        with open("src/pond/__init__.py") as stream:
            files = {"pond/__init__.py": stream.read()}
        files["pond/data"] = "x" * %(size)s
        files[INFO + "/METADATA"] = METADATA
        files[INFO + "/WHEEL"] = TAGS
        files[INFO + "/entry_points.txt"] = POINTS
        files[INFO + "/RECORD"] = "".join(name + ",,\\n" for name in files)
        name = "pond-1.0-py3-none-any.whl"
        with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return name
    """
PYPROJECT = """
    [build-system]
    requires = []
    build-backend = "backend"
    backend-path = ["."]
    """


def add_quick_pond(index, size=0):
    """Put the sdist of a pond on the index that is built in a second."""
    files = {
        "src/pond/__init__.py": SOURCE,
        "backend.py": BACKEND % {"size": size},
        "pyproject.toml": PYPROJECT,
    }
    index.add_sdist("pond", "1.0", files)


@pytest.fixture
def pond(project, index):
    """A project that has a patched pond, and nothing built yet."""
    add_quick_pond(index)
    made = project(CFG, "prøject of ponds")
    made.write("patches/pond/loud.patch", LOUD)
    return made


def with_store(folder):
    """Return the configuration with another store."""
    return CFG.replace("parts =", f"patched-eggs-directory = {folder}\n    parts =")


def store(project):
    return project.path / "patched-eggs" / "2"


def entries(project):
    return list(store(project).glob("pond/*/*"))


def is_clean(project):
    """Verify the store by command."""
    done = project.poach("cache", "verify", expect=None)
    assert done.returncode == 0, str(done)
    return done.stdout == ""


def quacks(project):
    return project.script("pond").stdout.split()[0]


# Killed


def start(project, output):
    """Start a buildout in a process group of its own."""
    return subprocess.Popen(
        [project.environment.program("buildout")],
        cwd=project.path,
        env=dict(project.variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


PHASES = ("Installed app", "Installing app", "Built", "Building", "Patching", "Getting")


def phase(text):
    """Return the last message of a run."""
    return next((word for word in PHASES if word in text), "before")


def kill_at(project, seconds, group):
    """Run a buildout, kill it after some time, and return what it was doing.

    Returns None if it was faster.
    """
    log = project.path / "killed.log"
    with log.open("wb") as output:
        process = start(project, output)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        code = process.wait()
        # Who was left alone goes on, into a folder that nobody looks at again.
    return phase(log.read_text("utf-8")) if code else None


def forget(project, entirely):
    """Let the next run begin again; the rubbish of earlier ones stays unless asked."""
    for name in ("bin", "parts", "develop-eggs", ".installed.cfg"):
        path = project.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True) if path.is_file() else None
    if entirely:
        shutil.rmtree(store(project), ignore_errors=True)
    else:
        shutil.rmtree(store(project) / "pond", ignore_errors=True)


def test_killed_at_any_time(pond, request):
    """What is published is whole, and the next run does it all."""
    kills = request.config.getoption("--kills")
    pond.run()
    forget(pond, entirely=True)
    began = time.monotonic()
    pond.run()
    length = time.monotonic() - began
    chance, phases = random.Random(kills), Counter()
    began = time.monotonic()

    while phases.total() < kills:
        forget(pond, entirely=chance.random() < 0.5)
        # Each tenth of the run gets its share.
        moment = length * (phases.total() % 10 + chance.random()) / 10
        group = chance.random() < 0.5
        doing = kill_at(pond, moment, group)
        if doing is None:
            length *= 0.95
            continue
        length *= 1.01  # the machine may be busier now, and late kills count, too
        phases[doing] += 1
        where = f"{phases.total()} killed at {moment:.2f} s, {doing}, group: {group}"

        assert is_clean(pond), where
        done = pond.run(expect=None)
        assert done.returncode == 0, f"{where}\n{done}"
        assert quacks(pond) == "QUACK", where
        assert len(entries(pond)) == 1, where
        assert is_clean(pond), where

    print(f"{kills} kills in {time.monotonic() - began:.0f} s, while:", dict(phases))


# Many at once


def run_at_once(projects):
    """Run all buildouts side by side; return what each printed."""
    with contextlib.ExitStack() as stack:
        paths = [one.path / "log" for one in projects]
        logs = [stack.enter_context(path.open("wb")) for path in paths]
        processes = [start(*each) for each in zip(projects, logs, strict=True)]
        codes = [process.wait() for process in processes]
    texts = [path.read_text("utf-8") for path in paths]
    assert codes == [0] * len(projects), "\n".join(texts)
    return texts


def test_eight_at_once(pond, project, tmp_path):
    """On an empty store that they share; each builds what nobody else does."""
    shared = tmp_path / "shared eggs"
    cfg = with_store(shared)
    names = ["wide", "loud"] * 4
    projects = [
        project(cfg.replace("+loud", f"+{name}"), f"project {number}")
        for number, name in enumerate(names)
    ]
    for one, name in zip(projects, names, strict=True):
        one.write(f"patches/pond/{name}.patch", {"loud": LOUD, "wide": WIDE}[name])

    texts = run_at_once(projects)

    waiting = (
        r"Waiting for another buildout \(pid \d+ on [^)]+\) that builds pond 1\.0\+"
    )
    assert any(re.search(waiting, text) for text in texts)
    built = [line for text in texts for line in text.splitlines() if "Built" in line]
    assert len(built) == 2, built
    assert len(list(shared.glob("2/pond/*/*"))) == 2
    assert list(shared.glob("2/.staging/*")) == []
    pond.poach("cache", "verify", "--store", str(shared))
    said = [one.script("pond").stdout.split()[:2] for one in projects]
    assert said == [["quack", "2"], ["QUACK", "1"]] * 4
    listed = pond.poach("cache", "list", "--store", str(shared)).stdout
    assert all(f"used by {one.path}\n" in listed for one in projects)


#: Locks that every process gets.
LAWLESS = """
    import fcntl

    fcntl.flock = lambda file, operation: None
    """


def test_two_at_once_without_locks(pond, project, tmp_path):
    """Both may build, and one good egg is left."""
    shared = tmp_path / "shared"
    cfg = with_store(shared)
    projects = [project(cfg, name) for name in ("one", "two")]
    for one in projects:
        one.write("patches/pond/loud.patch", LOUD)
        one.write("lawless/sitecustomize.py", LAWLESS)
        one.variables["PYTHONPATH"] = str(one.path / "lawless")

    most = 0
    for _ in range(3):
        shutil.rmtree(shared, ignore_errors=True)
        texts = run_at_once(projects)

        assert sum("Waiting" in text for text in texts) == 0
        assert [quacks(one) for one in projects] == ["QUACK", "QUACK"]
        assert len(list(shared.glob("2/pond/*/*"))) == 1
        pond.poach("cache", "verify", "--store", str(shared))
        most = max(most, sum("Built" in text for text in texts))
    assert most == 2  # they did meet: this would else show nothing


# Damage


def test_a_file_that_changed(pond):
    """In another size it is found at once, in the same size by verify."""
    pond.run()
    (entry,) = entries(pond)
    (code,) = entry.glob("*.egg/pond/__init__.py")
    whole = code.read_bytes()

    code.write_bytes(whole + b"\n")
    done = pond.run()
    (kept,) = store(pond).glob(".damaged/*")
    name = f"{code.parent.parent.name}/pond/__init__.py"
    assert (
        f"Damaged: {entry} ({name} has another size).  "
        "It is not used; as soon as a new one is ready, that takes its place, "
        f"and the damaged one is kept in {kept}." in done.output
    )
    assert "Built" in done.output
    assert (kept / name).read_bytes() == whole + b"\n"
    assert code.read_bytes() == whole
    assert "Damaged" not in pond.run().output
    assert is_clean(pond)

    code.write_bytes(whole.replace(b"QUACK", b"QUICK"))
    done = pond.poach("cache", "verify", expect=1)
    assert done.stdout == f"{entry}: {name} has other bytes\n"
    shutil.rmtree(entry)
    assert "Built" in pond.run().output
    assert quacks(pond) == "QUACK"


@pytest.mark.parametrize("chance", [1, 2, 3])
def test_an_entry_half_deleted(pond, chance):
    pond.run()
    (entry,) = entries(pond)
    files = [path for path in entry.rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    for path in random.Random(chance).sample(files, len(files) // 2):
        path.unlink()

    assert "Damaged: " in pond.run().output

    assert quacks(pond) == "QUACK"
    assert is_clean(pond)


def test_damage_where_nothing_may_be_built(pond):
    """It is never used: neither offline nor in a store that cannot be written."""
    pond.run()
    (entry,) = entries(pond)
    (wheel,) = entry.glob("*.whl")
    wheel.unlink()
    said = f"The patched egg in {entry} is damaged: {wheel.name} is missing; "

    done = pond.run("buildout:offline=true", expect=1)
    assert (
        done.error
        == f"{said}run again, not in offline (no-install) mode, to build it again"
    )
    assert f"damaged ({wheel.name} is missing in {entry})" in pond.poach("list").stdout
    with closed(store(pond)):
        done = run_without_powers(pond, "buildout")
    assert done.returncode == 1
    assert f"Error: {said}Cannot write to the patched-egg store" in done.stderr
    assert not (store(pond) / ".damaged").exists()
    assert "Damaged: " in pond.run().output


def test_a_damaged_alias(pond, project, index):
    index.add_wheel("lake", "1.0", {"lake.py": "def main():\n    print('lake')\n"})
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["sea"])
    cfg = CFG.replace("eggs = pond", "eggs = app")
    made = project(f"{cfg}\n    [substitutes]\n    sea = lake\n", "substitutes")
    made.write("patches/pond/loud.patch", LOUD)
    made.run()
    (metadata,) = store(made).glob(".aliases/*/*/*/METADATA")
    metadata.unlink()
    (made.path / ".installed.cfg").unlink()

    done = made.run()

    assert "METADATA is missing).  It is not used; " in done.output
    assert metadata.exists()
    assert is_clean(made)


# Stores that cannot be written


def run_without_powers(project, *command, limit=None):
    """Run a program of the environment as somebody whom permissions bind."""

    def prepare():
        drop_powers()
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    program, *arguments = command
    return subprocess.run(
        [project.environment.program(program), *arguments],
        cwd=project.path,
        env=dict(project.variables),
        capture_output=True,
        encoding="utf-8",
        preexec_fn=prepare,
        check=False,
    )


@contextlib.contextmanager
def closed(folder):
    """Let nobody write to a folder and what is below it."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    modes = {path: path.stat().st_mode for path in folders}
    try:
        for path in folders:
            path.chmod(0o555)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_permission_denied(pond):
    """What the closed store has is used, what it has not is an error."""
    pond.run()
    (store(pond) / ".staging" / "1.another.host.abc").mkdir()
    with closed(pond.path / "patched-eggs"):
        before = pond.snapshot("patched-eggs")
        hit = run_without_powers(pond, "buildout")
        cfg = pond.path / "buildout.cfg"
        cfg.write_text(cfg.read_text().replace("+loud", "+wide"))
        pond.write("patches/pond/wide.patch", WIDE)
        miss = run_without_powers(pond, "buildout")
        verified = run_without_powers(pond, "poach", "cache", "verify")
        pruned = run_without_powers(pond, "poach", "cache", "prune", *UNUSED)
        dry = run_without_powers(pond, "poach", "cache", "prune", *UNUSED, "--dry-run")
        after = pond.snapshot("patched-eggs")

    assert hit.returncode == 0, hit.stderr
    said = (
        f"Error: Cannot write to the patched-egg store {pond.path / 'patched-eggs'}: "
    )
    for done in (miss, pruned):
        assert done.returncode == 1, done
        assert said + "[Errno 13] Permission denied: " in done.stderr
        assert "; make it writable, or set patched-eggs-directory" in done.stderr
        assert "Traceback" not in done.stderr
    assert verified.returncode == 0
    assert (dry.returncode, dry.stdout.count("entry")) == (0, 1)
    assert before == after
    pond.run()
    assert pond.script("pond").stdout.split()[:2] == ["quack", "2"]


@pytest.mark.parametrize("fault", ["closed", "read-only", "file", "way"])
@pytest.mark.parametrize("command", ["buildout", "poach build", "buildout -o"])
def test_a_store_that_cannot_be_used_is_reported_once(project, index, fault, command):
    if os.geteuid():
        pytest.skip("only root can give a store to somebody else")
    names = ["pond", "lake", "loch"]
    folder = index.root / "store"
    cfg = with_store(folder / "below" if fault == "way" else folder)
    eggs = "".join(f"\n        {name}" for name in names)
    cfg = cfg.replace("eggs = pond", f"eggs ={eggs}")
    pins = "".join(f"\n    {name} = 1.0 +loud" for name in names[1:])
    made = project(cfg.replace("pond = 1.0 +loud", "pond = 1.0 +loud" + pins))
    for name in names:
        add_pond(index, name)
        made.write(f"patches/{name}/loud.patch", LOUD)
    if fault in ("file", "way"):
        folder.touch()
    else:
        (folder / "2" / ".staging").mkdir(parents=True)
        folder.chmod(0o700 if fault == "closed" else 0o755)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, JANE, JANE)
    cannot = {
        "closed": f"Cannot read the patched-egg store {folder}: {folder} belongs to "
        f"user {JANE} (mode 0700), who has to let others read it "
        f"(chmod -R a+rX {folder}); or set patched-eggs-directory",
        "read-only": f"Cannot write to the patched-egg store {folder}: [Errno 13] "
        f"Permission denied: '{folder}/2/.staging'; make it writable, "
        "or set patched-eggs-directory",
    }
    no_folder = "[buildout] patched-eggs-directory (buildout.cfg:5): {} is no folder"

    done = run_without_powers(made, *command.split())

    assert done.returncode == 1, done
    if (fault, command) != ("read-only", "buildout -o"):  # where nobody would write
        said = cannot.get(fault, no_folder.format(folder))
        assert done.stderr.partition("Error: ")[2] == said + "\n"


@pytest.fixture
def small(tmp_path):
    """A disk of 4 MB."""
    folder = tmp_path / "småll disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(params=["limit", "disk"])
def full(request, project, index, tmp_path):
    """A project with a patched pond that is larger than what can be stored.

    With it comes a limit on the size of files, None where the disk itself is small.
    """
    add_quick_pond(index, size=3_000_000)
    limit = 2_000_000 if request.param == "limit" else None
    folder = tmp_path / "store" if limit else request.getfixturevalue("small") / "store"
    made = project(with_store(folder))
    made.write("patches/pond/loud.patch", LOUD)
    return made, folder, limit


def test_a_full_disk(full, tmp_path):
    """The error says so, and what is built once there is room is right."""
    made, folder, limit = full

    done = run_without_powers(made, "buildout", limit=limit)

    assert done.returncode == 1, done
    assert "An internal error occurred" not in done.stderr
    assert "No space left on device" in done.stderr or "File too large" in done.stderr
    assert list(folder.glob("2/pond/*/*")) == []
    assert list(folder.glob("2/.staging/*")) == []
    made.poach("cache", "verify")
    made.poach("cache", "prune", *UNUSED)
    if limit is None:
        roomy = tmp_path / "roomy"
        shutil.copytree(folder, roomy)
        made.run(f"buildout:patched-eggs-directory={roomy}")
    else:
        made.run()
    assert quacks(made) == "QUACK"


def test_pruning_a_full_disk(pond, small):
    """What makes room needs none."""
    setting = f"buildout:patched-eggs-directory={small}"
    pond.run(setting)
    with (small / "filling").open("wb", buffering=0) as filling:
        with contextlib.suppress(OSError):
            while filling.write(bytes(4096)):
                pass
        assert shutil.disk_usage(small).free == 0
        done = pond.poach("cache", "prune", *UNUSED, setting)

    assert done.stdout.count("entry") == 1
    assert list(small.glob("2/pond")) == []
    assert shutil.disk_usage(small).free > 0


# Places and clocks


def test_a_store_that_was_moved_and_whose_clock_jumped(pond, tmp_path):
    """Nothing is built again, nothing is lost, and rubbish goes."""
    pond.run()
    rubbish = store(pond) / ".staging" / "1.another host.abc"
    rubbish.mkdir()
    moved = tmp_path / "møved eggs"
    (pond.path / "patched-eggs").rename(moved)
    setting = f"buildout:patched-eggs-directory={moved}"
    for moment in (0, time.time() - YEAR, time.time() + YEAR, 4_000_000_000):
        for path in [*moved.rglob("*"), moved]:
            os.utime(path, (moment, moment))

        done = pond.run(setting)

        assert "Building" not in done.output
        assert not (moved / "2" / ".staging" / rubbish.name).exists()
        assert quacks(pond) == "QUACK"
        pond.poach("cache", "verify", "--store", str(moved))
        (moved / "2" / ".staging" / rubbish.name).mkdir()
