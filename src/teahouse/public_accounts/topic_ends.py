"""What followers chose of a topic that its account takes back: their choices are changed, some at a time.

Who chose no other topic gets everything again, in the feed at once, and in alerts when their turn comes here.
"""

from __future__ import annotations

from typing import Protocol

from teahouse.db import Database, Transaction
from teahouse.posts.chores import Chore
from teahouse.posts.topics import Topics
from teahouse.public_accounts.accounts import Accounts
from teahouse.rooms import Directory
from teahouse.rooms.types import Users

CHOICES_AT_ONCE = 100  # changed in one transaction: about 20 ms, in which nobody else writes


class Alerts(Protocol):
    """The push rules of one who is alerted of some topics."""

    async def end_topic(self, tx: Transaction, user_no: int, user_id: str, room_id: str, place: int) -> None:
        """A channel's topic is no more: who was alerted of it alone is alerted of all posts."""


class TopicEnds:
    """Changes choices that name a topic which is no more."""

    def __init__(
        self, database: Database, accounts: Accounts, alerts: Alerts, topics: Topics, users: Users, directory: Directory
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._alerts = alerts
        self._users = users
        self._directory = directory
        self.chore = Chore(self.step)
        topics.taken_back = self.chore.more

    async def step(self) -> bool:
        """Change some choices; False when nothing is left."""
        row = await self._database.fetch_one("SELECT account_no, place, after_no FROM topic_ends LIMIT 1")
        if row is None:
            return False
        account_no, place, after_no = row
        chosen = await self._database.fetch(
            "SELECT user_no FROM topic_choices WHERE account_no = ? AND user_no > ? ORDER BY user_no LIMIT ?",
            account_no, after_no, CHOICES_AT_ONCE,
        )  # fmt: skip
        account = await self._accounts.at(account_no)
        assert account is not None
        room_id = await self._directory.room_id(account.room_no)
        users = {user_no: await self._users.user_id(user_no) for (user_no,) in chosen}
        async with self._database.transaction() as tx:
            for user_no, user_id in users.items():
                if await forget(tx, user_no, account_no, place):
                    await self._alerts.end_topic(tx, user_no, user_id, room_id, place)
            if len(users) < CHOICES_AT_ONCE:
                await tx.execute("DELETE FROM topic_ends WHERE account_no = ? AND place = ?", account_no, place)
            else:
                await tx.execute(
                    "UPDATE topic_ends SET after_no = ? WHERE account_no = ? AND place = ?",
                    max(users), account_no, place,
                )  # fmt: skip
        return True


async def forget(tx: Transaction, user_no: int, account_no: int, place: int) -> bool:
    """Take a topic out of a follower's choice; whether it was among those that alert."""
    row = await tx.fetch_one(
        "SELECT alerts, shown FROM topic_choices WHERE user_no = ? AND account_no = ?", user_no, account_no
    )
    if row is None:
        return False
    alerts, shown = (bits & ~(1 << place) for bits in row)
    await tx.execute(
        "UPDATE topic_choices SET alerts = ?, shown = ? WHERE user_no = ? AND account_no = ?",
        alerts, shown, user_no, account_no,
    )  # fmt: skip
    await tx.execute(
        "DELETE FROM topic_choices WHERE user_no = ? AND account_no = ? AND alerts = 0 AND shown = 0",
        user_no, account_no,
    )  # fmt: skip
    return bool(alerts != row[0])
