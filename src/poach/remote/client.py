"""The remote store: entries on a server that others fill and that is not trusted.

It is asked before an egg is built, and perhaps filled after.  Nothing that the server
does stops a build: it is reported, and the egg is built here.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from poach.errors import PoachError
from poach.pins.build_key import BuildKey
from poach.pins.location import plain, recordable, without_credentials
from poach.pins.patchset import PatchSet
from poach.remote.reporter import RemoteReporter
from poach.remote.sharing import Sharing
from poach.store.store import Made, PatchedEgg

if TYPE_CHECKING:
    from poach.remote.signing import Signer

T = TypeVar("T")


class NotShared(PoachError):
    """An egg that was not got from a remote store, or not uploaded."""

    #: What failed.
    did: str
    #: Where, without credentials.
    url: str
    #: Why, in one line, for any answer of a server.
    reason: str
    #: What follows.
    so: str

    def __post_init__(self) -> None:
        self.url, self.reason = without_credentials(self.url), plain(self.reason)

    def __str__(self) -> str:
        return f"{self.did} {self.url}: {self.reason}; {self.so}"


class RemoteStore:
    """A remote store, used as `sharing` says; `reporter` hears what comes of it.

    `allow_hosts` are buildout's.  A server that fails in a way that will not pass soon
    is left alone for as long as this object lives.
    """

    def __init__(
        self, sharing: Sharing, allow_hosts: Collection[str], reporter: RemoteReporter
    ) -> None:
        self._sharing = sharing
        self._allow_hosts = allow_hosts
        self._reporter = reporter
        self._timeout = socket.getdefaulttimeout()
        self._ended: set[str] = set()
        # Builds side by side ask in turn: a server that is down is reported once.
        self._turns = {"GET": Lock(), "PUT": Lock()}

    def fetch(self, patch_set: PatchSet, key: BuildKey, folder: Path) -> Made | None:
        """Return the egg of `key`, unpacked below `folder`; None where there is none.

        Every fault of it, or of the server, is reported.  Raises `PoachError`
        for our own keys that cannot be used, before anything is built in vain.
        """
        self._check_keys()
        work = folder / "fetched"
        work.mkdir()
        url = self._sharing.address.of(key)
        made = self._tried(
            "GET",
            NotShared(
                f"Did not get {patch_set.tagged} from", url, "", "it is built here"
            ),
            lambda: self._fetched(patch_set, key, work),
        )
        if made is None:
            shutil.rmtree(work)
        return made

    def offer(
        self, patch_set: PatchSet, key: BuildKey, egg: PatchedEgg, folder: Path
    ) -> None:
        """Upload an egg that was built here, by way of `folder`, if uploads are on.

        An egg that the server has is not replaced.  Every fault is reported.
        """
        if self._sharing.upload:
            url = self._sharing.address.of(key)
            did = f"Did not upload {patch_set.tagged} to"
            self._tried(
                "PUT",
                NotShared(did, url, "", "others do not get it"),
                lambda: self._upload(patch_set, key, egg, folder),
            )

    def _tried(
        self, method: str, failure: NotShared, attempt: Callable[[], T]
    ) -> T | None:
        """Return what `attempt` returns, None after reporting what it raises.

        It is not made where the server has failed before.
        """
        with self._turns[method]:
            return self._tried_once(method, failure, attempt)

    def _tried_once(
        self, method: str, failure: NotShared, attempt: Callable[[], T]
    ) -> T | None:
        if method in self._ended:
            return None
        try:
            return attempt()
        except (PoachError, OSError) as fault:
            ends: frozenset[str] = getattr(fault, "ends", frozenset())
            self._ended.update(ends)
            so = failure.so + ", and this server is left alone" * bool(ends)
            notice = NotShared(failure.did, failure.url, str(fault), so)
            self._reporter.not_shared(notice)
            return None

    def _check_keys(self) -> None:
        # Imported late, here and below: a run that builds nothing asks no server.
        from poach.remote import signing

        if self._sharing.trusted is not None:
            signing.require()
        self._signer()

    def _signer(self) -> Signer | None:
        from poach.remote import signing

        path = self._sharing.signing_key
        return signing.load(Path(path)) if path and self._sharing.upload else None

    def _fetched(self, patch_set: PatchSet, key: BuildKey, work: Path) -> Made | None:
        from poach.remote import bundle, transfer

        url, archive = self._sharing.address.of(key), work / "bundle.zip"
        server = transfer.Server(self._allow_hosts, self._timeout)
        if not server.get(url, archive, bundle.LIMITS.archive):
            return None
        trusted = self._sharing.trusted
        made = bundle.unpack(archive, work / "entry", patch_set.version, key, trusted)
        size, shown = archive.stat().st_size, without_credentials(url)
        self._reporter.fetched(patch_set.tagged, shown, size)
        return made._replace(record={**made.record, "fetched-from": recordable(url)})

    def _upload(
        self, patch_set: PatchSet, key: BuildKey, egg: PatchedEgg, folder: Path
    ) -> None:
        from poach.remote import bundle, transfer

        url, archive = self._sharing.address.of(key), folder / "bundle.zip"
        bundle.pack(egg, key, archive, self._signer())
        # A bundle that nobody would accept is not sent.
        bundle.unpack(archive, folder / "again", patch_set.version, key, None)
        server = transfer.Server(self._allow_hosts, self._timeout)
        if server.put(url, archive, self._sharing.address.folders(key)):
            size = archive.stat().st_size
            self._reporter.uploaded(patch_set.tagged, without_credentials(url), size)
