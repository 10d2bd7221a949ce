"""A channel as stock clients meet it: joining follows, leaving unfollows, a reaction likes, a poll's response votes.

Nothing a reader does here becomes an event of the room. What they are answered with, and shown in their own sync, is
made from rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from teahouse.db import Database, Transaction
from teahouse.errors import BadJson, Forbidden, NotFound
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Content, StoredEvent, Txn
from teahouse.matrix import events as matrix_events
from teahouse.posts import wording
from teahouse.posts.interactions import LIKE, Interactions
from teahouse.posts.reposts import REPOST
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Media, Post, PostContent, Repost
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.types import CHANNEL, Account
from teahouse.rooms.types import Reader

RESPONSES = ("org.matrix.msc3381.poll.response", "m.poll.response")  # MSC3381: as sent, and as accepted
CHANGEABLE = ("m.room.name", "m.room.topic", "m.room.avatar")  # what an account's owner may set from a stock client
OWN_EVENTS_MAX = 500  # of one reader in one answer


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
            "SELECT number FROM interactions WHERE user_no = ? AND account_no = ? AND pos = ? AND kind = ?",
            reader.user_no, account.account_no, pos, LIKE,
        )  # fmt: skip
        if row is not None:
            post = await self._posts.find_numbered(account.account_no, row[0])
            taken = await self._interactions.unlike(reader, post.ref)
            return self._identifiers.event_id(taken or pos, state.room_no)
        if reader.user_no != account.account_no:
            raise Forbidden("You can take back only what you sent yourself.")
        post = await self._post(state, event_id)
        reason = content.get("reason")
        return await self._posts.delete(publisher(account), post.ref, reason if isinstance(reason, str) else "", txn)

    def check_change(self, reader: Reader, state: RoomState, event_type: str) -> None:
        if reader.user_id not in state.joined or event_type not in CHANGEABLE:
            raise Forbidden("This is a public account's channel: its settings are made through Teahouse's own API.")

    async def read(self, tx: Transaction, reader: Reader, state: RoomState, event_pos: int, pos: int) -> None:
        account = await self.account(state)
        await self._followers.news(tx, reader.user_no, account.account_no, pos)

    async def shown(self, state: RoomState, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        gone = await self._removed(state, events)
        if not gone and not any(REPOST in event.content for event in events):
            return events
        return [await self._current(event, gone) for event in events]

    async def own(self, reader: Reader, state: RoomState, after: int, upto: int) -> Sequence[StoredEvent]:
        account = await self.account(state)
        rows = await self._database.fetch(
            "SELECT number, kind, value, pos, until, done_ms FROM interactions WHERE user_no = ? AND account_no = ? "
            "AND (pos > ? OR until > ?) AND kind = ? ORDER BY pos LIMIT ?",
            reader.user_no, account.account_no, after, after, LIKE, OWN_EVENTS_MAX,
        )  # fmt: skip
        found = []
        for number, _, value, pos, until, done_ms in rows:
            post = await self._posts.find_numbered(account.account_no, number)
            if after < pos <= upto and not until:
                relates = {"rel_type": "m.annotation", "event_id": self._posts.event_id(post), "key": value}
                content: dict[str, Any] = {"m.relates_to": relates}
                found.append(self._echo(reader, state, pos, "m.reaction", content, done_ms))
            if after < until <= upto and pos <= after:
                content = {"redacts": self._identifiers.event_id(pos, state.room_no)}
                found.append(self._echo(reader, state, until, "m.room.redaction", content, done_ms))
        return sorted(found, key=lambda event: event.pos)

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
        pos = await self._interactions.vote(reader, post.ref, answers(content))
        return self._identifiers.event_id(pos, state.room_no)

    async def _publish(self, account: Account, reader: Reader, state: RoomState, txn: Txn, content: Content) -> str:
        """A message that the owner of a personal account sends from a stock client."""
        relation = matrix_events.relation(content)
        if relation is not None and relation.rel_type == "m.replace":
            post = await self._post(state, relation.event_id)
            new = content.get("m.new_content")
            worded = post_content(new if isinstance(new, dict) else {})
            return await self._posts.edit(publisher(account), post.ref, worded, txn=txn)
        if relation is not None:
            raise Forbidden("Answer to a post with a comment: a channel has no threads or replies.")
        post = await self._posts.publish(publisher(account), reader.user_no, post_content(content), txn)
        return self._posts.event_id(post)

    async def _post(self, state: RoomState, event_id: str) -> Post:
        """The post behind an event of a channel; an edit's event stands for its post."""
        pos = self._identifiers.position(event_id)
        found = {} if pos is None else await self._posts.at([pos])
        if pos is None or pos not in found or found[pos].room_no != state.room_no:
            raise NotFound("There is no such post in this channel.")
        return found[pos]

    async def _removed(self, state: RoomState, events: Sequence[StoredEvent]) -> set[int]:
        """Positions of posts that a decision took out of sight."""
        if not events:
            return set()
        low, high = min(event.pos for event in events), max(event.pos for event in events)
        rows = await self._database.fetch(
            "SELECT pos FROM posts WHERE room_no = ? AND fate = ? AND pos >= ? AND pos <= ?",
            state.room_no, int(Fate.REMOVED), low, high,
        )  # fmt: skip
        return {row[0] for row in rows}

    async def _current(self, event: StoredEvent, gone: set[int]) -> StoredEvent:
        """An event as it stands now."""
        if event.pos in gone:
            return rewritten(event, {})
        carried = event.content.get(REPOST)
        if not isinstance(carried, dict):
            return event
        handle, number = str(carried["account"]), int(carried["number"])
        found = await self._posts.original(PostContent(repost=Repost(handle, number)))
        if found is None or found[1].fate is Fate.REMOVED:
            said = "This post was removed."
        elif found[1].content is None:
            said = "This post was deleted by its owner."
        else:
            said = wording.title(found[1].content, wording.EXCERPT_CHARACTERS)
        address = self._posts.address(handle, number)
        mark = event.content.get(matrix_events.POST)
        own = str(mark.get("url")) if isinstance(mark, dict) else ""
        return rewritten(event, wording.carried_on(dict(event.content), handle, f"{said}\n{address}", own))

    def _echo(
        self, reader: Reader, state: RoomState, pos: int, kind: str, content: dict[str, Any], ts: int
    ) -> StoredEvent:
        """What a reader did, as an event of theirs."""
        event_id = self._identifiers.event_id(pos, state.room_no)
        shape = {
            "type": kind, "sender": reader.user_id, "content": content, "event_id": event_id, "origin_server_ts": ts,
        }  # fmt: skip
        if kind == "m.room.redaction":
            shape["redacts"] = content["redacts"]
        return StoredEvent(
            pos, state.room_no, event_id, reader.user_id, reader.user_no, kind, None, content, ts,
            msgspec.json.encode(shape),
        )  # fmt: skip


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
    return replace(event, content=content, json=msgspec.json.encode(shape))


