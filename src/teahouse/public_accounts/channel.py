"""A channel as stock clients meet it: joining follows, leaving unfollows, a reaction likes, a poll's response votes.

Nothing a reader does here becomes an event of the room. What they are answered with, and shown in their own sync, is
made from rows.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec

from teahouse.db import Database, Transaction, marks, padded
from teahouse.errors import BadJson, Forbidden, NotFound
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Content, StoredEvent, Txn
from teahouse.matrix import events as matrix_events
from teahouse.posts import wording
from teahouse.posts.interactions import LIKE, VOTE, Interactions
from teahouse.posts.reposts import REPOST
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Post, PostContent, Ref, Repost
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.messages import answers, post_content, reworded
from teahouse.public_accounts.types import CHANNEL, RESPONSES, Account
from teahouse.rooms.keeping import echo
from teahouse.rooms.types import Reader

OWN_EVENTS_MAX = 500  # of one reader in one answer
SHOWN_CACHED_MAX = 64  # showings kept …
SHOWN_CACHED_EVENTS_MAX = 8  # … of so few events: what a post that has just come brings


class Channels:
    """The keeper of channels."""

    def __init__(
        self, database: Database, identifiers: Identifiers, accounts: Accounts, followers: Followers, posts: Posts,
        interactions: Interactions,
    ) -> None:  # fmt: skip
        self._database = database
        self._identifiers = identifiers
        self._accounts = accounts
        self._followers = followers
        self._posts = posts
        self._interactions = interactions
        self._shown: OrderedDict[tuple[int, tuple[int, ...]], Sequence[StoredEvent]] = OrderedDict()
        self._showing = asyncio.Lock()  # the first of a crowd reads for all

    def keeps(self, state: RoomState) -> bool:
        return (CHANNEL, "") in state.entries

    async def join(self, reader: Reader, state: RoomState) -> None:
        await self._followers.follow(reader, await self.account(state), state.room_id, source="channel")

    async def leave(self, reader: Reader, state: RoomState) -> None:
        if reader.user_id in state.joined:
            raise Forbidden("An account cannot leave its own channel.")
        await self._followers.unfollow(reader, await self.account(state), state.room_id, source="channel")

    async def forget(self, reader: Reader, state: RoomState) -> None:
        await self._followers.forget(reader, await self.account(state))

    async def send(self, reader: Reader, state: RoomState, event_type: str, txn: Txn, content: Content) -> str:
        account = await self.account(state)
        if event_type == "m.reaction":
            return await self._like(reader, state, content)
        if event_type in RESPONSES:
            return await self._vote(reader, state, event_type, content)
        if reader.user_no != account.account_no:
            raise Forbidden(who_writes(account))
        if event_type != "m.room.message":
            raise Forbidden("A channel takes messages; other kinds of posts are published through Teahouse's own API.")
        return await self._publish(account, reader, state, txn, content)

    async def redact(self, reader: Reader, state: RoomState, event_id: str, txn: Txn, content: Content) -> str:
        account = await self.account(state)
        pos = self._identifiers.position(event_id)
        if pos is None:
            raise NotFound("There is no such event in this room.")
        row = await self._database.fetch_one(
            "SELECT number, kind, until FROM interactions WHERE user_no = ? AND account_no = ? AND pos = ?",
            reader.user_no, account.account_no, pos,
        )  # fmt: skip
        if row is not None:
            ref = Ref(account.account_no, row[0])
            take_back = self._interactions.unlike if row[1] == LIKE else self._interactions.unvote
            return self._identifiers.event_id(row[2] or await take_back(reader, ref) or pos, state.room_no)
        if reader.user_no != account.account_no:
            raise Forbidden("You can take back only what you sent yourself.")
        earlier = await self._posts.answered(publisher(account), txn)
        if earlier is not None:
            return earlier
        post = await self._post(state, event_id)
        reason = content.get("reason")
        return await self._posts.delete(publisher(account), post.ref, reason if isinstance(reason, str) else "", txn)

    def check_change(self, reader: Reader, state: RoomState, event_type: str) -> None:
        # Not even its owner: a name is compared with others' before an account has it.
        raise Forbidden("This is a public account's channel: its settings are made through Teahouse's own API.")

    async def read(self, tx: Transaction, reader: Reader, state: RoomState, event_pos: int, pos: int) -> None:
        account = await self.account(state)
        await self._followers.news(tx, reader.user_no, account.account_no, pos)

    async def shown(self, state: RoomState, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        if len(events) > SHOWN_CACHED_EVENTS_MAX:
            return await self._shown_now(events)
        # The followers whom one post wakes are shown the same, as long as nothing has been written meanwhile.
        key = (self._database.head, tuple([event.pos for event in events]))
        current = self._shown.get(key)
        if current is None:
            async with self._showing:
                current = self._shown.get(key) or await self._shown_now(events)
                self._shown[key] = current
            if len(self._shown) > SHOWN_CACHED_MAX:
                self._shown.popitem(last=False)
        return current

    async def _shown_now(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        gone = await self._removed(events)
        if not gone and not any(REPOST in event.content for event in events):
            return events
        return [removed(event) if event.pos in gone else await self._current(event) for event in events]

    async def own(self, reader: Reader, state: RoomState, after: int, upto: int) -> Sequence[StoredEvent]:
        account = await self.account(state)
        rows = await self._database.fetch(
            "SELECT number, kind, value, pos, until, done_ms FROM interactions WHERE user_no = ? AND account_no = ? "
            "AND (pos > ? OR until > ?) ORDER BY pos LIMIT ?",
            reader.user_no, account.account_no, after, after, OWN_EVENTS_MAX,
        )  # fmt: skip
        found = []
        for number, deed, value, pos, until, done_ms in rows:
            post = await self._posts.find_numbered(account.account_no, number)
            if after < pos <= upto and not until:
                kind, content = done(deed, self._posts.event_id(post), value)
                found.append(echo(self._identifiers, reader, state, pos, kind, content, done_ms))
            if after < until <= upto and pos <= after:
                content = {"redacts": self._identifiers.event_id(pos, state.room_no)}
                found.append(echo(self._identifiers, reader, state, until, "m.room.redaction", content, done_ms))
        return sorted(found, key=lambda event: event.pos)

    async def own_about(self, reader: Reader, state: RoomState, event_pos: int) -> Sequence[StoredEvent]:
        post = (await self._posts.at([event_pos])).get(event_pos)
        if post is None or post.room_no != state.room_no:
            return ()
        rows = await self._database.fetch(
            "SELECT kind, value, pos, done_ms FROM interactions WHERE account_no = ? AND number = ? AND "
            "kind IN (?, ?) AND user_no = ? AND until = 0",
            post.account_no, post.number, LIKE, VOTE, reader.user_no,
        )  # fmt: skip
        event_id = self._posts.event_id(post)
        return [
            echo(self._identifiers, reader, state, pos, *done(deed, event_id, value), done_ms)
            for deed, value, pos, done_ms in rows
        ]

    async def account(self, state: RoomState) -> Account:
        """Whose channel a room is."""
        return await self._accounts.require(str((state.content(CHANNEL) or {}).get("account")))

    async def _like(self, reader: Reader, state: RoomState, content: Content) -> str:
        relation = matrix_events.relation(content)
        if relation is None or relation.rel_type != "m.annotation" or not relation.key:
            raise BadJson("A reaction names the event it is about, and an emoji.")
        post = await self._post(state, relation.event_id)
        pos = await self._interactions.like(reader, post.ref, relation.key)
        return self._identifiers.event_id(pos, state.room_no)

    async def _vote(self, reader: Reader, state: RoomState, event_type: str, content: Content) -> str:
        relation = matrix_events.relation(content)
        if relation is None:
            raise BadJson("A response names the poll it answers.")
        post = await self._post(state, relation.event_id)
        chosen = answers(content)
        if chosen:
            return self._identifiers.event_id(await self._interactions.vote(reader, post.ref, chosen), state.room_no)
        return self._identifiers.event_id(await self._interactions.unvote(reader, post.ref) or post.pos, state.room_no)

    async def _publish(self, account: Account, reader: Reader, state: RoomState, txn: Txn, content: Content) -> str:
        """A message that the owner of a personal account sends from a stock client."""
        earlier = await self._posts.answered(publisher(account), txn)
        if earlier is not None:
            return earlier
        relation = matrix_events.relation(content)
        if relation is not None and relation.rel_type == "m.replace":
            post = await self._post(state, relation.event_id)
            new = content.get("m.new_content")
            worded = reworded(post, new if isinstance(new, dict) else {})
            return await self._posts.edit(publisher(account), post.ref, worded, txn=txn)
        if relation is not None:
            raise Forbidden("Answer to a post with a comment: a channel has no threads or replies.")
        post = await self._posts.publish(publisher(account), reader.user_no, post_content(content), txn)
        return self._posts.event_id(post)

    async def _post(self, state: RoomState, event_id: str) -> Post:
        """The post behind an event of a channel."""
        pos = self._identifiers.position(event_id)
        found = {} if pos is None else await self._posts.at([pos])
        if pos is None or pos not in found or found[pos].room_no != state.room_no:
            raise NotFound("There is no such post in this channel. An edit is not a post: edit its post again.")
        return found[pos]

    async def _removed(self, events: Sequence[StoredEvent]) -> set[int]:
        """Positions of events of posts, and of their edits, that a decision took out of sight."""
        of = {event.pos: self._post_of(event) for event in events}
        if not of:
            return set()
        rows = await self._database.fetch(
            f"SELECT pos FROM posts WHERE pos IN ({marks(len(of))}) AND fate = ?",
            *padded(list(of.values())), int(Fate.REMOVED),
        )  # fmt: skip
        gone = {row[0] for row in rows}
        return {pos for pos, post_pos in of.items() if post_pos in gone}

    def _post_of(self, event: StoredEvent) -> int:
        """The position of the post that an event is, or edits."""
        relation = matrix_events.relation(event.content)
        if relation is None or relation.rel_type != "m.replace":
            return event.pos
        return self._identifiers.position(relation.event_id) or event.pos

    async def _current(self, event: StoredEvent) -> StoredEvent:
        """An event as it stands now: with what it carries on."""
        carried = event.content.get(REPOST)
        if not isinstance(carried, dict):
            return event
        handle, number = str(carried["account"]), int(carried["number"])
        found = await self._posts.original(PostContent(repost=Repost(handle, number)))
        if found is None or found[1].fate is Fate.REMOVED:
            said = wording.REMOVED
        elif found[1].content is None:
            said = "This post was deleted by its owner."
        else:
            said = wording.announced(found[1].content, wording.EXCERPT_CHARACTERS)
        address = self._posts.address(handle, number)
        mark = event.content.get(matrix_events.POST)
        own = str(mark.get("url")) if isinstance(mark, dict) else ""

        def with_original(content: Content) -> dict[str, Any]:
            return wording.carried_on(dict(content), handle, f"{said}\n{address}", own)

        content = with_original(event.content)
        new = content.get("m.new_content")
        if isinstance(new, dict):
            content["m.new_content"] = with_original(new)
        return rewritten(event, content)


def who_writes(account: Account) -> str:
    """Why a reader cannot write in a channel, and where they can."""
    if account.personal:
        return f"Only {account.user_id} writes in this channel. To write to them, greet them in a direct chat."
    return (
        f"Only @{account.handle} writes in this channel. To write to its staff, open a side chat: "
        f"POST /_teahouse/v1/accounts/{account.handle}/chat, or write to {account.user_id}."
    )


def rewritten(event: StoredEvent, content: dict[str, Any]) -> StoredEvent:
    """The event with other content."""
    shape = msgspec.json.decode(event.json)
    shape["content"] = content
    return msgspec.structs.replace(event, content=content, json=msgspec.json.encode(shape))


def done(deed: str, event_id: str, value: str) -> tuple[str, dict[str, Any]]:
    """What a reader did with a post, as the type and content of the event that their client sent."""
    if deed == LIKE:
        return "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": value}}
    relates = {"rel_type": "m.reference", "event_id": event_id}
    return RESPONSES[0], {"m.relates_to": relates, RESPONSES[0]: {"answers": value.split(",")}}


def removed(event: StoredEvent) -> StoredEvent:
    """What is shown of the event of a removed post, or of one that replaced what it says."""
    mark = event.content.get(matrix_events.POST)
    content = wording.tombstone(event.type, mark if isinstance(mark, dict) else {})
    relation = matrix_events.relation(event.content)
    return rewritten(event, content if relation is None else wording.replacing(content, relation.event_id))
