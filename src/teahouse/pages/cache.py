"""Rendered pages kept in memory: as old as their content, and their counts some seconds at most."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from teahouse.clock import Clock
from teahouse.posts.editions import Editions
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account

KEPT_MAX_BYTES = 33_554_432  # all rendered pages together, 32 MiB: some thousands of them
PAGE_MAX_BYTES = 2_097_152  # a larger one, such as a long article in many wordings, is made anew for each reader
AGE_MAX_MS = 10_000  # how late likes, views and followers may be shown


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer. `accounts`: whose posts it shows; `every`: whether any new post anywhere makes it old."""

    status: int
    content_type: str
    body: bytes
    accounts: Sequence[Account] = ()
    every: bool = False
    etag: str = ""
    modified_ms: int = 0
    known_ms: int = 0  # when it was last found to be so
    edition: int = 0


class RenderedPages:
    """The pages kept in memory, the least used of which make room."""

    def __init__(self, clock: Clock, editions: Editions, accounts: Accounts) -> None:
        self._clock = clock
        self._editions = editions
        self._accounts = accounts
        self._kept: OrderedDict[Hashable, Rendered] = OrderedDict()
        self._bytes = 0

    @property
    def edition(self) -> int:
        """What to read before rendering and hand to `keep`: a change in between makes the page old at once."""
        return self._editions.count

    async def find(self, key: Hashable) -> Rendered | None:
        """The page under a key, if it still says what is so."""
        kept = self._kept.get(key)
        if kept is None or self._clock.now_ms() - kept.known_ms >= AGE_MAX_MS:
            return None
        if kept.every and kept.edition != self._editions.count:
            return None
        if not self._editions.unchanged([each.account_no for each in kept.accounts], kept.edition):
            return None
        for account in kept.accounts:
            now = await self._accounts.at(account.account_no)
            if now is not account and (now is None or replace(now, followers=account.followers) != account):
                return None
        if key in self._kept:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: Hashable, rendered: Rendered, edition: int) -> Rendered:
        """Put a page under a key; it with its tag, and with the time from which on it has been the same."""
        now_ms = self._clock.now_ms()
        etag = f'"{hashlib.blake2b(rendered.body, digest_size=12).hexdigest()}"'
        before = self._kept.pop(key, None)
        modified_ms = now_ms
        if before is not None:
            self._bytes -= len(before.body)
            if before.etag == etag:
                modified_ms = before.modified_ms
        kept = replace(rendered, etag=etag, modified_ms=modified_ms, known_ms=now_ms, edition=edition)
        if len(kept.body) <= PAGE_MAX_BYTES:
            self._kept[key] = kept
            self._bytes += len(kept.body)
        while self._bytes > KEPT_MAX_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return kept
