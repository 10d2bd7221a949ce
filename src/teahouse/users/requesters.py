"""Whose token is whose, in memory: what every request asks first.

Nothing is read from the database here. A load that a sign-out overtook must not put the old owner back: whoever loads
takes `forgettings` before reading, and hands it in with what was read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from teahouse.http.messages import Requester

TOKENS_CACHED_MAX = 50_000  # access tokens whose owner is kept, about 500 bytes each


class Requesters:
    """The owners of the access tokens used last, by the tokens' hashes."""

    def __init__(self, tokens_max: int = TOKENS_CACHED_MAX) -> None:
        self._tokens_max = tokens_max
        self._owners: OrderedDict[bytes, tuple[Requester, int | None]] = OrderedDict()
        self._of_user: dict[int, set[bytes]] = {}
        self.forgettings = 0

    def __len__(self) -> int:
        return len(self._owners)

    def get(self, token_hash: bytes) -> tuple[Requester, int | None] | None:
        """The owner, and when the token expires in milliseconds since the epoch; None when not in memory."""
        known = self._owners.get(token_hash)
        if known is not None:
            self._owners.move_to_end(token_hash)
        return known

    def put(self, requester: Requester, expires_ms: int | None, forgettings: int) -> None:
        """Keep what was read, unless something was forgotten since `forgettings` was taken."""
        if forgettings != self.forgettings:
            return
        self._owners[requester.token_hash] = (requester, expires_ms)
        self._of_user.setdefault(requester.user_no, set()).add(requester.token_hash)
        if len(self._owners) > self._tokens_max:
            oldest, (owner, _) = self._owners.popitem(last=False)
            self._drop(owner.user_no, oldest)

    def forget(self, user_no: int, device_ids: Collection[str]) -> None:
        """Drop the tokens of a user's devices."""
        self.forgettings += 1
        for token_hash in list(self._of_user.get(user_no, ())):
            if self._owners[token_hash][0].device_id in device_ids:
                del self._owners[token_hash]
                self._drop(user_no, token_hash)

    def _drop(self, user_no: int, token_hash: bytes) -> None:
        hashes = self._of_user[user_no]
        hashes.discard(token_hash)
        if not hashes:
            del self._of_user[user_no]
