"""Who is told that a post's page was opened, and by what a visitor is told from another: never by their address."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from teahouse.clock import Clock
from teahouse.posts.types import Ref

DAY_MS = 86_400_000
KEY_BYTES = 16  # of a visitor: enough that no two are taken for one


class Views(Protocol):
    """Counts openings of posts."""

    def viewed(self, ref: Ref, visitor: bytes) -> None:
        """A post's page was opened. `visitor` is the same for one address during one day, UTC, and says nothing else.

        Called for every page that is answered; it must not wait.
        """


class Visitors:
    """Makes visitors of addresses, by a key that lives in memory for one day: nobody can go back from one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day = -1
        self._day_key = b""

    def visitor(self, address: str) -> bytes:
        """An address as a visitor of today."""
        day = self._clock.now_ms() // DAY_MS
        if day != self._day:
            self._day = day
            self._day_key = secrets.token_bytes(32)
        return hashlib.blake2b(address.encode(), key=self._day_key, digest_size=KEY_BYTES).digest()
