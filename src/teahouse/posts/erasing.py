"""What readers did with a deleted post goes too. A post can have a million likes: they go a thousand at a time, the
first with the post itself, and the others after it, whatever happens in between.
"""

from __future__ import annotations

from teahouse.db import Database, Transaction
from teahouse.posts.chores import Chore
from teahouse.posts.types import Post, Ref

ROWS_AT_ONCE = 1_000  # dropped in one transaction: about 20 ms, in which nobody else writes
STATEMENTS = (
    "DELETE FROM comments WHERE comment_no IN (SELECT comment_no FROM comments WHERE account_no = ? AND number = ? "
    "ORDER BY parent_no, comment_no LIMIT ?)",
    "DELETE FROM interactions WHERE account_no = ? AND number = ? AND kind = 'vote' AND user_no IN (SELECT user_no "
    "FROM interactions WHERE account_no = ? AND number = ? AND kind = 'vote' ORDER BY user_no LIMIT ?)",
    "DELETE FROM interactions WHERE account_no = ? AND number = ? AND kind = 'like' AND user_no IN (SELECT user_no "
    "FROM interactions WHERE account_no = ? AND number = ? AND kind = 'like' ORDER BY user_no LIMIT ?)",
)


class Erasing:
    """Drops rows of deleted posts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.chore = Chore(self.step)

    async def begin(self, tx: Transaction, post: Post) -> None:
        """Drop what a post being deleted has gathered; what is too much for one transaction is noted, to go later."""
        if not await drop(tx, post.ref):
            await tx.execute(
                "INSERT INTO erasures (account_no, number) VALUES (?, ?) ON CONFLICT DO NOTHING",
                post.account_no, post.number,
            )  # fmt: skip
            tx.on_commit(self.chore.more)

    async def step(self) -> bool:
        """Drop some rows; False when nothing is left."""
        row = await self._database.fetch_one("SELECT account_no, number FROM erasures LIMIT 1")
        if row is None:
            return False
        ref = Ref(row[0], row[1])
        async with self._database.transaction() as tx:
            if await drop(tx, ref):
                await tx.execute("DELETE FROM erasures WHERE account_no = ? AND number = ?", ref.account_no, ref.number)
        return True


async def drop(tx: Transaction, ref: Ref) -> bool:
    """Drop some rows of a post; whether none are left."""
    whole = True
    for statement in STATEMENTS:
        place = (ref.account_no, ref.number)
        places = place * (statement.count("account_no = ?"))
        whole &= await tx.execute(statement, *places, ROWS_AT_ONCE) < ROWS_AT_ONCE
    return whole
