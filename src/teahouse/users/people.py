"""Users as other slices see them."""

from __future__ import annotations

from collections.abc import Collection

from teahouse.db import Database
from teahouse.users.account_data import AccountData
from teahouse.users.directory import UserDirectory


class People(UserDirectory):
    """The users slice as rooms, keys and contacts see it: the directory with what it does not hold itself."""

    def __init__(self, database: Database, server_name: str) -> None:
        super().__init__(database, server_name)
        self.account_data: AccountData

    async def ignored(self, user_no: int) -> Collection[str]:
        """Users somebody ignores."""
        return await self.account_data.ignored(user_no)
