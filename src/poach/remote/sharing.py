"""A remote store: where its entries are, and which signatures count."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from poach.pins.build_key import FORMAT, BuildKey
from poach.pins.location import is_url

_KEY = "{key}"
_PUBLIC = re.compile(r"ed25519:(?P<data>[A-Za-z0-9+/]{43}=)")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the entries of a remote store are."""

    #: As written: a folder, or a URL with ``{key}`` in it, which stands for the digest
    #: of a build key.
    url: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse what `str` of an address gives; raises ValueError."""
        parts = urlsplit(text)
        if not is_url(text) or not parts.hostname:
            raise ValueError(
                "it is not an http(s) URL with a host, such as https://host/path/"
            )
        parts.port  # noqa: B018 - raises ValueError for what is no port
        if parts.query or parts.fragment or re.search(r"[\s\0]", text):
            raise ValueError("it has a query, a fragment or white space")
        odd = re.search(r"\{[^{}]*\}?|\}", text.replace(_KEY, ""))
        if odd:
            raise ValueError(
                f"it has {odd[0]!r} in it, and only {_KEY} stands for anything"
            )
        return cls(text)

    def __str__(self) -> str:
        return self.url

    def of(self, key: BuildKey) -> str:
        """Return the URL of the entry of `key`; no server objects to its letters."""
        if _KEY in self.url:
            return self.url.replace(_KEY, key.digest)
        return f"{self._folder}{FORMAT}/{key.project}/{key.digest}.zip"

    def folders(self, key: BuildKey) -> list[str]:
        """Return the URLs of the folders that lead to an entry, the outermost first."""
        if _KEY in self.url:
            return []
        top = f"{self._folder}{FORMAT}/"
        return [self._folder, top, f"{top}{key.project}/"]

    @property
    def _folder(self) -> str:
        return self.url.rstrip("/") + "/"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ed25519 public key (RFC 8032): its 32 bytes."""

    data: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Parse what `str` of a key gives; raises ValueError."""
        found = _PUBLIC.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a public key as 'poach key' prints it")
        return cls(base64.b64decode(found["data"]))

    def __str__(self) -> str:
        return "ed25519:" + base64.b64encode(self.data).decode("ascii")


@dataclass(frozen=True, slots=True)
class Signature:
    """An ed25519 signature, its 64 bytes, and the key that it is by."""

    by: PublicKey
    data: bytes

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Parse what `str` of a signature gives; raises ValueError."""
        public, _, data = text.strip().partition(" ")
        try:
            return cls(PublicKey.parse(public), base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise ValueError(f"a signature is not base64: {error}") from None

    def __str__(self) -> str:
        return f"{self.by} {base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a buildout uses a remote store."""

    address: Address
    #: Whether it also fills the store.
    upload: bool = False
    #: One of these keys must have signed an entry for it to be used; None takes any.
    trusted: frozenset[PublicKey] | None = None
    #: The path of the private key that signs what is uploaded.
    signing_key: str | None = None
