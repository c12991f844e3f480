"""Two clients of RelStorage on PostgreSQL: what one commits, the other sees by polling.

The clients are two processes.  The server is a private one, see postgres.py.
"""

from __future__ import print_function

import logging
import os
import subprocess
import sys
import time

import pkg_resources
import psycopg2
import transaction
from contacts import account, refer, referred
from keas.pbpersist.pbformat import register
from persistent.mapping import PersistentMapping
from postgres import Missing, server
from relstorage.adapters.postgresql import PostgreSQLAdapter
from relstorage.relstorage import RelStorage
from ZODB.DB import DB
from ZODB.utils import u64

DSN = "POACH_EXAMPLE_DSN"


def show(what, value):
    print("%-22s%s" % (what, value))
    sys.stdout.flush()


def check(what, expected, value):
    show(what, value)
    if value != expected:
        sys.exit("expected: %r" % (expected,))


def open_db(dsn):
    register()
    return DB(RelStorage(PostgreSQLAdapter(dsn), poll_interval=0))


def write(dsn):
    """The other client: change the message and the account, and end."""
    db = open_db(dsn)
    root = db.open().root()
    root["message"] = "second"
    root["alice"].create_time += 10
    transaction.commit()
    db.close()


def let_other_write(dsn):
    variables = dict(os.environ, **{DSN: dsn})
    subprocess.check_call([sys.executable, sys.argv[0], "write"], env=variables)


def read(dsn):
    polls = Polls()
    db = open_db(dsn)
    conn = db.open()
    polls.watch(conn._storage)
    root = conn.root()
    root["message"] = "first"
    root["alice"] = alice = account("Alice")
    refer(alice, PersistentMapping({"bob": account("Bob")}))
    root["eve"] = account("Eve")
    transaction.commit()

    check("read", "first", root["message"])
    let_other_write(dsn)
    show("the other commits", "second")
    check("read, not polled", "first", root["message"])
    before = len(polls.found)
    conn.sync()
    found = sorted(oid for poll in polls.found[before:] for oid in poll)
    changed = sorted([u64(root._p_oid), u64(alice._p_oid)])
    check("a poll finds oids", changed, found)
    check("read after the poll", "second", root["message"])

    alice.create_time += 1
    let_other_write(dsn)
    transaction.commit()
    conn.sync()
    check("100 + 10 + 10 + 1 is", 121, alice.create_time)

    eve, bob = root["eve"]._p_oid, referred(alice)[0]["bob"]._p_oid
    del root["eve"]
    transaction.commit()
    time.sleep(1.1)  # packing counts in seconds
    db.pack(time.time())
    check("packed away", "gone", look(conn, eve))
    check("kept", "there", look(conn, bob))
    conn.close()
    db.close()


class Polls(object):
    """What each poll of a storage finds."""

    def __init__(self):
        self.found = []

    def watch(self, storage):
        poll = storage.poll_invalidations

        def poll_invalidations():
            found = poll()
            self.found.append(map(u64, found or ()))
            return found

        storage.poll_invalidations = poll_invalidations


def look(conn, oid):
    conn.sync()
    try:
        conn._storage.load(oid, "")
    except KeyError:
        return "gone"
    return "there"


def main():
    logging.basicConfig(level=logging.CRITICAL)
    if sys.argv[1:] == ["write"]:
        return write(os.environ[DSN])
    try:
        with server() as dsn:
            for name in "ZODB3", "RelStorage", "psycopg2":
                show(name, pkg_resources.get_distribution(name).version)
            connection = psycopg2.connect(dsn)
            show("PostgreSQL", connection.server_version // 10000)
            connection.close()
            read(dsn)
    except Missing as missing:
        return "PostgreSQL is needed: %s" % missing
    return 0


if __name__ == "__main__":
    sys.exit(main())
