"""Zip archives that come from others: measured before zipfile reads them."""

from __future__ import annotations

import zipfile
from typing import IO

#: Where the end of an archive, as zipfile finds it, has these numbers.
_COUNT, _SIZE = 4, 5


def check_list(stream: IO[bytes], most: int, largest: int) -> None:
    """Refuse a zip archive whose list of members is longer than it may be.

    zipfile reads the whole list into memory, so it is measured before, at the place
    where zipfile will look for it.  `most` are its members, `largest` its bytes.
    Raises ValueError, also for what is no zip archive.
    """
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        raise ValueError("it is not a zip archive")
    if end[_COUNT] > most:
        raise ValueError(f"it has more than {most} files and folders")
    if end[_SIZE] > largest:  # zipfile reads all of it, for any count
        raise ValueError(f"its list of files has more than {largest} bytes")
