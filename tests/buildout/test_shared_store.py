"""A store beyond one machine: real buildouts, and nginx with WebDAV between them."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from support import CALLER
from support.dav import STRICT, WRITABLE, Nginx
from support.pond import CFG, LOUD, LOUD_C, WIDE, add_cpond, add_pond

SHARING = CFG.replace(
    "extensions = poach",
    """extensions = poach
    patched-eggs-url = %(url)s
    patched-eggs-upload = true""",
)


@pytest.fixture
def nginx(tmp_path):
    with Nginx(tmp_path / "nginx") as server:
        yield server


@pytest.fixture
def pond(index, project, nginx):
    """Make a project that shares patched ponds: ``pond(name, cfg=, url=)``."""
    add_pond(index)

    def make(name, cfg=SHARING, url=nginx.url):
        made = project(cfg.replace("%(url)s", url), name)
        made.write("patches/pond/1.0/loud.patch", LOUD)
        made.write("patches/pond/1.0/wide.patch", WIDE)
        return made

    return make


def printed(result, begin):
    """The lines of the output that begin so."""
    return [line for line in result.output.splitlines() if line.startswith(begin)]


def warnings(result):
    return printed(result, "Did not")


def test_one_builds_and_the_other_fetches(pond, nginx):
    one, other = pond("one"), pond("other")

    built = one.run()
    got = other.run()

    (entry,) = nginx.entries
    place = entry.relative_to(nginx.files)
    where = re.escape(f"{nginx.url}{place}")
    pond_ = r"pond 1\.0\+loud\.p[0-9a-f]{8}"
    assert re.fullmatch(r"2/pond/[0-9a-f]{64}\.zip", str(place))
    (line,) = printed(built, "Uploaded")
    assert re.fullmatch(rf"Uploaded {pond_} to {where} \(\d+ kB\)", line)
    (line,) = printed(got, "Fetched")
    assert re.fullmatch(rf"Fetched {pond_} from {where} \(\d+ kB\)", line)
    assert printed(built, "Built") and not printed(got, "Built") + printed(
        got, "Patching"
    )
    assert warnings(built) == warnings(got) == printed(built, "Unused") == []
    assert other.script("pond").stdout.startswith("QUACK 1 ")
    assert entries(other) == entries(one)
    origin = {"fetched-from": f"{nginx.url}{place}", "signed-by": None}
    assert entry_json(other) == {**entry_json(one), **origin}
    asked = ["GET", "HEAD", "PUT", "GET"]
    assert [line.split()[0] for line in nginx.requests] == asked
    assert other.run("-N").audit == ()  # no sockets, no processes
    assert len(nginx.requests) == len(asked)


def entries(project):
    """What the entries of `project` are made of, but for byte code and entry.json."""
    store = project.path / "patched-eggs" / "2"
    found = project.snapshot(store)
    start, record = "patched-eggs/2/pond/", "/entry.json"
    return {
        name: digest
        for name, digest in found.items()
        if name.startswith(start) and not name.endswith(record)
    }


def entry_json(project):
    """The record of the one entry of a project."""
    (path,) = project.path.glob("patched-eggs/2/*/*/*/entry.json")
    return json.loads(path.read_bytes())


def test_eggs_for_another_interpreter(pond, environment):
    python = str(environment.program("python"))

    built = pond("one").poach("build", "--python", python)
    got = pond("other").poach("build", "--python", python)

    assert printed(built, "Uploaded pond 1.0+loud") and printed(
        got, "Fetched pond 1.0+loud"
    )
    assert not printed(got, "Built") + warnings(got)


def test_folders_are_made_where_the_server_wants_that(pond, tmp_path):
    with Nginx(tmp_path / "strict", STRICT) as strict:
        built = pond("one", url=f"{strict.url}deep").poach("build")
        asked = [line.split()[:2] for line in strict.requests]

        assert printed(built, "Uploaded") and not warnings(built)
        assert ["MKCOL", "/deep/2/pond/"] in asked
        assert [path.parts[-4:-1] for path in strict.entries] == [("deep", "2", "pond")]


def test_a_server_that_wants_digests_for_names(pond, nginx):
    """As bazel-remote does: ac/ and 64 hex digits."""
    built = pond("one", url=f"{nginx.url}ac/{{key}}").poach("build")

    assert printed(built, "Uploaded")
    (entry,) = nginx.entries
    assert re.fullmatch("ac/[0-9a-f]{64}", str(entry.relative_to(nginx.files)))


def test_no_upload_unless_it_is_on(pond, nginx):
    cfg = SHARING.replace("patched-eggs-upload = true", "")

    built = pond("one", cfg).poach("build")

    assert [line.split()[0] for line in nginx.requests] == ["GET"]
    assert not printed(built, "Uploaded") + warnings(built)


def test_offline_asks_nobody(pond, nginx):
    result = pond("one").run("-o", expect=1)

    assert "There is no patched egg of pond" in result.error
    assert nginx.requests == []


def test_nobody_is_asked_where_the_download_cache_is_enough(pond, nginx):
    one = pond("one")
    (one.path / "cache").mkdir()
    one.poach("build", "buildout:download-cache=cache")
    before = nginx.requests
    shutil.rmtree(one.path / "patched-eggs")

    cached = ("buildout:download-cache=cache", "buildout:install-from-cache=true")
    built = one.poach("build", *cached)

    assert printed(built, "Built") and not printed(built, "Uploaded")
    assert nginx.requests == before


def test_what_is_there_stays(pond, nginx):
    """Even if it is rubbish: others may have reasons."""
    pond("one").poach("build")
    (entry,) = nginx.entries
    entry.write_bytes(b"<!DOCTYPE html><p>Please log in\n")

    result = pond("other").run()

    (line,) = warnings(result)
    url = f"{nginx.url}{entry.relative_to(nginx.files)}"
    assert line == (
        f"Did not get {printed(result, 'Built')[0].split(' in ')[0][6:]} from {url}: "
        "it is not a zip archive: it begins with b'<!DOCTYPE html><'; it is built here"
    )
    assert not printed(result, "Uploaded")
    assert entry.read_bytes().startswith(b"<!DOCTYPE")


def test_nothing_of_the_machine_is_uploaded(index, pond, nginx, tmp_path):
    """As the README says, with -g0 for the compiler."""
    options = "\n    [options]\n    SECRET = swordfish\n    CFLAGS = -g0\n"
    recipe = "recipe = poach:egg\n    egg = pond\n    environment = options"
    cfg = SHARING.replace("recipe = zc.recipe.egg\n    eggs = pond", recipe)
    built = pond("one", cfg + options).poach("build")

    add_cpond(index)
    cfg = SHARING.replace("pond = 1.0", "cpond = 1.0")
    cfg = cfg.replace("recipe = zc.recipe.egg\n    eggs = pond", recipe)
    quiet = pond("quiet", cfg.replace("egg = pond", "egg = cpond") + options)
    quiet.write("patches/cpond/1.0/loud.patch", LOUD_C)
    compiled = quiet.poach("build")

    for result, entry in zip((compiled, built), nginx.entries, strict=True):
        assert printed(result, "Uploaded")
        assert_without(entry, [str(tmp_path).encode(), b"swordfish"])


def assert_without(entry, secrets):
    with zipfile.ZipFile(entry) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert not [one for one in secrets if one in data], name
        assert "entry.json" in archive.namelist()


# Servers that do not work


def two_ponds(index, make, **more):
    """A project with two patched pins, so that a server is asked twice, if at all."""
    add_pond(index, "lake")
    cfg = SHARING.replace("pond = 1.0 +loud", "pond = 1.0 +loud\n    lake = 1.0 +loud")
    made = make("two", cfg, **more)
    made.write("patches/lake/1.0/loud.patch", LOUD)
    return made


def test_a_server_that_is_down_is_asked_once(index, pond, tmp_path):
    with Nginx(tmp_path / "gone") as gone:
        pass

    result = two_ponds(index, pond, url=gone.url).poach("build")

    (line,) = warnings(result)
    assert re.match(r"Did not get (pond|lake) 1\.0\+loud\.p", line)
    assert f" from {gone.url}2/" in line
    assert "Connection refused" in line
    assert line.endswith("; it is built here, and this server is left alone")
    assert len(printed(result, "Built")) == 2
    asked = [event.name for event in result.audit if str(gone.port) in event.args]
    assert asked.count("socket.connect") == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (f"{WRITABLE} client_max_body_size 1k;", "413; others do not get it"),
        (
            "",
            "405; others do not get it, and this server is left alone",
        ),
    ],
)
def test_a_server_that_takes_nothing(index, pond, tmp_path, options, line):
    with Nginx(tmp_path / "strict", options) as strict:
        result = two_ponds(index, pond, url=strict.url).poach("build")
        shown = warnings(result)

    assert len(shown) == (1 if "alone" in line else 2)
    assert re.match(r"Did not upload (pond|lake) 1\.0\+loud\.p", shown[0])
    assert shown[0].endswith(f"the server answers with status {line}")
    assert len(printed(result, "Built")) == 2


def test_hosts_that_are_not_allowed(index, pond, nginx):
    made = two_ponds(index, pond)
    host = index.base.partition("//")[2]

    result = made.poach("build", f"buildout:allow-hosts={host}")

    (line,) = warnings(result)
    assert (
        f"allow-hosts does not admit 127.0.0.1:{nginx.port}; it is built here" in line
    )
    assert len(printed(result, "Built")) == 2


# Who may


@pytest.fixture
def guarded(tmp_path):
    """An nginx that wants a password."""
    root = tmp_path / "guarded"
    root.mkdir()
    (root / "users").write_text("duck:{PLAIN}qu@ck\n")
    options = f"auth_basic pond; auth_basic_user_file {root}/users;"
    with Nginx(root, f"{WRITABLE} {options}") as server:
        yield server


def test_netrc(pond, guarded, home):
    home.mkdir()
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login duck password qu@ck\n")
    netrc.chmod(0o600)

    built = pond("one", url=guarded.url).poach("build")

    assert printed(built, "Uploaded")
    assert all(line.endswith(" duck") for line in guarded.requests)


def test_credentials_in_the_url_are_not_shown(pond, guarded):
    url = guarded.url.replace("//", "//duck:qu%40ck@")

    one = pond("one", url=url)
    built = one.poach("build")

    assert printed(built, "Uploaded") and guarded.entries
    assert "ck@" not in built.output
    for path in (one.path / "patched-eggs").rglob("*.json"):
        assert b"qu%40ck" not in path.read_bytes()
    wrong = pond("wrong", url=url.replace("%40", "%41")).poach("build")
    (line,) = warnings(wrong)
    assert line.endswith(
        "status 401: it refuses the user and password of the URL, or of ~/.netrc; "
        "it is built here, and this server is left alone"
    )
    assert "ck@" not in wrong.output


def test_a_proxy(pond, nginx):
    """The proxy alone knows the host's name: it is nginx, and answers itself."""
    variables = {"http_proxy": nginx.url, "no_proxy": "127.0.0.1"}

    built = pond("one", url="http://eggs.invalid/").poach("build", env=variables)

    assert printed(built, "Uploaded") and nginx.entries


