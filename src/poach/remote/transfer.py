"""Getting files from a server, and putting them there, over HTTP with requests.

The server may be slow, full, gone or malicious: in all cases a transfer ends soon,
with a file, without one, or with a `ServerFault`.  requests brings netrc, proxies and
certificates.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from urllib3.exceptions import HTTPError

from poach.errors import PoachError
from poach.web.client import (
    coding_fault,
    nobody,
    reason_of,
    request,
    status_reason,
)
from poach.web.clock import TooSlow, watched

T = TypeVar("T")

#: Seconds without a byte, unless buildout's socket-timeout says otherwise, and those
#: that a transfer may take for more than its bytes.
PATIENCE = 30
#: Seconds for a connection.
CONNECT = 10
REDIRECTS = 5
GET, PUT = "GET", "PUT"
_BOTH = frozenset((GET, PUT))
_BLOCK = 1 << 14
#: Statuses that are about one file only.
_NOT_THERE = (404, 410)
#: What servers say where a folder is missing; nginx that it is its own fault.
_NO_FOLDER = (404, 409, 500)
_THERE = 412
_OF_ONE = (400, 404, 409, 410, 411, 413, 414, 415, 422, 423)
_OF_METHOD = (403, 405)


class ServerFault(PoachError):
    """A server that does not do what is asked."""

    #: Why it fails.
    reason: str
    #: The methods, GET and PUT, that are not to be tried again.
    ends: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Server:
    """A server of files."""

    #: Redirects lead only to these, buildout's patterns.
    allow_hosts: Collection[str] = ("*",)
    #: In seconds, None for `PATIENCE`. It is kept here because the package index
    #: changes the default, for all threads, whenever it opens a URL.
    timeout: float | None = field(default_factory=socket.getdefaulttimeout)

    def get(self, url: str, path: Path, largest: int) -> bool:
        """Write what is at `url` into the new file `path`; return whether it is there.

        Raises `ServerFault`, also for more than `largest` bytes.
        """
        self._check_host(url)
        with path.open("xb") as sink:

            def work() -> bool:
                with self._ask(GET, url) as response:
                    if response.status_code in _NOT_THERE:
                        return False
                    _refuse_other(response, GET, 200)
                    for block in _body(response, largest):
                        sink.write(block)
                    return True

            return self._watched(work, sink.tell)

    def put(self, url: str, path: Path, folders: Collection[str]) -> bool:
        """Put the file `path` at `url`; return whether nothing was there.

        What is there stays.  `folders` lead to `url` and are made where the server
        wants that (WebDAV, RFC 4918).  Raises `ServerFault`.
        """
        self._check_host(url)
        if self._watched(lambda: self._has(url)):
            return False
        answer = self._put(url, path)
        if answer.status_code in _NO_FOLDER and folders:
            for folder in folders:
                self._watched(partial(self._make, folder))
            answer = self._put(url, path)
        if answer.status_code != _THERE:
            _refuse_other(answer, PUT, 200, 201, 202, 204)
        return answer.status_code != _THERE

    def _check_host(self, url: str) -> None:
        host = host_of(url)
        if not admits(self.allow_hosts, host):
            raise ServerFault(f"allow-hosts does not admit {host}", _BOTH)

    def _has(self, url: str) -> bool:
        with self._ask("HEAD", url) as response:
            return response.status_code == 200

    def _ask(self, method: str, url: str) -> Response:
        """Ask, and follow redirects as far as that is safe."""
        response = self._once(method, url)
        stranger = False
        for _ in range(REDIRECTS):
            if not response.is_redirect:
                return response
            response.close()
            target = urljoin(url, response.headers["Location"])
            if _origin(target) != _origin(url):
                self._refuse_redirect(response, target)
                stranger = True
            url = target
            response = self._once(method, url, nobody if stranger else None)
        response.close()
        raise ServerFault("it redirects too often", _BOTH)

    def _refuse_redirect(self, response: Response, target: str) -> None:
        """Refuse a redirect to another host if it may lead where it should not."""
        scheme, host = urlsplit(target).scheme, host_of(target)
        if scheme != urlsplit(response.url).scheme:
            why = "which is another scheme"
        elif "Authorization" in response.request.headers:
            why = "which is another host, and there are credentials for this one"
        elif not admits(self.allow_hosts, host):
            why = "which allow-hosts does not admit"
        else:
            return
        raise ServerFault(f"it redirects to {target}, {why}", _BOTH)

    def _put(self, url: str, path: Path) -> Response:
        """Send the file `path`; return the answer, closed."""
        headers = {"If-None-Match": "*", "Content-Type": "application/zip"}
        with path.open("rb") as source:

            def work() -> Response:
                with self._once(PUT, url, data=source, headers=headers) as response:
                    return response

            return self._watched(work, source.tell)

    def _make(self, folder: str) -> None:
        """Make a folder if it does not exist; a later PUT shows whether that worked."""
        self._once("MKCOL", folder).close()

    def _once(
        self,
        method: str,
        url: str,
        auth: Callable[[PreparedRequest], PreparedRequest] | None = None,
        data: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask once, over a connection that is used once; the body is not read."""
        patience = self._patience
        return request(
            method,
            url,
            auth=auth,
            data=data,
            headers=headers or {},
            timeout=(min(CONNECT, patience), patience),
        )

    @property
    def _patience(self) -> float:
        return self.timeout or PATIENCE

    def _watched(
        self, work: Callable[[], T], progress: Callable[[], int] = lambda: 0
    ) -> T:
        """Return what `work` returns; give it up when `progress`, bytes, is slow."""

        def run() -> T:
            with _faults():
                return work()

        try:
            return watched(run, self._patience, progress)
        except TooSlow:
            raise ServerFault("the server is too slow", _BOTH) from None


def host_of(url: str) -> str:
    """Return host and port of `url`, which buildout's allow-hosts are about."""
    return urlsplit(url).netloc.rpartition("@")[2]


def admits(allow_hosts: Collection[str], host: str) -> bool:
    """Return whether one of buildout's patterns `allow_hosts` is about `host`."""
    return any(fnmatchcase(host, pattern) for pattern in allow_hosts)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _refuse_other(response: Response, method: str, *good: int) -> None:
    """Raise `ServerFault` for a status that is none of the `good` ones."""
    status = response.status_code
    if status in good:
        return
    if status in _OF_ONE:
        ends: frozenset[str] = frozenset()
    else:  # who may not write may yet read; where one cannot read there is no use
        ends = frozenset((method,)) if method == PUT or status in _OF_METHOD else _BOTH
    raise ServerFault(status_reason(response), ends)


def _body(response: Response, largest: int) -> Iterator[bytes]:
    """Yield the body as it comes over the network; its length must be declared."""
    declared = response.headers.get("Content-Length", "")
    if fault := coding_fault(response):
        raise ServerFault(fault)
    # Where it comes in chunks, urllib3 reads their heads however long they are.
    if not declared.isdecimal() or "Transfer-Encoding" in response.headers:
        raise ServerFault("the server does not say how long it is (Content-Length)")
    if int(declared) > largest:
        raise ServerFault(f"it has {declared} bytes, more than {largest}")
    received = 0
    for block in response.raw.stream(_BLOCK, decode_content=False):
        received += len(block)
        yield block
    if received != int(declared):
        raise ServerFault(f"it broke off after {received} of {declared} bytes")


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turn what requests and the libraries below it raise into `ServerFault`."""
    try:
        yield
    except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        raise ServerFault(reason_of(error), _BOTH) from error
