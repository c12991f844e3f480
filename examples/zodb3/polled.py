"""Show whether ZODB asks its storage which objects others have changed.

Two databases share their objects, but not the process's memory of them, as two clients
of one server do.  The storage is polled if ZODB3 has the patch poll-invalidations.
"""

from __future__ import print_function

import argparse
import sys

import pkg_resources
import transaction
import ZODB
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage


class Client(MappingStorage):
    """One of several clients of a storage that has what they all commit."""

    def __init__(self, shared):
        MappingStorage.__init__(self)
        self._index = shared
        self.seen = {}
        self.polls = 0

    def poll_invalidations(self):
        """Return the ids of the objects that changed since the last call."""
        self.polls += 1
        serials = {oid: record[:8] for oid, record in self._index.items()}
        changed = [oid for oid in serials if serials[oid] != self.seen.get(oid)]
        self.seen = serials
        return changed


def show(what, value):
    print("%-14s%s" % (what, value))


def probe():
    """Return how often each client was polled, and what the other one read last."""
    shared = {}
    writer, reader = DB(Client(shared)), DB(Client(shared))
    one = writer.open(transaction_manager=transaction.TransactionManager())
    other = reader.open(transaction_manager=transaction.TransactionManager())

    one.root()["message"] = "first"
    one.transaction_manager.commit()
    other.sync()
    before = other.root().get("message")

    one.root()["message"] = "second"
    one.transaction_manager.commit()
    other.sync()
    after = other.root().get("message")

    zodb3 = pkg_resources.get_distribution("ZODB3")
    polls = [db._storage.polls for db in (writer, reader)]
    show("ZODB3", zodb3.version)
    show("comes from", ZODB.__path__[0])
    show("one commits", "'first', then 'second'")
    show("other reads", "%r, then %r" % (before, after))
    show("polls", "%d and %d" % tuple(polls))
    return polls, after


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--expect-plain",
        action="store_true",
        help="exit with 0 if the storage is not polled, instead of if it is",
    )
    plain = parser.parse_args().expect_plain
    polls, read = probe()
    if plain:
        return int((polls, read) != ([0, 0], "first"))
    return int(not all(polls) or read != "second")


if __name__ == "__main__":
    sys.exit(main())
