"""Show what ZODB does with objects that are no pickles, on a FileStorage.

ZODB3 has the patch serializers, keas.pbpersist brings the format ``protobuf``.
"""

from __future__ import print_function

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time

import transaction
from contacts import account, refer, referred
from keas.pbpersist.pbformat import register
from persistent.mapping import PersistentMapping
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError, UnknownSerialFormat


def show(what, value):
    print("%-16s%s" % (what, value))


def check(what, expected, value):
    show(what, value)
    if value != expected:
        sys.exit("expected: %s" % (expected,))


def open_two(db):
    """Two connections with a transaction manager of their own."""
    return [db.open(transaction_manager=transaction.TransactionManager()) for _ in "12"]


def record(obj):
    return obj._p_jar._storage.load(obj._p_oid, "")[0]


def stored(conn):
    """Protobuf and pickle records refer to each other."""
    root = conn.root()
    root["alice"] = alice = account("Alice")
    refer(alice, PersistentMapping({"bob": account("Bob")}))
    root["eve"] = eve = account("Eve")
    refer(eve, account("Mallory"))
    conn.transaction_manager.commit()
    mapping = referred(alice)[0]
    check("Alice is", "{protobuf}", record(alice)[:10])
    check("her mapping is", "cpersistent.mapping", record(mapping)[:19])
    check("Bob is", "{protobuf}", record(mapping["bob"])[:10])


def resolved(db):
    """Two connections add to one number at the same time."""
    one, other = open_two(db)
    one.root()["alice"].create_time += 1
    other.root()["alice"].create_time += 10
    one.transaction_manager.commit()
    other.transaction_manager.commit()
    one.sync()
    check("100 + 1 + 10 is", 111, one.root()["alice"].create_time)
    check("Alice is still", "{protobuf}", record(one.root()["alice"])[:10])
    one.close()
    other.close()


def packed(db):
    """What only a protobuf record refers to stays, the rest goes."""
    conn = open_two(db)[0]
    root = conn.root()
    gone = [root["eve"]._p_oid, referred(root["eve"])[0]._p_oid]
    bob = referred(root["alice"])[0]["bob"]._p_oid
    del root["eve"]
    conn.transaction_manager.commit()
    db.pack(time.time() + 1)
    check("packed away", ["gone", "gone"], [look(conn, oid) for oid in gone])
    check("kept", "there", look(conn, bob))
    conn.close()


def look(conn, oid):
    try:
        conn._storage.load(oid, "")
    except POSKeyError:
        return "gone"
    return "there"


def exported(db, folder):
    """An export holds all of it, and is read into another database."""
    conn = db.open()
    file = conn.exportFile(conn.root()["alice"]._p_oid)
    file.seek(0)
    other = DB(FileStorage(os.path.join(folder, "Other.fs")))
    root = other.open().root()
    root["alice"] = root._p_jar.importFile(file)
    transaction.commit()
    root._p_jar.cacheMinimize()
    bob = referred(root["alice"])[0]["bob"]
    check("imported", (111, "Bob"), (root["alice"].create_time, bob.name))
    check("imported as", "{protobuf}", record(root["alice"])[:10])
    other.close()
    conn.close()


def unregistered(path):
    """What a process sees that has not registered the format."""
    db = DB(FileStorage(path))
    conn = db.open()
    conn.root()["pickle"] = "can be written"
    transaction.commit()
    check("pickles", ["alice", "pickle"], sorted(conn.root().keys()))
    conn.root()["zoe"] = account("Zoe")
    for what, action in (
        ("writing", transaction.commit),
        ("reading", lambda: conn.root()["alice"].name),
        ("exporting", lambda: conn.exportFile(conn.root()["alice"]._p_oid)),
        ("packing", lambda: db.pack(time.time() + 1)),
    ):
        try:
            action()
        except UnknownSerialFormat as error:
            show(what, "UnknownSerialFormat: %s" % error)
            transaction.abort()
        else:
            sys.exit("%s should fail" % what)
    db.close()


def main():
    logging.basicConfig(level=logging.CRITICAL)  # ZODB logs what it raises
    if sys.argv[1:]:
        return unregistered(sys.argv[1])
    register()
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "Data.fs")
        db = DB(FileStorage(path))
        conn = db.open()
        stored(conn)
        conn.close()
        resolved(db)
        packed(db)
        exported(db, folder)
        db.close()
        print("In a process that does not register the format:")
        sys.stdout.flush()
        return subprocess.call([sys.executable, sys.argv[0], path])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
