"""The options of a buildout that are about a remote store, read into one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from poach.buildout import origins
from poach.buildout.origins import OptionError
from poach.errors import PoachError, collect
from poach.pins.location import is_url, without_credentials
from poach.remote.sharing import Address, PublicKey, Sharing

T = TypeVar("T")

_URL, _UPLOAD = "patched-eggs-url", "patched-eggs-upload"
_TRUSTED, _SIGNING_KEY = "patched-eggs-trusted-keys", "patched-eggs-signing-key"


def read(buildout: Any) -> Sharing | None:
    """Return how `buildout` uses a remote store, None where it uses none.

    Raises all that is wrong with the options together.
    """
    options = buildout["buildout"]
    readers: Sequence[Callable[[Any], Any]] = (_address, _upload, trusted, _signing)
    found = collect(lambda reader: reader(buildout), readers)
    address, upload, keys, signing_key = found
    if upload and address is None:
        raise origins.fault(buildout, "buildout", _UPLOAD, f"there is no {_URL}")
    if upload and keys is not None and signing_key is None:
        reason = (
            f"there is no {_SIGNING_KEY}, and {_TRUSTED} would refuse what is uploaded"
        )
        raise origins.fault(buildout, "buildout", _UPLOAD, reason)
    if signing_key is not None and options.get(_UPLOAD) is None:
        missing = _UPLOAD if address else _URL
        reason = f"there is no {missing}, so that nothing would be signed"
        raise origins.fault(buildout, "buildout", _SIGNING_KEY, reason)
    # What comes from the download cache alone comes from no server.
    if address is None or options.get("install-from-cache") == "true":
        return None
    return Sharing(address, upload, keys, signing_key)


def _address(buildout: Any) -> Address | None:
    line = _only_line(buildout, _URL)
    return _parsed(buildout, _URL, line, Address.parse) if line else None


def _upload(buildout: Any) -> bool:
    value = str(buildout["buildout"].get(_UPLOAD) or "false").strip()
    if value not in ("true", "false"):
        reason = f"{value!r} is neither true nor false"
        raise origins.fault(buildout, "buildout", _UPLOAD, reason)
    return value == "true"


def trusted(buildout: Any) -> frozenset[PublicKey] | None:
    """Return the trusted keys, None where nobody asks for any; raise `OptionError`.

    That is another thing than to name none.
    """
    if buildout["buildout"].get(_TRUSTED) is None:
        return None
    lines = origins.lines(buildout, "buildout", _TRUSTED)
    keys = frozenset().union(*collect(lambda line: _keys(buildout, line), lines))
    if not keys:
        reason = "it names no key, so that no patched egg could be used"
        raise origins.fault(buildout, "buildout", _TRUSTED, reason)
    return keys


def _keys(buildout: Any, line: origins.Line) -> frozenset[PublicKey]:
    """Return the keys that a line names: one, or those in a file, one a line."""
    if line.text.startswith("ed25519:"):
        return frozenset({_parsed(buildout, _TRUSTED, line, PublicKey.parse)})
    path = _path(buildout, _TRUSTED, line)

    def in_file(_: str) -> frozenset[PublicKey]:
        try:
            words = [each.strip() for each in path.read_text("utf-8").splitlines()]
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise ValueError(f"{path} is no text") from None
        keys = [each for each in words if each and not each.startswith("#")]
        if not keys:
            raise ValueError(f"{path} has no key in it")
        try:
            return frozenset(map(PublicKey.parse, keys))
        except ValueError as error:
            raise ValueError(f"in {path}, {error}") from None

    return _parsed(buildout, _TRUSTED, line, in_file)


def _signing(buildout: Any) -> str | None:
    """Return the path of the key that signs what is uploaded; refuse a bad one.

    Where uploads are switched off it need not be there.
    """
    line = _only_line(buildout, _SIGNING_KEY)
    if line is None:
        return None
    path = _path(buildout, _SIGNING_KEY, line)
    if str(buildout["buildout"].get(_UPLOAD)).strip() != "false":
        # Imported late: who does not sign needs no keys.
        from poach.remote import signing

        _parsed(buildout, _SIGNING_KEY, line, lambda _: signing.check(path))
    return str(path)


def _only_line(buildout: Any, option: str) -> origins.Line | None:
    lines = origins.lines(buildout, "buildout", option)
    if len(lines) > 1:
        raise origins.fault(buildout, "buildout", option, "it is one line")
    return lines[0] if lines else None


def _path(buildout: Any, option: str, line: origins.Line) -> Path:
    place = origins.joined(origins.base(buildout, line.source), line.text)
    if is_url(place):
        owner = origins.owner(buildout, line, "buildout", option)
        reason = f"{without_credentials(place)} is no file: write an absolute path"
        raise OptionError(f"[buildout] {option}", owner, reason)
    return Path(place)


def _parsed(
    buildout: Any, option: str, line: origins.Line, parse: Callable[[str], T]
) -> T:
    try:
        return parse(line.text)
    except (PoachError, ValueError) as error:
        owner = origins.owner(buildout, line, "buildout", option)
        text = without_credentials(str(error))
        raise OptionError(f"[buildout] {option}", owner, text) from error
