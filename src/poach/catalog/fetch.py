"""Getting diffs over http."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from poach.errors import PoachError
from poach.pins.location import plain, without_credentials

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

#: Seconds without a byte, and those that a transfer may take for more than its bytes,
#: unless buildout's socket-timeout says otherwise.
TIMEOUT = 60
#: No diff is larger; a server that sends more does not send a diff.
LARGEST = 256 * 1024 * 1024
_BLOCK = 1 << 14
_REDIRECTS = 10


class FetchFailed(PoachError):
    """A URL that could not be read; credentials are left out."""

    url: str
    reason: str

    def __post_init__(self) -> None:
        self.url, self.reason = without_credentials(self.url), plain(self.reason)

    def __str__(self) -> str:
        return f"cannot get {self.url}: {self.reason}"


@dataclass(frozen=True, slots=True)
class HttpFetcher:
    """Gets URLs with requests, which honours netrc and proxies."""

    #: Whether nothing may be fetched.
    offline: bool = False
    #: In seconds. It is asked for here because the package index changes the default,
    #: for all threads, whenever it opens a URL.
    timeout: float = field(
        default_factory=lambda: socket.getdefaulttimeout() or TIMEOUT
    )

    def get(self, url: str) -> bytes:
        """Return the body at `url`; raise `FetchFailed` for any status but 200."""
        answer = self._request(url, whole=True)
        if answer.status != 200:
            raise FetchFailed(url, answer.reason)
        return answer.body

    def exists(self, url: str) -> bool:
        """Return True for 200, False for 404; raise `FetchFailed` for anything else."""
        answer = self._request(url, whole=False)
        if answer.status not in (200, 404):
            raise FetchFailed(url, answer.reason)
        return answer.status == 200

    def _request(self, url: str, whole: bool) -> _Answer:
        """Return what the server says, with the body if that is wanted."""
        if self.offline:
            raise FetchFailed(url, "buildout runs in offline mode")
        # Imported late: a warm run fetches nothing.
        import requests
        from urllib3.exceptions import HTTPError

        from poach.web.client import coding_fault, reason_of, status_reason
        from poach.web.clock import TooSlow, watched

        body = bytearray()
        left = Event()

        def work() -> _Answer:
            with _followed(url, self.timeout) as response:
                if whole and response.status_code == 200:
                    if fault := coding_fault(response):
                        raise FetchFailed(url, fault)
                    for block in response.iter_content(_BLOCK):
                        body.extend(block)
                        if len(body) > LARGEST or left.is_set():
                            raise FetchFailed(url, f"more than {LARGEST} bytes")
                reason = status_reason(response)
                return _Answer(response.status_code, reason, bytes(body))

        try:
            return watched(work, self.timeout, lambda: len(body))
        except TooSlow:
            raise FetchFailed(url, "the server is too slow") from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise FetchFailed(url, reason_of(error)) from error
        finally:
            left.set()  # the thread ends at its next block


class _Answer(NamedTuple):
    """What a server says: a status, what that means for the user, and a body."""

    status: int
    reason: str
    body: bytes


@contextlib.contextmanager
def _followed(url: str, timeout: float) -> Iterator[Response]:
    """Give the answer to a GET, after redirects, whose bodies are not read."""
    from requests import TooManyRedirects

    from poach.web.client import nobody, request

    auth: Callable[[PreparedRequest], PreparedRequest] | None = None
    for _ in range(_REDIRECTS):
        with request("GET", url, timeout=timeout, auth=auth) as response:
            if not response.is_redirect:
                yield response
                return
            target = urljoin(url, response.headers["Location"])
        if urlsplit(url).scheme != urlsplit(target).scheme:
            auth = nobody  # over http anybody on the way could read a password
        url = target
    raise TooManyRedirects("it redirects too often")