# Signatures


@pytest.fixture(scope="module")
def signs(tmp_path_factory):
    """The variables of a process that has the extra ``sign``."""
    folder = tmp_path_factory.mktemp("sign")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
    subprocess.run([*command, "cryptography"], check=True, env=CALLER)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def key(pond, tmp_path, signs):
    """Make a key pair; its file and its public half."""
    project = pond("keys")

    def make(name):
        path = tmp_path / f"{name}.pem"
        return path, project.poach("key", "--new", str(path), env=signs).stdout.strip()

    return make


def signing(path, public):
    return SHARING.replace(
        "patched-eggs-upload = true",
        f"""patched-eggs-upload = true
    patched-eggs-signing-key = {path}
    patched-eggs-trusted-keys = {public}""",
    )


def trusting(public):
    return SHARING.replace(
        "patched-eggs-upload = true", f"patched-eggs-trusted-keys = {public}"
    )


def test_signed_entries(pond, key, signs, tmp_path):
    path, public = key("ours")
    _, stranger = key("stranger")
    keys = tmp_path / "keys.txt"
    keys.write_text(f"# those of the farm\n{stranger}\n\n{public}\n")

    built = pond("one", signing(path, public)).poach("build", env=signs)
    got = pond("other", trusting(keys)).run(env=signs)
    careful = pond("careful", trusting(stranger)).run(env=signs)
    careless = pond("careless", trusting(public))

    assert printed(built, "Uploaded") and printed(got, "Fetched") and not warnings(got)
    (line,) = warnings(careful)
    assert line.endswith(": it is signed by no trusted key; it is built here")
    assert printed(careful, "Built") and not printed(careful, "Fetched")
    assert printed(careless.poach("build", env=signs), "Fetched")


