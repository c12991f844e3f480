"""Print which zope.i18nmessageid runs here and what its C code does."""

import argparse
import importlib.metadata
import sys

from zope.i18nmessageid import Message


def show(what: str, value: object) -> None:
    print(f"{what:<14}{value}")


def refusal() -> Exception | None:
    """What a mapping that is none is answered with."""
    try:
        Message("Hello ${name}", domain="shop", mapping=42)
    except (TypeError, SystemError) as error:
        return error
    return None


def is_patched() -> bool:
    # No fallback in Python: this import fails if the C code was not built.
    from zope.i18nmessageid import _zope_i18nmessageid_message as compiled

    if Message is not compiled.Message:
        sys.exit("Message is not the C implementation")
    error = refusal()
    show("version", importlib.metadata.version("zope.i18nmessageid"))
    show("C code from", compiled.__file__)
    show("mapping=42", f"{type(error).__name__}: {error}")
    return isinstance(error, TypeError)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--expect-plain",
        action="store_true",
        help="exit with 0 if the C code is not patched, instead of if it is",
    )
    return int(is_patched() == parser.parse_args().expect_plain)
