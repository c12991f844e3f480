"""One request over HTTP that follows nothing and reads no body, and what it says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session


class _Session(Session):
    def get_redirect_target(self, resp: Response) -> None:
        """Return that there is none, for requests reads the body of a redirect whole.

        It does so even where it follows none.
        """


def request(method: str, url: str, **options: Any) -> Response:  # noqa: ANN401 - requests'
    """Return the answer to one request, over a connection that is used once.

    `options` are those of requests.request.  The body is not read.  Raises what
    requests raises.  The server is asked not to compress the body: what is compressed
    grows when it is read.
    """
    headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
    with _Session() as session:
        return session.request(
            method, url, headers=headers, allow_redirects=False, stream=True, **options
        )


def nobody(asked: PreparedRequest) -> PreparedRequest:
    """Send no credentials: without this, requests would look into netrc."""
    return asked


def coding_fault(response: Response) -> str:
    """Return the fault of the encoding of the body, '' for none."""
    coding = response.headers.get("Content-Encoding", "identity")
    if coding == "identity":
        return ""
    return f"it is encoded ({coding}), but poach did not ask for that"


def status_reason(response: Response) -> str:
    """Return what the status of an answer means, and what to do about a login."""
    status = response.status_code
    reason = f"the server answers with status {status}"
    if status == 407:
        return (
            f"{reason}: the proxy wants a login; write USER:PASSWORD@ before the host "
            "in the variables https_proxy and http_proxy"
        )
    if status == 404:
        return (
            f"{reason}: check the address; some servers also answer so if a login is "
            "needed (in ~/.netrc)"
        )
    if status not in (401, 403):
        return reason
    if "Authorization" in response.request.headers:
        return f"{reason}: it refuses the user and password of the URL, or of ~/.netrc"
    host = urlsplit(response.url).hostname
    return (
        f"{reason}: if it wants a login, write 'machine {host} login USER password "
        "PASSWORD' into ~/.netrc, which only you may read"
    )


def reason_of(error: Exception) -> str:
    """Return why a request failed, without the layers of libraries around it."""
    from http.client import BadStatusLine

    cause = getattr(error.args[0], "reason", error) if error.args else error
    while cause.args and isinstance(cause.args[-1], Exception):
        cause = cause.args[-1]
    if type(cause) is BadStatusLine:
        return f"its answer is not HTTP: {str(cause).strip()!r}"
    return str(cause).rpartition("): ")[2]