def recorded(project):
    """What the one entry of a store says about where it is from."""
    entry = entry_json(project)
    return {k: v for k, v in entry.items() if k in ("fetched-from", "signed-by")}


def test_what_was_fetched_is_used_as_long_as_its_key_is_trusted(pond, key, signs):
    path, public = key("ours")
    _, stranger = key("stranger")
    built = pond("one", signing(path, public))
    built.poach("build", env=signs)
    got = pond("other", trusting(public))
    (url,) = re.findall(r"Fetched .* from (http:.*?) ", got.run(env=signs).output)
    cfg = got.path / "buildout.cfg"

    assert recorded(built) == {}
    assert recorded(got) == {"fetched-from": url, "signed-by": public}
    store = ["--store", str(got.path / "patched-eggs")]
    (entry,) = json.loads(got.poach("cache", "list", "--json", *store).stdout)[
        "entries"
    ]
    assert (entry["fetched-from"], entry["signed-by"]) == (url, public)
    assert (
        f"\n  from {url}, signed by {public}\n"
        in got.poach("cache", "list", *store).stdout
    )
    verified = json.loads(got.poach("cache", "verify", "--json", *store).stdout)
    assert verified["signed-by"] == {entry["path"]: public}
    got.run(env=signs)

    cfg.write_text(cfg.read_text().replace(public, stranger))
    for words in ([], ["-o"]):
        result = got.run(*words, env=signs, expect=1)
        assert result.error == (
            f"The patched egg in {entry['path']} came from {url} and is signed by none "
            f"of patched-eggs-trusted-keys (signed by {public}); remove it, and it is "
            "fetched or built again"
        )
    assert "not used (The patched egg in" in got.poach("list", env=signs).stdout
    shutil.rmtree(entry["path"])
    assert printed(got.run(env=signs), "Built")