def answers(content: Content) -> list[int]:
    """The answers that a poll's response chooses."""
    response = content.get("org.matrix.msc3381.poll.response", content.get("m.selections"))
    chosen = response.get("answers") if isinstance(response, dict) else response
    if not isinstance(chosen, list) or not all(isinstance(each, str) and each.isdigit() for each in chosen):
        raise BadJson("A response lists the ids of the chosen answers.")
    return [int(each) for each in chosen]


def post_content(content: Content) -> PostContent:
    """A stock client's message as a post. Such a client asks nobody what a picture shows, so it may be left open."""
    body = content.get("body")
    text = body if isinstance(body, str) else ""
    url, info = content.get("url"), content.get("info")
    if not isinstance(url, str):
        return PostContent(text)
    described = info if isinstance(info, dict) else {}
    name = content.get("filename")
    caption = text if isinstance(name, str) and name != text else ""
    mimetype = described.get("mimetype")
    media = Media(
        url, mimetype if isinstance(mimetype, str) else "application/octet-stream",
        name=name if isinstance(name, str) else text, size=amount(described, "size"), width=amount(described, "w"),
        height=amount(described, "h"), duration_ms=amount(described, "duration"), undescribed=True,
    )  # fmt: skip
    return PostContent(caption, [media])


def amount(info: Content, key: str) -> int:
    """A size from a message's `info`; 0 for none, or none that makes sense."""
    value = info.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
