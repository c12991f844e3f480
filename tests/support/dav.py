"""A real WebDAV server on 127.0.0.1: nginx, as Debian has it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from textwrap import dedent

import pytest

CONFIGURATION = """\
    daemon off;
    master_process off;
    pid {root}/pid;
    error_log {root}/error.log;
    events {{}}
    http {{
        log_format asked "$request_method $uri $status $remote_user";
        access_log {root}/access.log asked;
        client_body_temp_path {root}/body;
        proxy_temp_path {root}/proxy;
        fastcgi_temp_path {root}/fastcgi;
        uwsgi_temp_path {root}/uwsgi;
        scgi_temp_path {root}/scgi;
        server {{
            listen 127.0.0.1:{port};
            root {root}/files;
            {options}
        }}
    }}
    """


STRICT = "dav_methods PUT MKCOL;"
WRITABLE = f"{STRICT} create_full_put_path on;"


class Nginx:
    """A folder, `files`, that can be read and written over HTTP in the ``with`` block.

    `options` are more lines for nginx's configuration of the server.
    """

    def __init__(self, root: Path, options: str = WRITABLE) -> None:
        self.root = root
        self.files = root / "files"
        self.port = _free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the folder."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def requests(self) -> list[str]:
        """Method, path, status and user of every request so far."""
        log = self.root / "access.log"
        return [line.strip(" -") for line in log.read_text().splitlines()]

    @property
    def entries(self) -> list[Path]:
        """The files that were put there."""
        return sorted(path for path in self.files.rglob("*") if path.is_file())

    def __enter__(self) -> Nginx:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("nginx is not installed (Debian: nginx-light)")
        self.files.mkdir(parents=True, exist_ok=True)
        text = CONFIGURATION.format(
            root=self.root, port=self.port, options=self._options
        )
        path = self.root / "nginx.conf"
        path.write_text(dedent(text))
        command = [program, "-p", self.root, "-e", self.root / "error.log", "-c", path]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.root / "error.log").read_text())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
