"""How many posts an account may publish in a day: one figure for each kind of account, the same for everybody.

Counted in the transaction that publishes, over the last 24 hours. What was deleted since counts all the same; what was
imported with an older date does not.
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

    async def spend(self, tx: Transaction, account_no: int, kind: Kind, now_ms: int) -> None:
        """Count a post of now; raises LimitExceeded, saying when, if the account has published its day's already."""
        allowed = self.per_day[kind]
        await tx.execute(
            "DELETE FROM posts_of_day WHERE account_no = ? AND posted_ms <= ?", account_no, now_ms - DAY_MS
        )
        row = await tx.fetch_one(
            "SELECT posted_ms FROM posts_of_day WHERE account_no = ? ORDER BY posted_ms DESC LIMIT 1 OFFSET ?",
            account_no, allowed - 1,
        )  # fmt: skip
        if row is None:
            await tx.execute(
                "INSERT INTO posts_of_day (account_no, posted_ms, post_no) VALUES (?, ?, ?)",
                account_no, now_ms, tx.positions(),
            )  # fmt: skip
            return
        free_ms = row[0] + DAY_MS
        when = datetime.fromtimestamp(free_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise LimitExceeded(
            f"An account of this kind publishes at most {allowed:,} posts in 24 hours; the next one from {when}.",
            retry_after_ms=free_ms - now_ms,
        )
