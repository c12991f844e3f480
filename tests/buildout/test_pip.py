"""Pip runs in an environment of the user's that does not break a build."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import sys
from configparser import RawConfigParser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from poach.build.builder import BuildFailed, NotOneWheel, PipBuilder
from poach.build.pip import Pip
from poach.build.pipconfig import BARRED, NEUTRAL
from poach.build.process import CommandFailed
from poach.build.uv import Python, UvBuilder
from poach.buildout.eggs import BuildoutEggs
from poach.pins.build_key import BuildOptions
from support.wheels import WHEEL, make_wheel, record_of

SECRET = "https://jane:secret@example.com/simple"


class Runs:
    """A runner that remembers what it was to run, and makes a wheel."""

    def __init__(self):
        self.command = self.env = self.cwd = None

    def __call__(self, command, *, cwd, env, log):
        self.command, self.cwd, self.env = command, cwd, env
        if "--wheel-dir" in command:
            dest = Path(command[command.index("--wheel-dir") + 1])
            (dest / "pond-1.0-py3-none-any.whl").touch()


@pytest.fixture
def runs():
    return Runs()


def environment(runs, environ, **fields):
    """Return the variables that pip gets where the user has `environ`."""
    Pip("python3", environ=environ, runner=runs, **fields).run([], Path(), Path("log"))
    return without_ours(runs.env)


def without_ours(env):
    ours = {"PIP_DISABLE_PIP_VERSION_CHECK", "PIP_CONFIG_FILE", *NEUTRAL}
    return {k: v for k, v in env.items() if k not in ours}


def test_the_command(runs, tmp_path):
    Pip("python3", environ={}, runner=runs).run(["list"], tmp_path, Path("log"))

    assert runs.command == ["python3", "-m", "pip", "list"]
    assert runs.cwd == tmp_path
    assert without_ours(runs.env) == {}
    assert runs.env["PIP_DISABLE_PIP_VERSION_CHECK"] == "1"


@pytest.mark.parametrize(
    "name", ["USER", "PREFIX", "TARGET", "ROOT", "WHEEL_DIR", "REQUIREMENT", "DRY_RUN"]
)
def test_variables_that_would_break_a_build_are_dropped(runs, name):
    kept = {"PIP_NO_INDEX": "1", "USER": "jane", "HOME": "/home/jane"}

    assert environment(runs, {f"PIP_{name}": "1", **kept}) == kept


def test_variables_say_that_nothing_is_changed(runs):
    """pip 25 takes options from the files of the system where ours empties them."""
    Pip("python3", environ={"PIP_ROOT": "/x"}, runner=runs).run([], Path(), Path("log"))

    assert {**runs.env, **NEUTRAL} == runs.env
    assert {name.lower() for name in NEUTRAL if name.startswith("PIP_")} <= {
        f"pip_{name.replace('-', '_')}" for name in BARRED
    }


def test_the_path(runs):
    joined = os.pathsep.join(["/a", "/b", "/theirs"])

    assert environment(runs, {"PYTHONPATH": "/theirs"}, path=["/a", "/b"]) == {
        "PYTHONPATH": joined
    }
    assert environment(runs, {"PYTHONPATH": ""}) == {"PYTHONPATH": ""}


def hidden(runs, environ, **fields):
    """Run pip with places that are secret; return its environment and its file."""
    found = []

    def look(command, *, cwd, env, log):
        runs(command, cwd=cwd, env=env, log=log)
        path = Path(env["PIP_CONFIG_FILE"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found.extend([path, RawConfigParser()])
        found[1].read(path)

    folder = Path(environ["HOME"])
    pip = Pip("python3", environ=environ, runner=look, **fields)
    pip.run([], folder, Path("log"))
    assert not found[0].exists()
    assert not [word for word in runs.command if "secret" in word]
    return runs.env, said(found[1])


def said(config):
    """Return what a configuration says, without the options that are emptied."""
    found = {
        section: {k: v for k, v in config.items(section) if k not in BARRED or v}
        for section in config.sections()
    }
    return {section: options for section, options in found.items() if options}


TOKEN = "https://example.com/links?token=secret"


def test_a_place_with_a_secret_is_on_no_command_line(runs, tmp_path):
    """Nor on that of the pip which pip starts: only that one reads this section."""
    env, file = hidden(
        runs, {"HOME": str(tmp_path)}, indexes=[SECRET], links=["/wheels", TOKEN]
    )

    assert file == {"install": {"extra-index-url": SECRET, "find-links": TOKEN}}
    assert runs.command[-1] == "--find-links=/wheels"
    assert not [value for value in env.values() if SECRET in value or TOKEN in value]


@pytest.mark.parametrize(
    "url",
    [
        *("https://:secret@example.com/", "https://secret@example.com/"),
        *("ftp://jane:secret@example.com/", "https://example.com/?secret"),
        *("https://example.com/?x=secret", "https://ja:se%20cr@example.com/secret"),
    ],
)
def test_every_kind_of_secret(runs, tmp_path, url):
    _, file = hidden(runs, {"HOME": str(tmp_path)}, links=[url])

    assert file == {"install": {"find-links": url}}


@pytest.mark.parametrize("place", [".pip/pip.conf", ".config/pip/pip.conf", "my.conf"])
def test_the_users_configuration_counts_beside_a_secret(runs, tmp_path, place):
    conf = tmp_path / place
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text("[global]\ncert = %x\n[install]\nfind-links = /theirs\n")
    environ = {"HOME": str(tmp_path), "PIP_FIND_LINKS": "/more", "PIP_CERT": "/c"}
    if place == "my.conf":
        environ["PIP_CONFIG_FILE"] = str(conf)

    env, file = hidden(runs, environ, links=[TOKEN])

    assert file["global"] == {"cert": "%x"}
    assert file["install"]["find-links"].split() == [TOKEN, "/more", "/theirs"]
    assert "PIP_FIND_LINKS" not in env
    assert env["PIP_CERT"] == "/c"


def test_the_users_configuration_counts_if_the_one_that_is_named_is_not_there(
    runs, tmp_path
):
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip/pip.conf").write_text("[global]\ncert = mine\n")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "absent")}

    assert hidden(runs, environ)[1] == {"global": {"cert": "mine"}}


def test_without_configuration_files_a_secret_is_in_the_environment(runs):
    environ = {"PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": "https://a"}
    pip = Pip("python3", environ=environ, runner=runs, indexes=[SECRET])

    pip.run([], Path(), Path("log"))

    assert runs.env["PIP_CONFIG_FILE"] == os.devnull
    assert runs.env["PIP_EXTRA_INDEX_URL"] == f"{SECRET} https://a"


def test_where_one_pip_does_everything_it_sees_the_place(runs, tmp_path):
    environ = {"HOME": str(tmp_path), "PIP_USE_FEATURE": "inprocess-build-deps"}

    assert hidden(runs, environ, links=[TOKEN])[1] == {"global": {"find-links": TOKEN}}


def test_an_index_without_a_secret_adds_to_those_of_pips_configuration(runs):
    plain = "https://example.com/simple"

    assert environment(runs, {}, indexes=[plain]) == {}
    assert runs.command[-1] == f"--extra-index-url={plain}"


def test_relative_paths_count_from_where_the_user_is(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "pip.conf").write_text("[global]\ncert = mine")
    seen = []

    def look(command, *, cwd, env, log):
        seen.append(Path(env["PIP_CONFIG_FILE"]).read_text())
        runs(command, cwd=cwd, env=env, log=log)

    Pip("python3", environ={"PIP_CONFIG_FILE": "pip.conf"}, runner=look).run(
        [], Path("/tmp"), Path("log")
    )
    assert "cert = mine" in seen[0]
    assert environment(
        runs,
        {
            "PIP_FIND_LINKS": "wheels https://example.com/a file:///b /c",
            "PIP_CACHE_DIR": "absent",
        },
    ) == {
        "PIP_FIND_LINKS": f"{tmp_path}/wheels https://example.com/a file:///b /c",
        "PIP_CACHE_DIR": f"{tmp_path}/absent",
    }


def test_a_build(runs, tmp_path):
    tree = tmp_path / "pond-1.0"
    tree.mkdir()
    pip = Pip("python3", environ={"A": "user", "B": "user"}, runner=runs)
    options = BuildOptions({"libraries": "m"}, {"A": "part"})

    wheel = PipBuilder(pip, ["--find-links=/x"]).build(
        "pond", tree, tmp_path / "wheel", options, tmp_path / "log"
    )

    assert wheel == tmp_path / "wheel" / "pond-1.0-py3-none-any.whl"
    assert runs.command[3:] == [
        *("wheel", "--no-deps", "--no-input", "--find-links=/x"),
        *("--wheel-dir", str(tmp_path / "wheel"), str(tree)),
    ]
    assert without_ours(runs.env) == {
        "A": "part",
        "B": "user",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "SOURCE_DATE_EPOCH": "315532800",
    }
    assert "libraries = m" in (tree / "setup.cfg").read_text()


def test_a_build_that_fails(tmp_path):
    def fail(command, *, cwd, env, log):
        raise CommandFailed(command, 1, log, cwd)

    builder = PipBuilder(Pip("python3", environ={}, runner=fail))
    tree, log = tmp_path / "work" / "pond-1.0", tmp_path / "log"
    tree.mkdir(parents=True)

    with pytest.raises(BuildFailed) as caught:
        builder.build("pond 1.0", tree, tree.parent / "wheel", BuildOptions(), log)

    assert str(caught.value) == (
        "Building pond 1.0 failed: exit code 1 from: python3 -m pip wheel --no-deps "
        "--no-input --wheel-dir .../wheel .../pond-1.0\n"
        f"the full log is in {log}"
    )


# With a real pip, and a real uv


@pytest.fixture(params=["pip", "uv"])
def built_with(request):
    """Return a builder that builds with one of both."""

    def builder(pip):
        if request.param == "pip":
            return PipBuilder(pip)
        python = Python("cp311", "3.11.0", sys.prefix, version("pip"))
        return UvBuilder(PipBuilder(pip), python, must=True)

    if request.param == "uv":
        pytest.importorskip("uv")
    return builder


BACKEND = """
import zipfile

