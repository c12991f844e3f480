"""A PostgreSQL server of one's own, for as long as a ``with`` block runs.

Nothing needs to be configured, and no server that runs already is touched: a new
cluster is made in a temporary folder and listens on a free port of 127.0.0.1, with a
password that is made up.  PostgreSQL refuses to run as root, so that root runs it as
the user ``postgres`` or ``nobody``.
"""

from __future__ import print_function

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid


class Missing(Exception):
    """No PostgreSQL server is installed."""


def programs():
    """Return the folder of initdb and pg_ctl, or raise Missing.

    They are looked for on PATH, then where Debian has them, the newest first.
    """
    debian = glob.glob("/usr/lib/postgresql/*/bin")
    debian.sort(key=lambda path: -float(path.split("/")[-2]))
    for folder in os.environ.get("PATH", "").split(os.pathsep) + debian:
        paths = [os.path.join(folder, name) for name in ("initdb", "pg_ctl")]
        if all(os.access(path, os.X_OK) for path in paths):
            return folder
    raise Missing("no initdb and pg_ctl on PATH or in /usr/lib/postgresql/*/bin")


@contextlib.contextmanager
def server():
    """Run a server, and give the connection string of its one database."""
    folder = tempfile.mkdtemp("-postgres")
    try:
        user = None if os.geteuid() else other_than_root()
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        with running(folder, user) as dsn:
            yield dsn
    finally:
        shutil.rmtree(folder)


def other_than_root():
    for name in "postgres", "nobody":
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Missing("PostgreSQL does not run as root, and there is no user 'nobody'")


@contextlib.contextmanager
def running(folder, user):
    bin_folder = programs()
    data, log = os.path.join(folder, "data"), os.path.join(folder, "log")
    password = uuid.uuid4().hex

    def run(program, *arguments):
        command = [os.path.join(bin_folder, program), "-D", data]
        call(command + list(arguments), folder, user)

    secret = os.path.join(folder, "password")
    with open(secret, "w") as stream:
        stream.write(password)
    if user:
        os.chown(secret, user.pw_uid, user.pw_gid)
    run(
        "initdb",
        "--username=poach",
        "--auth=scram-sha-256",
        "--pwfile=" + secret,
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
    )
    port = free_port()
    options = "-h 127.0.0.1 -p %d -c unix_socket_directories='' -c fsync=off" % port
    run("pg_ctl", "-w", "-l", log, "-o", options, "start")
    try:
        yield "host=127.0.0.1 port=%d user=poach dbname=postgres password=%s" % (
            port,
            password,
        )
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")


def free_port():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(command, folder, user):
    """Run a command as a user; show what it prints only if it fails."""

    def become():
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    # A file and no pipe: the server keeps it open.
    with tempfile.TemporaryFile() as output:
        code = subprocess.call(
            command,
            cwd=folder,
            env=dict(os.environ, HOME=folder, LC_ALL="C"),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=become if user else None,
        )
        if code:
            output.seek(0)
            raise RuntimeError("%s failed:\n%s" % (command[0], output.read()))
