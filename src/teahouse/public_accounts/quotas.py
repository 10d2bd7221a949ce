"""How many posts an account may publish in a day: one figure for each kind of account, the same for everybody.

Counted in the transaction that publishes, over the last 24 hours: the post that many numbers before must be older. What
was deleted since counts all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime

from teahouse.config import PublicAccountsConfig
from teahouse.db import Transaction
from teahouse.errors import LimitExceeded
from teahouse.public_accounts.types import KINDS, Kind

DAY_MS = 86_400_000


class Quotas:
    """The quotas of one server."""

    def __init__(self, settings: PublicAccountsConfig) -> None:
        self.per_day: dict[Kind, int] = {kind: int(getattr(settings, f"{kind}_posts_per_day")) for kind in KINDS}

    async def spend(self, tx: Transaction, account_no: int, kind: Kind, number: int, now_ms: int) -> None:
        """Raises LimitExceeded, saying when, unless the account may publish its post `number` now."""
        allowed = self.per_day[kind]
        row = await tx.fetch_one(
            "SELECT created_ms FROM posts WHERE account_no = ? AND number = ?", account_no, number - allowed
        )
        if row is None or row[0] <= now_ms - DAY_MS:
            return
        free_ms = row[0] + DAY_MS
        when = datetime.fromtimestamp(free_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise LimitExceeded(
            f"An account of this kind publishes at most {allowed:,} posts in 24 hours; the next one from {when}.",
            retry_after_ms=free_ms - now_ms,
        )