def test_what_was_fetched_before_there_were_keys(pond, key, signs):
    """Also without the server, and by a buildout that was built beside it."""
    _, public = key("ours")
    pond("one").poach("build")
    got = pond("other")
    assert printed(got.poach("build"), "Fetched")
    assert recorded(got)["signed-by"] is None
    store = str(got.path / "patched-eggs")
    verified = got.poach("cache", "verify", "--store", store).stderr.splitlines()
    assert verified[0].startswith("Checked 1 egg, ")
    assert verified[1:] == ["1 egg from servers, signatures not checked"]
    keys = f"patched-eggs-trusted-keys = {public}"
    careful = pond(
        "careful",
        CFG.replace(
            "parts", f"{keys}\n    patched-eggs-directory = {store}\n    parts"
        ),
    )

    error = careful.run(env=signs, expect=1).error

    assert " and is signed by none of patched-eggs-trusted-keys (no signature " in error


def test_unsigned_entries(pond, key, signs):
    _, public = key("ours")
    pond("one").poach("build")

    careful = pond("careful", trusting(public)).poach("build", env=signs)

    (line,) = warnings(careful)
    assert line.endswith(": it is not signed; it is built here")
    assert printed(careful, "Built")


def test_a_key_that_others_can_read(pond, key, signs, nginx):
    path, public = key("ours")
    project = pond("one", signing(path, public))
    assert project.poach("key", str(path), env=signs).stdout.strip() == public
    path.chmod(0o640)

    result = project.run(env=signs, expect=1)

    error = (
        f"The signing key {path} can be read by others (mode 0640): chmod 600 {path}"
    )
    place = "[buildout] patched-eggs-signing-key (buildout.cfg:6): "
    assert result.error == place + error
    assert not nginx.entries and not printed(result, "Building")
    assert project.poach("key", str(path), env=signs, expect=1).error == error


