"""The bench itself, proved with plain buildout."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path

import pytest

from support import CALLER, dists, hermetic, once, wheels

DEMO = """
    [buildout]
    index = %(index)s
    parts = demo

    [demo]
    recipe = zc.recipe.egg
    eggs = demo
    """


MAIN = """
    def main():
        import weboblike
        print(weboblike.answer)
    """


def add_demo(index):
    index.add_sdist("webob-like", "1.0", {"weboblike.py": "answer = 'yes'\n"})
    return index.add_sdist(
        "demo",
        "1.0+x",
        {"demo/__init__.py": MAIN},
        requires=["webob-like >=1"],
        entry_points={"console_scripts": ["demo = demo:main"]},
    )


def get(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


@pytest.mark.every_buildout
def test_a_plain_buildout(index, project):
    add_demo(index)
    plain = project(DEMO)
    before = plain.snapshot()

    result = plain.run()

    assert "Got demo" in result.output
    assert plain.script("demo").stdout == "yes\n"
    assert "/files/demo/demo-1.0%2Bx.tar.gz" in index.requests
    assert not index.scanned
    assert list(before) == ["buildout.cfg"]
    assert "bin/demo" in plain.snapshot()
    assert {event.args for event in result.connections} == {
        ("127.0.0.1", index.url.split(":")[2].split("/")[0])
    }
    assert any("pip" in event.args for event in result.processes)


def test_a_later_run_changes_nothing_and_is_quiet(index, project):
    add_demo(index)
    plain = project(DEMO)
    plain.run()
    plain.run("-N")  # turns the order of the eggs in bin/demo round
    before = plain.snapshot("bin", "eggs")

    again = plain.run("-N")

    assert plain.snapshot("bin", "eggs") == before
    assert again.audit == ()


def test_an_unknown_project_makes_plain_buildout_scan(index, project):
    result = project(DEMO.replace("eggs = demo", "eggs = lost")).run(expect=1)
    assert result.error == "Couldn't find a distribution for 'lost'."
    assert index.scanned


def test_a_wheel_is_installed(index, project):
    index.add_wheel(
        "Demo-Wheel",
        "2.0",
        {"demo_wheel.py": "def main():\n    print('wheel')\n"},
        entry_points={"console_scripts": ["demo = demo_wheel:main"]},
    )
    plain = project(DEMO.replace("eggs = demo", "eggs = Demo-Wheel"))
    plain.run()
    assert plain.script("demo").stdout == "wheel\n"


def test_an_unexpected_exit_code_shows_the_output(project):
    with pytest.raises(AssertionError, match=r"exit code 1\n(.*\n)*Error: The ref"):
        project("[buildout]\nparts = lost\n").run()


def test_poach_is_installed(project):
    python = project("").environment.program("python")
    where = project("").command(python, "-c", "import poach; print(poach.__file__)")
    assert Path(where.stdout).is_relative_to(python.parents[1])


def test_runs_see_nothing_of_the_user(monkeypatch, home, project):
    for name in ("PIP_INDEX_URL", "HTTPS_PROXY", "PYTHONPATH", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "the user's")
    plain = project("[buildout]\nparts =\n")
    (home / ".buildout").mkdir()
    (home / ".buildout" / "default.cfg").write_text("[buildout]\ncolour = blue\n")

    show = "import os, pathlib; print(pathlib.Path.home(), 'user' in str(os.environ))"
    python = plain.environment.program("python")
    assert plain.command(python, "-c", show).stdout == f"{home} False\n"
    assert plain.run("query", "buildout:colour").stdout.endswith("\nblue\n")


def test_tests_see_another_home(no_home):
    assert Path.home() == no_home
    assert os.environ["HOME"] != CALLER["HOME"]
    assert Path("~/.buildout").expanduser().is_relative_to(no_home)


def test_hermetic_variables_hold_no_other_home(tmp_path):
    home = str(tmp_path)
    variables = hermetic(tmp_path, tmp_path / "wheels")
    for name in ("HOME", "BUILDOUT_HOME", "TMPDIR", "PIP_FIND_LINKS"):
        assert variables[name].startswith(home)


def test_index_page(index):
    sdist = add_demo(index)
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    href = f'href="/files/demo/demo-1.0%2Bx.tar.gz#sha256={digest}"'
    assert href in get(f"{index.url}demo/").decode()
    assert href in get(f"{index.url}DEMO").decode()
    assert index.requests == ["/simple/demo/", "/simple/DEMO", "/simple/demo/"]
    assert get(f"{index.base}/files/demo/demo-1.0%2Bx.tar.gz") == sdist.read_bytes()


def test_index_serves_other_files(index):
    url = index.put("diffs/a+b.patch", "--- a\n")
    assert url == f"{index.base}/diffs/a%2Bb.patch"
    assert get(url) == b"--- a\n"


@pytest.mark.parametrize(
    ("path", "status"), [("/simple/", 410), ("/simple/lost/", 404), ("/sick", 503)]
)
def test_index_refuses(index, path, status):
    index.status["/sick"] = 503
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(index.base + path)
    refusal.value.close()
    assert refusal.value.code == status


def test_dists_tell_what_they_require(tmp_path):
    details = {"requires": ["a>1"], "extras": {"more": ["b"]}}
    wheel = tmp_path / dists.wheel_name("d-d", "1")
    wheel.write_bytes(dists.wheel("d-d", "1", {"d.py": ""}, **details))
    [found] = distributions(path=[str(wheel)])
    assert found.name == "d-d"
    assert found.requires == ["a>1", 'b ; extra == "more"']
    assert all(file.hash for file in found.files if file.name != "RECORD")

    setup = dists.sdist("d-d", "1", {"d.py": ""}, zip_safe=False, **details)
    with tarfile.open(fileobj=io.BytesIO(setup)) as archive:
        text = archive.extractfile("d-d-1/setup.py").read().decode()
    assert "    py_modules=['d'],\n" in text
    assert "    extras_require={'more': ['b']},\n" in text
    assert "    zip_safe=False,\n" in text


@pytest.mark.parametrize("more", [{}, {"package_dir": {"": "src"}}])
def test_the_quick_build_makes_what_setuptools_makes(tmp_path, more):
    files = {
        "d.py": "",
        "e/__init__.py": "1",
        "e/f/__init__.py": "2",
        "e/data.txt": "3",
        "left.txt": "out",
    }
    root = "src/" if more else ""
    details = {
        "requires": ["a>1"],
        "extras": {"more": ["b"]},
        "entry_points": {"console_scripts": ["d = d:main"]},
        "packages": ["e", "e.f"],
        "py_modules": ["d"],
        **more,
    }
    made = {}
    for setuptools in (True, False):
        sdist = tmp_path / f"{setuptools}.tar.gz"
        sources = {root + name: text for name, text in files.items()}
        data = dists.sdist("d-d", "1", sources, setuptools=setuptools, **details)
        sdist.write_bytes(data)
        folder = tmp_path / str(setuptools)
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "-q"]
        command = [*pip, "--no-build-isolation", "-w", str(folder), str(sdist)]
        subprocess.run(command, check=True, env=CALLER)
        (made[setuptools],) = folder.iterdir()

    assert made[True].name == made[False].name
    one, other = (
        {
            path: data
            for path, data in wheels.contents(wheel).items()
            if path[:2] != "d_"
        }
        for wheel in made.values()
    )
    assert one == other
    assert set(one) == {"d.py", "e/__init__.py", "e/f/__init__.py", "e/data.txt"}
    one, other = map(metadata, made.values())
    assert spaceless(one.requires) == spaceless(other.requires)
    assert set(one.entry_points) == set(other.entry_points)


def spaceless(texts):
    return [text.replace(" ", "") for text in texts]


def metadata(wheel):
    [found] = distributions(path=[str(wheel)])
    return found


def test_one_process_makes_what_others_wait_for(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        Path(folder, "file").touch()
        time.sleep(0.1)

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: once(tmp_path / "common", make), range(4)))

    assert made == found[:1]
    assert found == [tmp_path / "common"] * 4
    assert [file.name for file in found[0].iterdir()] == ["file"]


def test_what_one_could_not_make_the_next_makes(tmp_path):
    def fail(folder):
        Path(folder, "half").touch()
        raise OSError

    with pytest.raises(OSError):
        once(tmp_path / "common", fail)

    assert list(once(tmp_path / "common", lambda _: None).iterdir()) == []


def test_sdists_are_the_same_bytes_each_time(index):
    assert add_demo(index).read_bytes() == add_demo(index).read_bytes()
