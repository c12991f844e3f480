"""Getting diffs over http."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from poach.errors import PoachError
from poach.location import without_credentials

#: Seconds without a byte, unless buildout's socket-timeout says otherwise.
TIMEOUT = 60
#: No diff is larger; a server that sends more does not send a diff.
LARGEST = 256 * 1024 * 1024


class FetchFailed(PoachError):
    """A URL that could not be read; credentials are left out."""

    def __init__(self, url: str, reason: str) -> None:
        url, reason = without_credentials(url), without_credentials(reason)
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot get {self.url}: {self.reason}"


@dataclass(frozen=True, slots=True)
class HttpFetcher:
    """Gets URLs with requests, which honours netrc and proxies; `offline` forbids.

    `timeout` is in seconds; it is asked for here because the package index changes
    the default, for all threads, whenever it opens a URL.
    """

    offline: bool = False
    timeout: float = field(
        default_factory=lambda: socket.getdefaulttimeout() or TIMEOUT
    )

    def get(self, url: str) -> bytes:
        """Return the body at `url`; raise `FetchFailed` for any status but 200."""
        status, body = self._request(url)
        if status != 200:
            raise FetchFailed(url, f"the server answers with status {status}")
        return body

    def exists(self, url: str) -> bool:
        """Tell 200 from 404; raise `FetchFailed` for anything else."""
        status, _ = self._request(url)
        if status not in (200, 404):
            raise FetchFailed(url, f"the server answers with status {status}")
        return status == 200

    def _request(self, url: str) -> tuple[int, bytes]:
        if self.offline:
            raise FetchFailed(url, "buildout runs in offline mode")
        # Imported late: a warm run fetches nothing.
        import requests

        try:
            with requests.get(url, timeout=self.timeout, stream=True) as response:
                body = bytearray()
                for block in response.iter_content(1 << 16):
                    body += block
                    if len(body) > LARGEST:
                        raise FetchFailed(url, f"more than {LARGEST} bytes")
                return response.status_code, bytes(body)
        except (requests.RequestException, OSError) as error:
            raise FetchFailed(url, reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """Return why a request failed, without the layers of libraries around it."""
    cause = getattr(error.args[0], "reason", error) if error.args else error
    while cause.args and isinstance(cause.args[-1], Exception):
        cause = cause.args[-1]
    return str(cause).rpartition("): ")[2]