def test_a_key_is_not_made_twice(pond, key, signs):
    path, _ = key("ours")
    before = path.read_bytes()

    again = pond("one").poach("key", "--new", str(path), env=signs, expect=1)

    assert again.error == f"The signing key {path} cannot be made: File exists"
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def pem(kind, data):
    middle = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{middle}-----END {kind}-----\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "is not a PEM file without a password"),
        ("secret", "is not a PEM file without a password"),
        (pem("OPENSSH PRIVATE KEY", b"x" * 99), "is not a PEM file without a password"),
        (
            pem("ENCRYPTED PRIVATE KEY", b"x" * 9),
            "is not a PEM file without a password",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n",
            "is not a PEM file without a password",
        ),
        (
            pem(
                "PRIVATE KEY", bytes.fromhex("302e020100300506032b656e04220420") + b"x"
            ),
            "is not for ed25519; 'poach key --new' makes one that is",
        ),
    ],
)
def test_a_bad_key_is_reported_with_the_other_options(pond, tmp_path, text, reason):
    """Before it is needed, and where there is no cryptography."""
    path = tmp_path / "key.pem"
    if text is not None:
        path.write_text(text)
        path.chmod(0o600)
    cfg = signing(path, "nonsense").replace(
        "extensions", "patch-fuzz = 7\n    extensions"
    )
    project = pond("one", cfg)

    assert project.poach("list", expect=1).error.splitlines() == [
        "[buildout] patch-fuzz (buildout.cfg:3): '7' is none of 0, 1, 2",
        "[buildout] patched-eggs-trusted-keys (buildout.cfg:8): cannot read "
        f"{project.path}/nonsense: No such file or directory",
        f"[buildout] patched-eggs-signing-key (buildout.cfg:7): The signing key {path} "
        + reason,
    ]


def test_a_key_is_not_needed_where_uploads_are_switched_off(pond, tmp_path):
    """As on all machines but the one that has it."""
    keys = tmp_path / "keys.txt"
    keys.write_text("ed25519:" + 43 * "A" + "=\n")
    cfg = signing(tmp_path / "key.pem", keys).replace("upload = true", "upload = false")

    pond("one", cfg).poach("list")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b"ed25519:AAA\n",
            "in {}, 'ed25519:AAA' is not a public key as 'poach key' prints it",
        ),
        (b"\xff\n", "{} is no text"),
        (b"# none\n", "{} has no key in it"),
    ],
)
def test_a_bad_file_of_keys_is_named(pond, tmp_path, data, reason):
    keys = tmp_path / "keys.txt"
    keys.write_bytes(data)

    error = pond("one", trusting(keys)).poach("list", expect=1).error

    place = "[buildout] patched-eggs-trusted-keys (buildout.cfg:5): "
    assert error == place + reason.format(keys)