METADATA = "Metadata-Version: 2.1\\nName: pond\\nVersion: 1.0\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "pond-1.0-py3-none-any.whl", "pond-1.0.dist-info/"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("pond.py", "")
        wheel.writestr(info + "METADATA", METADATA)
        wheel.writestr(info + "WHEEL", WHEEL)
        wheel.writestr(info + "RECORD", "")
    return name
"""


def project(folder, requires=(), path='"."'):
    folder.mkdir(parents=True)
    backend = f'build-backend = "backend"\nbackend-path = [{path}]\n'
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        f"[build-system]\nrequires = {list(requires)}\n{backend}"
    )
    return folder


def wheel_of(folder, name, files):
    info = f"{name}-1.0.dist-info"
    headers = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files = {**files, f"{info}/METADATA": headers.encode(), f"{info}/WHEEL": WHEEL}
    folder.mkdir(exist_ok=True)
    own = f"{info}/RECORD"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    return make_wheel(path, {**files, own: record_of(files, own)})


@pytest.fixture
def conf(tmp_path):
    """Write a pip.conf; return the variables of a user who has it."""
    kept = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}

    def write(text):
        path = tmp_path / "pip.conf"
        path.write_text(text)
        return {**kept, "HOME": str(tmp_path), "PIP_CONFIG_FILE": str(path)}

    return write


ODD = [
    "[wheel]\nrequirement = {0}/requirements.txt\nwheel-dir = {0}/elsewhere",
    "[global]\nrequirement = {0}/requirements.txt\nrequire-hashes = true",
    "[install]\nrequirement = not-there.txt\ntarget = {0}/elsewhere",
    "[global]\nuser = true\nrequire-virtualenv = true\nprefix = {0}/elsewhere",
    "[install]\nroot = {0}/elsewhere\n[global]\nquiet = 3\ndry-run = true",
    "[wheel]\nno-binary = :all:\n[install]\nno-binary = :all:\nupgrade = true",
    "[global]\nonly-binary = :all:\nno-deps = false",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_options_in_pips_configuration_break_nothing(
    tmp_path, conf, text, built_with
):
    other = project(tmp_path / "other")
    (tmp_path / "requirements.txt").write_text(str(other))
    environ = conf(text.format(tmp_path))
    tree, dest = project(tmp_path / "work" / "pond-1.0"), tmp_path / "work" / "wheel"
    if "-binary" in text and built_with(None).__class__ is UvBuilder:
        pytest.skip("uv has no such option")
    builder = built_with(Pip(sys.executable, environ=environ))

    wheel = builder.build("pond 1.0", tree, dest, BuildOptions(), tmp_path / "log")

    assert wheel == dest / "pond-1.0-py3-none-any.whl"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("text", ODD)
def test_odd_options_in_pips_configuration_harm_no_egg(tmp_path, conf, text):
    (tmp_path / "requirements.txt").write_text("other")
    wheel = wheel_of(tmp_path, "pond", {"pond-1.0.data/purelib/pond.py": b""})
    pip = Pip(sys.executable, environ=conf(text.format(tmp_path)))

    egg = BuildoutEggs(pip).make(wheel, tmp_path / "egg", tmp_path / "log")

    assert (egg / "pond.py").is_file()
    assert not (tmp_path / "elsewhere").exists()


WHERE = ("prefix", "target", "root", "src", "report", "wheel-dir")
WHAT = {
    **dict.fromkeys(WHERE, "{0}/elsewhere/x"),
    **dict.fromkeys(BARRED - {"requirement", "editable", "python", *WHERE}, "true"),
    "requirement": "{0}/requirements.txt",
    "editable": "{0}/other",
    "python": "{0}/no-python",
}


@pytest.mark.parametrize("place", ["global", "user", "named", "environment"])
def test_what_pip_is_to_do_only_poach_says(tmp_path, conf, place, built_with):
    """Also the pip that pip starts for what a build requires, by whatever file."""
    project(tmp_path / "other")
    (tmp_path / "requirements.txt").write_text(str(tmp_path / "other"))
    wheel_of(tmp_path / "links", "tadpole", {"tadpole.py": b""})
    tree, dest = project(tmp_path / "work" / "pond-1.0", ["tadpole"]), tmp_path / "w"
    values = {name: value.format(tmp_path) for name, value in WHAT.items()}
    lines = "\n".join(f"{name} = {value}" for name, value in values.items())
    environ = conf("\n".join(f"[{s}]\n{lines}" for s in ("global", "install", "wheel")))
    environ["PIP_NO_INDEX"] = "1"
    if place == "environment":
        del environ["PIP_CONFIG_FILE"]
        env_names = {n: f"PIP_{n.upper().replace('-', '_')}" for n in values}
        environ |= {env_names[name]: value for name, value in values.items()}
    elif place != "named":
        folder = {"global": "xdg", "user": ".config"}[place]
        (tmp_path / folder / "pip").mkdir(parents=True)
        Path(environ.pop("PIP_CONFIG_FILE")).rename(tmp_path / folder / "pip/pip.conf")
        environ["XDG_CONFIG_DIRS"] = str(tmp_path / "xdg")
    pip = Pip(sys.executable, links=[str(tmp_path / "links")], environ=environ)

    wheel = built_with(pip).build("pond", tree, dest, BuildOptions(), tmp_path / "log")

    assert wheel == dest / "pond-1.0-py3-none-any.whl"
    assert not (tmp_path / "elsewhere").exists()


def test_the_rest_of_pips_configuration_counts(runs, tmp_path):
    """What is barred is so in every spelling that pip knows."""
    (tmp_path / "my.conf").write_text(
        "[DEFAULT]\nROOT = /x\n[global]\nproxy = p\n[wheel]\n--wheel_dir = /x\n"
        "config-settings = a=b\n[install]\nno_binary = :all:\nno-deps = 1\n"
    )
    files = []

    def look(command, *, cwd, env, log):
        files.append(RawConfigParser())
        files[0].read(env["PIP_CONFIG_FILE"])

    environ = {"PIP_CONFIG_FILE": str(tmp_path / "my.conf")}
    Pip("python3", environ=environ, runner=look).run([], tmp_path, Path("log"))

    assert said(files[0]) == {
        "global": {"proxy": "p"},
        "wheel": {"config-settings": "a=b"},
        "install": {"no_binary": ":all:"},
    }


def test_of_a_configuration_that_is_none_pip_complains(tmp_path, conf):
    tree = project(tmp_path / "work" / "pond-1.0")
    builder = PipBuilder(Pip(sys.executable, environ=conf("index-url = x\n")))

    with pytest.raises(BuildFailed):
        builder.build("pond", tree, tmp_path / "w", BuildOptions(), tmp_path / "log")

    assert "onfiguration file" in (tmp_path / "log").read_text()


def test_more_wheels_than_one(tmp_path, conf):
    tree = project(tmp_path / "work" / "pond-1.0")

    def two(command, *, cwd, env, log):
        for name in ("a-1-py3-none-any.whl", "b-1-py3-none-any.whl"):
            (tmp_path / "work" / "wheel" / name).touch()

    builder = PipBuilder(Pip("python3", environ=conf(""), runner=two))

    with pytest.raises(NotOneWheel, match=r"made a-1-\S+, b-1-\S+, and not one"):
        builder.build(
            "pond 1.0", tree, tmp_path / "work" / "wheel", BuildOptions(), Path("log")
        )


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


class Guarded(SimpleHTTPRequestHandler):
    """Lets in who has the password and the token; looks at all command lines then."""

    def do_GET(self):
        self.server.lines.extend(command_lines())
        wanted = "Basic " + base64.b64encode(b"jane:secret").decode()
        if self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="pond"')
            self.end_headers()
            return None
        if self.path.endswith(".whl"):
            return super().do_GET()
        self.server.tokens.append(self.path)
        body = b'<a href="tadpole-1.0-py3-none-any.whl">tadpole</a>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_):
        pass


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
def test_no_process_shows_a_secret_while_pip_fetches(tmp_path, conf, built_with):
    """The pip that a build starts for its requirements is the one that fetches."""
    wheel_of(tmp_path / "served", "tadpole", {"tadpole.py": b""})
    handler = partial(Guarded, directory=str(tmp_path / "served"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.lines, server.tokens = [], []
    Thread(target=server.serve_forever, args=(0.01,)).start()
    url = f"http://jane:secret@127.0.0.1:{server.server_port}/?token=hushhush"
    tree = project(tmp_path / "work" / "pond-1.0", ["tadpole"])
    pip = Pip(sys.executable, links=[url], environ=conf("[global]\nno-index = true"))
    try:
        built_with(pip).build(
            "pond 1.0", tree, tmp_path / "work/wheel", BuildOptions(), tmp_path / "log"
        )
    finally:
        server.shutdown()
        server.server_close()

    assert server.tokens
    tools = [line for line in server.lines if b"install" in line or b"build" in line]
    assert [line for line in tools if b"pip" in line or b"/uv" in line]
    assert not [line for line in server.lines if b"secret@" in line]
    assert not [line for line in server.lines if b"hushhush" in line]
