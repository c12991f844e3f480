"""Keys on disk, signing and checking signatures (ed25519), with cryptography."""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poach.errors import PoachError
from poach.remote.sharing import PublicKey, Signature

if TYPE_CHECKING:
    from types import ModuleType

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS = 0o077
_PEM = re.compile(rb"-----BEGIN PRIVATE KEY-----(.*)-----END PRIVATE KEY-----", re.S)
#: The name of the algorithm as it stands in a private key (RFC 8410, RFC 8032).
_ED25519 = bytes.fromhex("06032b6570")
_NO_PEM = "is not a PEM file without a password"
_OTHER_KIND = "is not for ed25519; 'poach key --new' makes one that is"


class NoCryptography(PoachError):
    """Signatures are wanted, and the package that knows them is not there."""

    def __str__(self) -> str:
        return (
            "Signing patched eggs, and checking who signed them, needs the package "
            "cryptography: install poach[sign]"
        )


class BadKey(PoachError):
    """A file with a private key that cannot be used, or made; `path` is its path."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"The signing key {self.path} {self.reason}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key; `public` is the other half."""

    private: Ed25519PrivateKey
    public: PublicKey

    def sign(self, data: bytes) -> Signature:
        """Return the signature of `data`."""
        return Signature(self.public, self.private.sign(data))


def require() -> None:
    """Raise `NoCryptography` where signatures cannot be made or checked."""
    _ed25519()


def is_by(signature: Signature, data: bytes) -> bool:
    """Return whether `signature` is one of `data`; raises `NoCryptography`."""
    ed25519 = _ed25519()
    from cryptography.exceptions import InvalidSignature

    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(signature.by.data)
        public.verify(signature.data, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def make(path: Path) -> Signer:
    """Make a key pair, and the new file `path` with it, which only its owner can read.

    Raises `BadKey` and `NoCryptography`.
    """
    private = _ed25519().Ed25519PrivateKey.generate()
    from cryptography.hazmat.primitives import serialization as how

    pem = private.private_bytes(
        how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
    except OSError as error:
        raise BadKey(path, f"cannot be made: {error.strerror}") from error
    return _signer(private)


def load(path: Path) -> Signer:
    """Read the private key in `path` (PEM, PKCS #8).

    A file that others can read is refused, as ssh does.  Raises `BadKey` and
    `NoCryptography`.
    """
    ed25519 = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as stream:
            _refuse_readable(path, os.fstat(stream.fileno()).st_mode)
            private = load_pem_private_key(stream.read(), password=None)
    except OSError as error:
        raise BadKey(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(path, f"{_NO_PEM}: {error}") from error
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise BadKey(path, _OTHER_KIND)
    return _signer(private)


def check(path: Path) -> None:
    """Raise `BadKey` for a file that `load` would refuse, as far as one sees at once.

    That takes next to no time, and needs no cryptography.  A pipe is not looked into:
    what comes out of it comes once.
    """
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            return
        with path.open("rb") as stream:
            _refuse_readable(path, os.fstat(stream.fileno()).st_mode)
            found = _PEM.search(stream.read())
        der = base64.b64decode(found[1]) if found else b""
    except OSError as error:
        raise BadKey(path, f"cannot be read: {error.strerror}") from error
    except ValueError:
        der = b""
    if not der:
        raise BadKey(path, _NO_PEM)
    if _ED25519 not in der[:16]:
        raise BadKey(path, _OTHER_KIND)


def _refuse_readable(path: Path, mode: int) -> None:
    # Windows has no such bits.
    if os.name == "posix" and mode & _OTHERS:
        reason = f"can be read by others (mode {mode & 0o777:04o}): chmod 600 {path}"
        raise BadKey(path, reason)


def _signer(private: Ed25519PrivateKey) -> Signer:
    from cryptography.hazmat.primitives import serialization as how

    raw = private.public_key().public_bytes(how.Encoding.Raw, how.PublicFormat.Raw)
    return Signer(private, PublicKey(raw))


def _ed25519() -> ModuleType:
    # Imported late: it takes a while, and is an extra.
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise NoCryptography from error
    return ed25519
