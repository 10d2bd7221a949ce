"""`python -m bench.products.verified DATA`: every public account of a stopped Teahouse gets a badge.

Through the product that takes two people's verdicts for each; here the rows are written straight into the same tables.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from teahouse.db.sqlite import Sqlite
from teahouse.opening import DATABASE_FILE
from teahouse.public_accounts.lookalikes import Named, guard

AT_ONCE = 1_000  # accounts of one transaction
FOREVER_MS = 1 << 52


async def verify(path: Path) -> None:
    """Guard the names of all accounts."""
    database = await Sqlite.open(path)
    after = 0
    while rows := await database.fetch(
        "SELECT account_no, handle, name FROM public_accounts WHERE account_no > ? ORDER BY account_no LIMIT ?",
        after, AT_ONCE,
    ):  # fmt: skip
        async with database.transaction() as tx:
            for row in rows:
                await guard(tx, Named(*row))
            await tx.execute_many(
                "UPDATE public_accounts SET badge = kind, badge_until_ms = ? WHERE account_no = ?",
                [(FOREVER_MS, row[0]) for row in rows],
            )
        after = rows[-1][0]
    await database.close()


if __name__ == "__main__":
    asyncio.run(verify(Path(sys.argv[1]) / DATABASE_FILE))
