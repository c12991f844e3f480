"""Files to and from a server that does what it likes: a transfer ends, and soon."""

from __future__ import annotations

import contextlib
import gc
import io
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from requests import Response, Session

from poach.catalog import fetch
from poach.catalog.fetch import FetchFailed, HttpFetcher
from poach.remote.transfer import GET, PUT, Server, ServerFault

#: A transfer that is given up leaves its connection to the collector, some time.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module", autouse=True)
def no_connection_left():
    """Have the collector take them here, and not in another module's test."""
    yield
    gc.collect()


BODY = b"quack" * 1000
LARGEST = 100_000


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's `behaviour` does, and notes what it was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        server = self.server
        server.asked.append((self.command, self.path, dict(self.headers)))
        with contextlib.suppress(OSError):  # the client may go
            server.behaviour(self)
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_MKCOL = answer

    def status(self, status, body=b"", **headers):
        self.send_response(status)
        self.headers_(**{"Content_Length": len(body), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def headers_(self, **headers):
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def forever(self, data, pause=0.0):
        """Send `data` again and again until the client or the test has gone."""
        while not self.server.over.wait(pause):
            self.wfile.write(data)

    def log_message(self, *_):
        pass


class Liar(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.over = Event()
        self.asked = []
        self.behaviour = None
        self.url = f"http://127.0.0.1:{self.server_port}/2/pond/x.zip"

    def __enter__(self):
        Thread(target=self.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()

    @property
    def methods(self):
        return [method for method, _, _ in self.asked]


@pytest.fixture
def liar():
    with Liar() as server:
        yield server


@pytest.fixture(autouse=True)
def patient():
    """No server here is slow unless it wants to."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    yield
    socket.setdefaulttimeout(before)


@pytest.fixture
def impatient(patient):
    """Half a second is as long as anything may take for nothing."""
    socket.setdefaulttimeout(0.5)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fault(function, *args):
    """Return the fault that a transfer ends with, before long."""
    began = time.monotonic()
    with pytest.raises(ServerFault) as caught:
        function(*args)
    assert time.monotonic() - began < 10
    return caught.value


@pytest.fixture
def got(liar, tmp_path):
    """Let the server behave; return why nothing was got."""

    def get(behaviour, server=Server(), ends=frozenset({GET, PUT})):  # noqa: B008
        liar.behaviour = behaviour
        found = fault(server.get, liar.url, tmp_path / "file", LARGEST)
        assert ends is None or found.ends == frozenset(ends)
        return str(found)

    return get


def test_a_file(liar, tmp_path):
    liar.behaviour = lambda h: h.status(200, BODY)

    assert Server().get(liar.url, tmp_path / "file", len(BODY))
    assert (tmp_path / "file").read_bytes() == BODY
    ((method, path, headers),) = liar.asked
    assert (method, path) == ("GET", "/2/pond/x.zip")
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [404, 410])
def test_no_file(liar, tmp_path, status):
    liar.behaviour = lambda h: h.status(status, b"no such file")

    assert not Server().get(liar.url, tmp_path / "file", LARGEST)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails(got, status):
    reason = got(lambda h: h.status(status, b"<html>" * 1000))

    assert reason == f"the server answers with status {status}"


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (401, "machine 127.0.0.1 login"),
        (403, "~/.netrc"),
        (407, "USER:PASSWORD@ before the host"),
    ],
)
def test_a_server_that_wants_a_login(got, status, how):
    reason = got(lambda h: h.status(status), ends=None)

    assert reason.startswith(f"the server answers with status {status}: ")
    assert how in reason


@pytest.mark.parametrize("status", [204, 206, 304])
def test_an_answer_that_is_none(got, status):
    assert str(status) in got(lambda h: h.status(status))


def test_what_may_not_be_read_may_be_written(got):
    got(lambda h: h.status(403), ends={GET})


def test_a_file_that_says_it_is_too_large(got):
    def behave(h):
        h.send_response(200)
        h.headers_(Content_Length=LARGEST + 1)
        h.forever(b"x" * 1000)

    assert got(behave, ends=()) == "it has 100001 bytes, more than 100000"


@pytest.mark.parametrize(
    "headers", [{}, {"Transfer_Encoding": "chunked", "Content_Length": 5}]
)
def test_a_file_that_does_not_say_how_large_it_is(got, headers):
    """However long it goes on, or the heads of its chunks do."""

    def behave(h):
        h.send_response(200)
        h.headers_(**headers)
        h.forever(b"0" * 100_000)

    assert "does not say how long it is" in got(behave, ends=())


def test_a_file_that_ends_too_early(got):
    def behave(h):
        h.send_response(200)
        h.headers_(Content_Length=LARGEST)
        h.wfile.write(BODY)

    assert "5000" in got(behave)


def test_a_file_that_is_compressed(got):
    reason = got(lambda h: h.status(200, BODY, Content_Encoding="gzip"), ends=())

    assert reason == "it is encoded (gzip), but poach did not ask for that"


@pytest.mark.parametrize("length", ["-1", "9" * 5000, "1e3", "5, 6"])
def test_a_length_that_is_none(got, length):
    got(lambda h: h.send_response(200) or h.headers_(Content_Length=length), ends=None)


# Slow


def test_a_server_that_says_nothing(impatient, got):
    reason = got(lambda h: h.server.over.wait())

    assert "timed out" in reason or reason == "the server is too slow"


def test_a_body_that_drips(impatient, got):
    def behave(h):
        h.send_response(200)
        h.headers_(Content_Length=LARGEST)
        h.forever(b"x", 0.05)

    assert got(behave) == "the server is too slow"


def test_headers_that_drip(impatient, got):
    def behave(h):
        h.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        h.forever(b"x", 0.05)

    assert got(behave) == "the server is too slow"


def test_headers_without_an_end(got):
    def behave(h):
        h.wfile.write(b"HTTP/1.1 200 OK\r\n")
        h.forever(b"X-Long: " + b"x" * 1000 + b"\r\n")

    assert "100 headers" in got(behave)


def test_a_server_that_always_says_go_on(impatient, got):
    got(lambda h: h.forever(b"HTTP/1.1 100 Continue\r\n\r\n"))


def test_no_server(tmp_path):
    with Liar() as gone:
        pass

    assert "refused" in str(fault(Server().get, gone.url, tmp_path / "file", 1))


def test_what_is_no_http(got):
    got(lambda h: h.wfile.write(b"220 smtp.example.com ESMTP\r\n"))


# Redirects


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/passwd", "which is another scheme"),
        ("https://127.0.0.1/x", "which is another scheme"),
        ("ftp://127.0.0.1/x", "which is another scheme"),
        ("http://[", "Invalid IPv6 URL"),
        ("//127.0.0.1:99999/x", "out of range"),
        ("/2/pond/x.zip", "it redirects too often"),
    ],
)
def test_redirects_that_are_refused(got, liar, target, reason):
    assert reason in got(lambda h: h.status(302, Location=target))
    assert len(liar.asked) <= 6


def test_a_redirect_on_the_same_host(liar, tmp_path):
    def behave(h):
        if h.path == "/2/pond/x.zip":
            h.status(307, Location="/elsewhere")
        else:
            h.status(200, BODY)

    liar.behaviour = behave

    assert Server().get(liar.url.replace("//", "//a:b@"), tmp_path / "file", LARGEST)
    assert liar.asked[1][2]["Authorization"] == liar.asked[0][2]["Authorization"]


def test_the_body_of_a_redirect_has_no_end(liar, tmp_path):
    def behave(h):
        if h.path == "/elsewhere":
            h.status(200, BODY)
            return
        h.send_response(302)
        h.headers_(Location="/elsewhere")
        h.forever(b"x" * 1000)

    liar.behaviour = behave

    assert Server(timeout=5).get(liar.url, tmp_path / "file", LARGEST)


@pytest.fixture
def other():
    with Liar() as server:
        server.behaviour = lambda h: h.status(200, BODY)
        yield server


def test_a_redirect_to_another_host(liar, other, tmp_path, monkeypatch):
    """It is asked, and gets nothing that netrc has for it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login duck password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    there = other.url.replace("127.0.0.1", "localhost")
    liar.behaviour = lambda h: h.status(302, Location=there)

    assert Server().get(liar.url, tmp_path / "file", LARGEST)
    assert "Authorization" not in other.asked[0][2]
    assert Server().get(there, tmp_path / "direct", LARGEST)
    assert "Authorization" in other.asked[1][2]


def test_credentials_do_not_go_to_another_host(liar, other, tmp_path):
    liar.behaviour = lambda h: h.status(302, Location=other.url)
    url = liar.url.replace("//", "//duck:secret@")

    found = fault(Server().get, url, tmp_path / "file", LARGEST)

    assert "another host, and there are credentials for this one" in str(found)
    assert other.asked == []


def test_a_redirect_to_a_host_that_is_not_allowed(liar, other, got):
    server = Server([f"127.0.0.1:{liar.server_port}"])

    reason = got(lambda h: h.status(302, Location=other.url), server)

    assert reason == f"it redirects to {other.url}, which allow-hosts does not admit"
    assert other.asked == []


def test_a_host_that_is_not_allowed(liar, tmp_path):
    server = Server(["*.example.com"])

    found = fault(server.get, liar.url, tmp_path / "file", LARGEST)

    assert str(found) == f"allow-hosts does not admit 127.0.0.1:{liar.server_port}"
    assert liar.asked == []


# Uploads


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bundle.zip"
    path.write_bytes(BODY)
    return path


def received(h):
    return h.rfile.read(int(h.headers["Content-Length"]))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_upload(liar, file, status):
    bodies = []

    def behave(h):
        if h.command == "PUT":
            bodies.append(received(h))
        h.status(404 if h.command == "HEAD" else status)

    liar.behaviour = behave

    assert Server().put(liar.url, file, [])
    assert bodies == [BODY]
    assert liar.methods == ["HEAD", "PUT"]
    assert liar.asked[1][2]["If-None-Match"] == "*"


def test_what_is_there_stays(liar, file):
    liar.behaviour = lambda h: h.status(200)
    assert not Server().put(liar.url, file, [])
    assert liar.methods == ["HEAD"]


def test_somebody_was_faster(liar, file):
    liar.behaviour = lambda h: h.status(412 if h.command == "PUT" else 404)
    assert not Server().put(liar.url, file, [])


@pytest.mark.parametrize("status", [404, 409, 500])
def test_folders_are_made(liar, file, status):
    there = []

    def behave(h):
        if h.command == "MKCOL":
            there.append(h.path)
            h.status(201)
        elif h.command == "PUT":
            received(h)
            h.status(201 if "/2/pond/" in there else status)
        else:
            h.status(404)

    liar.behaviour = behave
    folders = [liar.url.replace("pond/x.zip", ""), liar.url.replace("x.zip", "")]

    assert Server().put(liar.url, file, folders)
    assert there == ["/2/", "/2/pond/"]


@pytest.mark.parametrize(
    ("status", "ends"),
    [(413, ()), (400, ()), (409, ()), (403, {PUT}), (405, {PUT}), (507, {PUT})],
)
def test_a_server_that_does_not_take_it(liar, file, status, ends):
    def behave(h):
        if h.command == "PUT":
            received(h)
        h.status(status, b"x" * 10)

    liar.behaviour = behave

    found = fault(Server().put, liar.url, file, [])

    assert found.ends == frozenset(ends)
    assert str(found).startswith(f"the server answers with status {status}")


def test_a_redirect_of_an_upload_is_not_followed(liar, other, file):
    def behave(h):
        if h.command == "PUT":
            received(h)
        h.status(404) if h.command == "HEAD" else h.status(307, Location=other.url)

    liar.behaviour = behave

    assert str(fault(Server().put, liar.url, file, [])).endswith("status 307")
    assert other.asked == []


def test_a_server_that_does_not_read(impatient, liar, tmp_path):
    """More than the buffers of both sides take."""
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)

    def behave(h):
        h.status(404) if h.command == "HEAD" else h.server.over.wait()

    liar.behaviour = behave

    fault(Server().put, liar.url, path, [])


def test_an_answer_without_an_end(liar, file):
    """What the server says to an upload is not read."""

    def behave(h):
        if h.command == "HEAD":
            h.status(404)
            return
        received(h)
        h.send_response(201)
        h.headers_()
        h.forever(b"x" * 1000)

    liar.behaviour = behave

    assert Server().put(liar.url, file, [])


# Diffs, which need not say how long they are


@pytest.fixture
def failed(liar, impatient):
    """Let the server behave; return why no diff was got, before long."""

    def get(behaviour, how="get"):
        liar.behaviour = behaviour
        began = time.monotonic()
        with pytest.raises(FetchFailed) as caught:
            getattr(HttpFetcher(), how)(liar.url)
        assert time.monotonic() - began < 5
        return caught.value.reason

    return get


def drip(h):
    h.send_response(200)
    h.headers_(Content_Length=LARGEST)
    h.forever(b"x", 0.05)


def drip_in_chunks(h):
    h.send_response(200)
    h.headers_(Transfer_Encoding="chunked")
    h.forever(b"1\r\nx\r\n", 0.05)


def drip_headers(h):
    h.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    h.forever(b"x", 0.05)


def say_nothing(h):
    h.server.over.wait()


@pytest.mark.parametrize("behaviour", [drip, drip_in_chunks, drip_headers, say_nothing])
def test_a_diff_that_drips(failed, behaviour):
    reason = failed(behaviour)

    assert reason == "the server is too slow" or "timed out" in reason


def test_the_body_of_a_redirect_is_not_read(liar):
    def behave(h):
        if h.path == "/elsewhere":
            h.status(200, BODY)
            return
        h.send_response(302)
        h.headers_(Location="/elsewhere", Content_Length=LARGEST)
        h.forever(b"x", 0.05)

    liar.behaviour = behave

    assert HttpFetcher(timeout=5).get(liar.url) == BODY


def test_redirects_without_an_end(liar):
    liar.behaviour = lambda h: h.status(302, Location=liar.url)

    with pytest.raises(FetchFailed, match="it redirects too often"):
        HttpFetcher().get(liar.url)


def test_whether_there_is_a_diff_is_asked_without_reading_it(liar, impatient, failed):
    liar.behaviour = drip
    assert HttpFetcher().exists(liar.url)
    liar.behaviour = lambda h: h.status(404)
    assert not HttpFetcher().exists(liar.url)
    assert "too slow" in failed(drip_headers, "exists")


def test_a_diff_that_takes_its_time(liar, impatient):
    """One that is slow, and fast enough, is got."""

    def behave(h):
        h.send_response(200)
        h.headers_(Content_Length=20 * 8192)
        for _ in range(20):
            h.wfile.write(b"x" * 8192)
            h.server.over.wait(0.05)

    liar.behaviour = behave

    assert len(HttpFetcher().get(liar.url)) == 20 * 8192


def test_a_diff_without_an_end(liar, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST", 1_000_000)

    def behave(h):
        h.send_response(200)
        h.headers_()
        h.forever(b"x" * 100_000)

    liar.behaviour = behave

    with pytest.raises(FetchFailed, match="more than 1000000 bytes"):
        HttpFetcher().get(liar.url)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[", "ftp://x/y"])
def test_a_redirect_of_a_diff_to_nowhere(failed, target):
    assert failed(lambda h: h.status(302, Location=target))


def test_a_redirect_of_a_diff_to_another_host(liar, other):
    """It does not get the password of the first."""
    liar.behaviour = lambda h: h.status(302, Location=other.url)
    url = liar.url.replace("//", "//duck:secret@")

    assert HttpFetcher().get(url) == BODY
    assert "Authorization" in liar.asked[0][2]
    assert "Authorization" not in other.asked[0][2]


def test_no_password_follows_a_redirect_from_https_to_http(tmp_path, monkeypatch):
    """Anybody on the way can read it there; on the same way it may be needed."""
    (tmp_path / "netrc").write_text("machine a.example login jane password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    places = {
        "https://a.example/1": "/2",
        "https://a.example/2": "http://a.example/3",
        "http://a.example/3": "https://a.example/4",
    }
    asked = []

    def send(session, request, **_):
        asked.append("Authorization" in request.headers)
        answer = Response()
        answer.request, answer.url, answer.raw = request, request.url, io.BytesIO(b"x")
        answer.status_code = 302 if request.url in places else 200
        answer.headers["Location"] = places.get(request.url, "")
        return answer

    monkeypatch.setattr(Session, "send", send)

    assert HttpFetcher().get("https://a.example/1") == b"x"
    assert asked == [True, True, False, False]


def test_an_answer_that_is_no_http(failed):
    assert failed(lambda handler: handler.wfile.write(b"--- a\n+++ b\n")) == (
        "its answer is not HTTP: '--- a'"
    )
    assert "closed" in failed(lambda handler: None)
