"""One request over HTTP, with requests, which follows nothing and reads no body."""

from __future__ import annotations

from typing import Any

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
    """Authenticate nobody: else requests would look into netrc."""
    return asked


def coding_fault(response: Response) -> str:
    """Return what is wrong with the encoding of the body, '' if nothing is."""
    coding = response.headers.get("Content-Encoding", "identity")
    if coding == "identity":
        return ""
    return f"it is encoded ({coding}), which nobody asked for"
