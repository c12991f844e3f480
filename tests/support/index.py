"""A package index on 127.0.0.1 that remembers what it was asked."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import canonicalize_name

from support import dists


class Index:
    """A folder, served over HTTP while the ``with`` block runs.

    ``files/PROJECT/`` holds distributions; ``/simple/PROJECT/`` is the PEP 503 page
    of them, and every other path is that file of the folder.  As on PyPI a project
    that nobody added is a 404 and other spellings of a name are redirected.  Unlike
    there, the list of all projects is refused: see `scanned`.
    """

    def __init__(self, root: Path, empty: Iterable[str] = ()) -> None:
        """Serve `root`; each project in `empty` gets a page without files."""
        self.root = root
        self.requests: list[str] = []
        """The path of every request, in order."""
        self.status: dict[str, int] = {}
        """The status to answer by path (not quoted), whatever is there."""
        root.mkdir(parents=True, exist_ok=True)
        self._empty = frozenset(map(canonicalize_name, empty))
        handler = partial(_Handler, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Index:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def base(self) -> str:
        """The URL of the folder, without a final slash."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The URL for buildout's ``index``."""
        return f"{self.base}/simple/"

    @property
    def scanned(self) -> bool:
        """Whether anyone asked for the list of all projects, minutes on PyPI."""
        return any(
            urlsplit(path).path in ("/simple", "/simple/") for path in self.requests
        )

    def put(self, path: str, data: bytes | str) -> str:
        """Write a file and return its URL."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return f"{self.base}/{quote(path)}"

    def add(self, project: str, filename: str, data: bytes) -> Path:
        """Add any file to the page of a project."""
        file = self._folder(project) / filename
        file.write_bytes(data)
        return file

    def add_sdist(
        self, name: str, version: str, files: dists.Files, **details: Any
    ) -> Path:
        """Add NAME-VERSION.tar.gz, made by `dists.sdist`, which tells the details."""
        data = dists.sdist(name, version, files, **details)
        return self.add(name, f"{name}-{version}.tar.gz", data)

    def add_wheel(
        self, name: str, version: str, files: dists.Files, **details: Any
    ) -> Path:
        """Add a py3-none-any wheel, made by `dists.wheel`, which tells the details."""
        data = dists.wheel(name, version, files, **details)
        return self.add(name, dists.wheel_name(name, version), data)

    def _folder(self, project: str) -> Path:
        folder = self.root / "files" / canonicalize_name(project)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _answer(self, path: str) -> _Reply:
        if path in self.status:
            return _Reply(self.status[path], b"as the test sets")
        if path in ("/simple", "/simple/"):
            return _Reply(410, b"the whole index must never be scanned")
        if page := re.fullmatch("/simple/([^/]+)(/?)", path):
            return self._page(*page.groups())
        file = self.root / path.lstrip("/")
        if file.is_file():
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            return _Reply(200, file.read_bytes(), kind)
        return _Reply(404, b"no such file")

    def _page(self, name: str, slash: str) -> _Reply:
        project = canonicalize_name(name)
        if (name, slash) != (project, "/"):
            return _Reply(301, location=f"/simple/{project}/")
        folder = self.root / "files" / project
        if not folder.is_dir() and project not in self._empty:
            return _Reply(404, b"no such project")
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        links = "".join(_link(project, file) for file in files)
        page = f"<!DOCTYPE html>\n<title>{project}</title>\n{links}"
        return _Reply(200, page.encode())


def _link(project: str, file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    href = f"/files/{project}/{quote(file.name)}#sha256={digest}"
    return f'<a href="{href}">{file.name}</a><br>\n'


class _Reply(NamedTuple):
    status: int
    body: bytes = b""
    kind: str = "text/html"
    location: str | None = None


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, index: Index, *args: Any) -> None:
        self.index = index
        super().__init__(*args)

    def do_GET(self) -> None:
        self.index.requests.append(self.path)
        reply = self.index._answer(unquote(urlsplit(self.path).path))
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.location:
            self.send_header("Location", reply.location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Be silent; `Index.requests` is the log."""
