"""Following: a row, not a member. A channel has one true member, its account; what else readers see of membership is
made for each of them when they ask.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Forbidden
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.posts.neighbours import Boundaries
from teahouse.posts.topics import EVERYTHING, Choice, Topics, places_of
from teahouse.public_accounts import store
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import ALERTS, CHANNEL, FORGOTTEN, Account, Follow
from teahouse.rooms.readership import MembershipReadership
from teahouse.rooms.types import ALL, Place, Reader, Summary, Users, Window

FOLLOWS_MAX = 5_000  # accounts one person follows: each is a room in their clients
USERS_CACHED_MAX = 50_000  # users whose follows are kept, about 150 bytes each follow
SOURCES = ("channel", "page", "search", "repost", "link", "other")  # where followers may come from
DAY_MS = 86_400_000


class Alerts(Protocol):
    """The push rules of one who wants to be alerted."""

    async def alert(
        self, tx: Transaction, user_no: int, user_id: str, room_id: str, *, wanted: bool, topics: Sequence[int] = ()
    ) -> None:
        """Put the rules that alert of a channel's posts in place, or take them away. With `topics`: of those alone."""


class Followers:
    """The readership of channels."""

    def __init__(
        self, database: Database, clock: Clock, bus: Bus, identifiers: Identifiers, members: MembershipReadership,
        users: Users, accounts: Accounts, alerts: Alerts, topics: Topics, boundaries: Boundaries,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._bus = bus
        self._identifiers = identifiers
        self._members = members
        self._users = users
        self._accounts = accounts
        self._alerts = alerts
        self._topics = topics
        self._boundaries = boundaries
        self._changes = 0
        self._follows: OrderedDict[int, dict[int, Follow]] = OrderedDict()  # user_no → room_no → tie
        self._places: dict[int, dict[int, Place]] = {}  # the same as places, for as long as the ties stay in memory

    async def follow(
        self, reader: Reader, account: Account, room_id: str, *, source: str = "other", alerts: bool | None = None
    ) -> None:
        """Follow an account. Following again changes nothing but, when asked to, whether it alerts."""
        if reader.user_no == account.account_no:
            raise Forbidden("An account does not follow itself.")
        tie = (await self.ties(reader.user_no)).get(account.room_no)
        if tie is not None and tie.stands and (alerts is None or alerts == bool(tie.flags & ALERTS)):
            return
        async with self._database.transaction() as tx:
            if await self._boundaries.keeps_away(tx, account.account_no, reader.user_no):
                raise Forbidden("You cannot follow this account.")
            before = await store.follow(tx, reader.user_no, account)
            stood = before is not None and before.stands
            if not stood and await store.count_follows(tx, reader.user_no) >= FOLLOWS_MAX:
                raise Forbidden(f"You can follow at most {FOLLOWS_MAX:,} accounts.")
            flags = ALERTS if (bool(before and before.flags & ALERTS) if alerts is None else alerts) else 0
            pos = tx.positions()
            now_s = self._clock.now_ms() // 1_000
            made = Follow(account.account_no, account.room_no, pos, 0, now_s, flags, pos)
            if before is not None and stood:
                made = replace(before, flags=flags, news=pos)
            await store.put_follow(tx, reader.user_no, made)
            if not stood:
                await self.count(tx, account, source, 1)
            if flags or (before is not None and before.flags & ALERTS):
                choice = await self._topics.choice_in(tx, reader.user_no, account.account_no)
                await self._alert(tx, reader, room_id, choice, wanted=bool(flags))
            tx.on_commit(lambda: self._changed(reader.user_no, made))

    async def unfollow(self, reader: Reader, account: Account, room_id: str, *, source: str = "other") -> None:
        """Follow no more. The row stays, so that an older view of the reader's hears of it."""
        async with self._database.transaction() as tx:
            await self.unfollow_in(tx, reader, account, room_id, source=source)

    async def unfollow_in(
        self, tx: Transaction, reader: Reader, account: Account, room_id: str, *, source: str = "other"
    ) -> None:
        """The same inside a transaction."""
        before = await store.follow(tx, reader.user_no, account)
        if before is None or not before.stands:
            return
        pos = tx.positions()
        made = replace(before, until=pos, flags=0, news=pos)
        await store.put_follow(tx, reader.user_no, made)
        await self.count(tx, account, source, -1)
        await self._topics.forget(tx, reader.user_no, account.account_no)
        if before.flags & ALERTS:
            await self._alert(tx, reader, room_id, EVERYTHING, wanted=False)
        tx.on_commit(lambda: self._changed(reader.user_no, made))

    async def choose(self, reader: Reader, account: Account, room_id: str, choice: Choice) -> None:
        """A follower chooses of which topics posts alert, and of which they appear in the merged feed."""
        await self._topics.check(account.account_no, {*places_of(choice.alerts), *places_of(choice.shown)})
        async with self._database.transaction() as tx:
            tie = await store.follow(tx, reader.user_no, account)
            if tie is None or not tie.stands:
                raise Forbidden("Follow the account first: topics are chosen by its followers.")
            await self._topics.choose(tx, reader.user_no, account.account_no, choice)
            if tie.flags & ALERTS:
                await self._alert(tx, reader, room_id, choice, wanted=True)

    async def _alert(self, tx: Transaction, reader: Reader, room_id: str, choice: Choice, *, wanted: bool) -> None:
        topics = places_of(choice.alerts)
        await self._alerts.alert(tx, reader.user_no, reader.user_id, room_id, wanted=wanted, topics=topics)

    async def forget(self, reader: Reader, account: Account) -> None:
        """Drop a channel that was left from the reader's lists."""
        async with self._database.transaction() as tx:
            before = await store.follow(tx, reader.user_no, account)
            if before is None or before.stands:
                return
            made = replace(before, flags=before.flags | FORGOTTEN)
            await store.put_follow(tx, reader.user_no, made)
            tx.on_commit(lambda: self._changed(reader.user_no, made))

    async def news(self, tx: Transaction, user_no: int, account_no: int, pos: int) -> None:
        """Note that something in a channel is new to one follower alone."""
        await tx.execute("UPDATE follows SET news = ? WHERE user_no = ? AND account_no = ?", pos, user_no, account_no)
        tx.on_commit(lambda: self.changed(user_no, account_no, pos))

    async def ties(self, user_no: int) -> Mapping[int, Follow]:
        """Whom somebody follows or followed, by the channel's room_no."""
        ties = self._follows.get(user_no)
        if ties is not None:
            self._follows.move_to_end(user_no)
            return ties
        changes = self._changes
        ties = {tie.room_no: tie for tie in await store.follows_of(self._database, user_no)}
        if changes == self._changes:  # else somebody followed meanwhile, and the next call reads again
            self._follows[user_no] = ties
            if len(self._follows) > USERS_CACHED_MAX:
                self._places.pop(self._follows.popitem(last=False)[0], None)
        return ties

    async def follows(self, user_no: int, account_no: int) -> bool:
        """Whether somebody follows an account."""
        account = await self._accounts.at(account_no)
        tie = None if account is None else (await self.ties(user_no)).get(account.room_no)
        return tie is not None and tie.stands

    async def is_staff(self, user_no: int, account_no: int) -> bool:
        """Whether somebody writes for an account."""
        return await self._accounts.role(user_no, account_no) in ("owner", "editor")

    def changed(self, user_no: int, account_no: int, pos: int) -> None:
        """Something of a channel is new at `pos` to one reader alone."""
        self._changes += 1
        if user_no == account_no:
            self._places.pop(user_no, None)
        for room_no, tie in self._follows.get(user_no, {}).items():
            if tie.account_no == account_no:
                self._remember(user_no, room_no, replace(tie, news=pos))
                break

    def answers_for(self, state: RoomState) -> bool:
        return (CHANNEL, "") in state.entries

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        ties = await self.ties(reader.user_no)
        places = self._places.get(reader.user_no)
        if places is None:
            changes = self._changes
            own = await self._own(reader)
            places = {room_no: place_of(reader.user_no, tie) for room_no, tie in ties.items()} | own
            if self._follows.get(reader.user_no) is ties and (not own or changes == self._changes):
                self._places[reader.user_no] = places
        return places

    async def _own(self, reader: Reader) -> dict[int, Place]:
        """A person's own channel, where they are a member and yet have news that is theirs alone."""
        account = await self._accounts.at(reader.user_no)
        place = None if account is None else (await self._members.places(reader)).get(account.room_no)
        if account is None or place is None:
            return {}
        return {account.room_no: replace(place, news=await store.own_news(self._database, account))}

    async def window(self, reader: Reader, state: RoomState) -> Window:
        if reader.user_id in state.joined:
            return await self._members.window(reader, state)
        tie = (await self.ties(reader.user_no)).get(state.room_no)
        if tie is None:
            return Window(ALL)
        if tie.stands:
            return Window(ALL, [(tie.since, "join")])
        return Window(ALL, [(tie.since, "join"), (tie.until, "leave")])

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        staff = await self._members.members(reader, state, at)
        if reader.user_id in state.joined:
            return staff
        own = await self.member(reader, state, reader.user_id, at)
        return staff if own is None else [*staff, own]

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        if user_id in state.joined:
            return await self._members.member(reader, state, user_id, at)
        tie = (await self.ties(reader.user_no)).get(state.room_no) if user_id == reader.user_id else None
        if tie is None or (at is not None and at < tie.since):
            return None
        left = not tie.stands and (at is None or at >= tie.until)
        return await self._event(reader, state, tie, "leave" if left else "join")

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        account = await self._account(state)
        return Summary(len(state.joined) + account.followers, 0, ())

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        found = set(self._members.interested(state, waiting))
        for user_no in waiting:
            ties = self._follows.get(user_no)
            tie = None if ties is None else ties.get(state.room_no)
            if ties is None or (tie is not None and tie.stands):  # not in memory: wake them, late is worse
                found.add(user_no)
        return found

    async def _account(self, state: RoomState) -> Account:
        handle = (state.content(CHANNEL) or {}).get("account")
        return await self._accounts.require(str(handle))

    async def _event(self, reader: Reader, state: RoomState, tie: Follow, membership: str) -> StoredEvent:
        """A reader's own membership as an event: theirs alone, at the position of following or unfollowing."""
        pos = tie.since if membership == "join" else tie.until
        content: dict[str, Any] = {"membership": membership}
        profile = await self._users.profile(reader.user_no) if membership == "join" else {}
        content |= {key: profile[key] for key in ("displayname", "avatar_url") if profile.get(key) is not None}
        event_id = self._identifiers.event_id(pos, state.room_no)
        ts = tie.since_s * 1_000
        shape = {
            "type": "m.room.member", "sender": reader.user_id, "state_key": reader.user_id, "content": content,
            "event_id": event_id, "origin_server_ts": ts,
        }  # fmt: skip
        return StoredEvent(
            pos, state.room_no, event_id, reader.user_id, reader.user_no, "m.room.member", reader.user_id, content, ts,
            msgspec.json.encode(shape),
        )  # fmt: skip

    async def count(self, tx: Transaction, account: Account, source: str, by: int) -> None:
        """Move the account's number of followers, and the day's, by where they came from."""
        day = self._clock.now_ms() // DAY_MS
        await store.count_followers(tx, account, by, day, source if source in SOURCES else "other")
        tx.on_commit(lambda: self._accounts.counted(account.account_no, by))

    def changed_many(self, ties: Sequence[tuple[int, Follow]]) -> None:
        """Bring what is in memory up to a commit of many ties, and wake whom they are of."""
        self._changes += 1
        for user_no, tie in ties:
            self._remember(user_no, tie.room_no, tie)
        self._bus.publish(users=[user_no for user_no, _ in ties])

    def _changed(self, user_no: int, tie: Follow) -> None:
        self.changed_many([(user_no, tie)])

    def _remember(self, user_no: int, room_no: int, tie: Follow) -> None:
        """Bring what is in memory up to a commit."""
        ties = self._follows.get(user_no)
        if ties is not None:
            ties[room_no] = tie
            if user_no in self._places:
                self._places[user_no][room_no] = place_of(user_no, tie)


def place_of(user_no: int, tie: Follow) -> Place:
    """What a channel is to one who follows or followed it."""
    membership = "join" if tie.stands else "leave"
    forgotten = bool(tie.flags & FORGOTTEN)
    return Place(tie.room_no, membership, tie.until or tie.since, user_no, forgotten=forgotten, news=tie.news)