def test_all_faults_of_the_options_are_reported(pond, tmp_path):
    cfg = SHARING.replace(
        "patched-eggs-upload = true",
        """patched-eggs-upload = yes
    patched-eggs-signing-key =
        one
        two
    patched-eggs-trusted-keys =
        ed25519:c2hvcnQ=
        nowhere.txt""",
    )
    project = pond("one", cfg, url="ftp://user:secret@host/")

    error = project.poach("list", expect=1).error

    assert error.splitlines() == [
        "[buildout] patched-eggs-url (buildout.cfg:4): it is not an http(s) URL with "
        "a host, such as https://host/path/",
        "[buildout] patched-eggs-upload (buildout.cfg:5): 'yes' is neither true nor "
        "false",
        "[buildout] patched-eggs-trusted-keys (buildout.cfg:10): 'ed25519:c2hvcnQ=' "
        "is not a public key as 'poach key' prints it",
        "[buildout] patched-eggs-trusted-keys (buildout.cfg:11): cannot read "
        f"{project.path}/nowhere.txt: No such file or directory",
        "[buildout] patched-eggs-signing-key (buildout.cfg:7): it is one line",
    ]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            "patched-eggs-upload = true",
            "[buildout] patched-eggs-upload (buildout.cfg:4): there is no "
            "patched-eggs-url",
        ),
        (
            "patched-eggs-trusted-keys =",
            "[buildout] patched-eggs-trusted-keys (buildout.cfg:4): it names no key, "
            "so that no patched egg could be used",
        ),
        (
            "patched-eggs-url = http://host/\n    patched-eggs-upload = true\n"
            "    patched-eggs-trusted-keys = ed25519:" + 43 * "A" + "=",
            "[buildout] patched-eggs-upload (buildout.cfg:5): there is no "
            "patched-eggs-signing-key, and patched-eggs-trusted-keys would refuse what "
            "is uploaded",
        ),
        (
            "patched-eggs-signing-key = %(key)s",
            "[buildout] patched-eggs-signing-key (buildout.cfg:4): there is no "
            "patched-eggs-url, so that nothing would be signed",
        ),
        (
            "patched-eggs-url = http://host/\n    patched-eggs-signing-key = %(key)s",
            "[buildout] patched-eggs-signing-key (buildout.cfg:5): there is no "
            "patched-eggs-upload, so that nothing would be signed",
        ),
        (
            "patched-eggs-url = https://host/{x}/",
            "[buildout] patched-eggs-url (buildout.cfg:4): it has '{x}' in it, and "
            "only {key} stands for anything",
        ),
        (
            "patched-eggs-url = https://host/{key}/}",
            "[buildout] patched-eggs-url (buildout.cfg:4): it has '}' in it, and only "
            "{key} stands for anything",
        ),
        (
            "patched-eggs-url = https://host/?token=secret",
            "[buildout] patched-eggs-url (buildout.cfg:4): it has a query, a fragment "
            "or white space",
        ),
    ],
)
def test_options_that_contradict_each_other(pond, tmp_path, options, error):
    key = tmp_path / "key.pem"
    key.write_text(
        pem("PRIVATE KEY", b"0.\x02\x01\0000\x05\x06\x03\x2b\x65\x70" + b"x" * 34)
    )
    key.chmod(0o600)
    options = options.replace("%(key)s", str(key))
    cfg = CFG.replace("extensions = poach", f"extensions = poach\n    {options}")

    assert pond("one", cfg).poach("list", expect=1).error == error


def test_signatures_without_cryptography(pond, key):
    """The extra is named, and nothing that is not checked is used."""
    _, public = key("ours")
    project = pond("one", trusting(public))

    result = project.run(expect=1)

    assert result.error == (
        "Signing patched eggs, and checking who signed them, needs the package "
        "cryptography: install poach[sign]"
    )


# A server that lies, to a real buildout.  What else it may do: test_transfer.py.


class Liar(BaseHTTPRequestHandler):
    """Answers every GET with a byte now and then."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"P")
                self.server.patience.wait(0.2)
        except OSError:
            pass

    def log_message(self, *_):
        pass


def test_a_slow_server_does_not_stop_a_buildout(index, pond):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    server.patience = Event()
    with server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        made = two_ponds(index, pond, url=url)
        result = made.run("buildout:socket-timeout=2")
        server.shutdown()

    (line,) = warnings(result)
    assert line.endswith(
        "the server is too slow; it is built here, and this server is left alone"
    )
    assert json.loads(
        next(made.path.glob("patched-eggs/2/pond/*/*/entry.json")).read_text()
    )
