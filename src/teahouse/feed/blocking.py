"""Blocking: who is blocked cannot follow, comment on, mention or carry on the blocker, and what stood of it ends."""

from __future__ import annotations

from teahouse.db import Database
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.types import BLOCKED
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.types import Account
from teahouse.rooms import Directory
from teahouse.rooms.types import Reader


class Blocking:
    """What blocking does beyond keeping somebody out of sight."""

    def __init__(
        self, database: Database, boundaries: Boundaries, accounts: Accounts, followers: Followers,
        directory: Directory,
    ) -> None:  # fmt: skip
        self._database = database
        self._boundaries = boundaries
        self._accounts = accounts
        self._followers = followers
        self._directory = directory

    async def block(self, reader: Reader, other_no: int) -> None:
        """Block somebody; neither follows the other any more. They are not told."""
        other = Reader(other_no, await self._accounts.users.user_id(other_no))
        ending = [*await self._tie(other, reader.user_no), *await self._tie(reader, other_no)]
        async with self._database.transaction() as tx:
            await self._boundaries.set_in(tx, reader.user_no, other_no, BLOCKED, on=True)
            for follower, account, room_id in ending:
                await self._followers.unfollow_in(tx, follower, account, room_id)

    async def _tie(self, follower: Reader, account_no: int) -> list[tuple[Reader, Account, str]]:
        account = await self._accounts.at(account_no)
        if account is None:
            return []
        return [(follower, account, await self._directory.room_id(account.room_no))]
