"""Which part of some content a request wants. Pure.

Source: RFC 9110, sections 13.1.5 (If-Range), 13.2.2 (order of conditions) and 14 (ranges).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from teahouse.errors import RangeNotThere

# Thirty digits are more than any file has bytes. What is no single range of bytes is passed over, as a server may do:
# several in one request are asked for by hardly anybody but those who want one answer to cost as much as many.
_SINGLE = re.compile(r"\s*bytes\s*=\s*(\d{0,30})\s*-\s*(\d{0,30})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from `first` to `last`, both included, of `size_bytes`."""

    first: int
    last: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> bytes:
        """The header that says so."""
        return f"bytes {self.first}-{self.last}/{self.size_bytes}".encode()


def wanted(wish: str | None, if_range: str | None, tag: str, size_bytes: int) -> Part | None:
    """The part that a Range header names; None for everything.

    With `if_range` a part is meant only of the content that has this very `tag`: of another one all is wanted, lest
    two halves of different things be put together. Raises RangeNotThere for bytes beyond the end.
    """
    found = None if wish is None or (if_range is not None and if_range.strip() != tag) else _SINGLE.fullmatch(wish)
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return the_end(int(found[2]), size_bytes)
    first = int(found[1])
    last = min(int(found[2]), size_bytes - 1) if found[2] else size_bytes - 1
    if found[2] and int(found[2]) < first:
        return None  # no range at all
    if first >= size_bytes:
        raise not_there(size_bytes)
    return Part(first, last, size_bytes)


def the_end(length: int, size_bytes: int) -> Part | None:
    """The last so many bytes, or all when there are fewer."""
    if not length:
        raise not_there(size_bytes)
    return Part(max(0, size_bytes - length), size_bytes - 1, size_bytes) if size_bytes else None


def not_there(size_bytes: int) -> RangeNotThere:
    """The refusal of bytes beyond the end."""
    return RangeNotThere("The content has no such bytes.", size_bytes=size_bytes)
