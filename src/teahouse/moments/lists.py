"""What somebody sets for all their moments: how far back friends see, who does not see them, whose they do not want."""

from __future__ import annotations

from dataclasses import replace

from teahouse.db import Database
from teahouse.errors import Forbidden, InvalidParam
from teahouse.moments import store, types
from teahouse.moments.circles import Circles, Journals
from teahouse.moments.journal import Journal
from teahouse.moments.types import ListName, Settings
from teahouse.rooms.types import Reader


def end(journal: Journal) -> None:
    """The author's account is closed."""
    journal.closed = True


class MomentLists:
    """Settings and lists of all users."""

    def __init__(self, database: Database, circles: Circles, journals: Journals) -> None:
        self._database = database
        self._circles = circles
        self._journals = journals

    async def settings(self, user_no: int) -> Settings:
        """What somebody has set."""
        return await store.settings(self._database, user_no)

    async def set_days(self, user: Reader, days: int) -> None:
        """Let friends see so many days back; 0: all. Seeing further than before is shown to them as a whole room."""
        if days not in types.DAYS:
            raise InvalidParam(f"'days' must be one of {', '.join(map(str, types.DAYS))}.")
        friends = (await self._circles.of(user.user_no)).friends
        async with self._database.transaction() as tx:
            before = await store.settings(tx, user.user_no)
            if before.days == days:
                return
            await store.set_settings(tx, user.user_no, replace(before, days=days))
            tx.on_commit(lambda: self._journals.set_days(user.user_no, days))
            if before.days and (not days or days > before.days):
                await self._circles.renew(tx, user.user_no, friends)

    async def listed(self, user_no: int, name: ListName) -> list[int]:
        """Who is on a list, in a fixed order."""
        return sorted(await store.listed(self._database, user_no, name))

    async def put_on(self, user: Reader, name: ListName, other_no: int) -> None:
        """Put somebody on a list."""
        if other_no == user.user_no:
            raise InvalidParam("You cannot put yourself on this list.")
        async with self._database.transaction() as tx:
            if len(await store.listed(tx, user.user_no, name)) >= types.LIST_MAX:
                raise Forbidden(f"A list has at most {types.LIST_MAX:,} people.")
            if not await store.put_on_list(tx, user.user_no, name, other_no):
                return
            if name == "hidden":
                tx.on_commit(lambda: self._hide(user.user_no, other_no, hidden=True))
                return
            await self._circles.end(tx, user.user_no, other_no)
            tx.on_commit(lambda: self._circles.want(user.user_no, other_no, wanted=False))

    async def take_off(self, user: Reader, name: ListName, other_no: int) -> None:
        """Take somebody off a list."""
        async with self._database.transaction() as tx:
            if not await store.take_off_list(tx, user.user_no, name, other_no):
                return
            if name == "unwanted":
                tx.on_commit(lambda: self._circles.want(user.user_no, other_no, wanted=True))
                return
            tie = await store.tie(tx, other_no, user.user_no)
            if tie is not None and tie.stands:
                pos = tx.positions()
                await self._circles.put(tx, other_no, replace(tie, renewed=pos, news=pos))
            tx.on_commit(lambda: self._hide(user.user_no, other_no, hidden=False))

    async def close(self, user_no: int) -> None:
        """An account is being closed: its moments are read by nobody any more."""
        journal = await self._journals.of(user_no)
        if journal is None:
            return
        friends = (await self._circles.of(user_no)).friends
        async with self._database.transaction() as tx:
            await self._circles.close(tx, user_no, friends)
            tx.on_commit(lambda: self._journals.change(user_no, end))

    def _hide(self, author_no: int, other_no: int, *, hidden: bool) -> None:
        self._journals.change(
            author_no, lambda journal: (journal.hidden.add if hidden else journal.hidden.discard)(other_no)
        )
        self._circles.look(other_no, author_no)
