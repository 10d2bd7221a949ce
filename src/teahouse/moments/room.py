"""A moments room as stock clients meet it: what its author writes is a moment, a friend's reaction is a like, and
leaving says that one does not want this friend's moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teahouse.db import Database, Transaction
from teahouse.errors import BadJson, Forbidden, NotFound
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Content, StoredEvent, Txn
from teahouse.matrix import events as matrix_events
from teahouse.moments import deeds_store, store, wording
from teahouse.moments.audience import Audience, Scope
from teahouse.moments.circles import Circles
from teahouse.moments.deeds import MomentDeeds
from teahouse.moments.lists import MomentLists
from teahouse.moments.service import Moments
from teahouse.moments.types import MARK
from teahouse.rooms.keeping import echo
from teahouse.rooms.service import NOT_IN_ROOM
from teahouse.rooms.types import Reader, Users

OWN_EVENTS_MAX = 500  # of one reader in one answer


class MomentRooms:
    """The keeper of moments rooms."""

    def __init__(
        self, database: Database, identifiers: Identifiers, users: Users, moments: Moments, deeds: MomentDeeds,
        lists: MomentLists, circles: Circles,
    ) -> None:  # fmt: skip
        self._database = database
        self._identifiers = identifiers
        self._users = users
        self._moments = moments
        self._deeds = deeds
        self._lists = lists
        self._circles = circles

    def keeps(self, state: RoomState) -> bool:
        return (MARK, "") in state.entries

    async def join(self, reader: Reader, state: RoomState) -> None:
        author_no = await self._author(state)
        circle = await self._circles.of(reader.user_no)
        if author_no not in circle.friends or author_no not in circle.ties:
            raise Forbidden("Moments are read by friends, and nobody joins them: they come by themselves.")
        await self._lists.take_off(reader, "unwanted", author_no)

    async def leave(self, reader: Reader, state: RoomState) -> None:
        author_no = await self._author(state)
        if reader.user_no == author_no:
            raise Forbidden("Your own moments stay yours: delete them one by one, or change whom they are for.")
        await self._lists.put_on(reader, "unwanted", author_no)

    async def forget(self, reader: Reader, state: RoomState) -> None:
        author_no = await self._author(state)
        await self._circles.forget(reader.user_no, author_no)

    async def send(self, reader: Reader, state: RoomState, event_type: str, txn: Txn, content: Content) -> str:
        author_no = await self._author(state)
        await self._require_reader(reader, author_no)
        if event_type == "m.reaction":
            return await self._like(reader, state, content)
        if reader.user_no != author_no:
            author = await self._users.user_id(author_no)
            raise Forbidden(
                f"Only {author} writes here. React to a moment to like it, comment on it through "
                f"/_teahouse/v1/moments, or write to {author}."
            )
        if event_type != "m.room.message":
            raise Forbidden("Here only messages become moments.")
        audience = Audience(Scope.FRIENDS)
        moment = await self._moments.publish(reader, wording.from_message(content), audience, txn)
        return self._moments.moment_id(moment, state.room_no)

    async def redact(self, reader: Reader, state: RoomState, event_id: str, txn: Txn, content: Content) -> str:
        author_no = await self._author(state)
        pos = self._identifiers.position(event_id)
        liked = None if pos is None else await self._deeds.liked_at(reader, author_no, pos)
        if liked is not None and pos is not None:
            moment = await store.one(self._database, liked)
            taken = 0 if moment is None else await self._deeds.unlike(reader, moment)
            return self._identifiers.event_id(taken or pos, state.room_no)
        if reader.user_no != author_no:
            raise Forbidden("You can take back only what you sent yourself.")
        return await self._moments.delete(reader, event_id, txn)

    def check_change(self, reader: Reader, state: RoomState, event_type: str) -> None:
        raise Forbidden("These are somebody's moments: the room keeps itself, and takes no encryption.")

    async def read(self, tx: Transaction, reader: Reader, state: RoomState, event_pos: int, pos: int) -> None:
        row = await tx.fetch_one("SELECT author_no FROM moment_authors WHERE room_no = ?", state.room_no)
        assert row is not None
        await self._circles.news(tx, reader.user_no, row[0], state.room_no, pos)

    async def shown(self, state: RoomState, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        return events

    async def own(self, reader: Reader, state: RoomState, after: int, upto: int) -> Sequence[StoredEvent]:
        author_no = await self._author(state)
        rows = await deeds_store.likes_after(self._database, reader.user_no, author_no, after, OWN_EVENTS_MAX)
        found = []
        for moment_pos, emoji, pos, until, done_ms in rows:
            if after < pos <= upto and not until:
                event_id = await self._shown_to(reader, state, moment_pos)
                relates = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
                content: dict[str, Any] = {"m.relates_to": relates}
                found.append(echo(self._identifiers, reader, state, pos, "m.reaction", content, done_ms))
            if after < until <= upto and pos <= after:
                content = {"redacts": self._identifiers.event_id(pos, state.room_no)}
                found.append(echo(self._identifiers, reader, state, until, "m.room.redaction", content, done_ms))
        return sorted(found, key=lambda event: event.pos)

    async def own_about(self, reader: Reader, state: RoomState, event_pos: int) -> Sequence[StoredEvent]:
        event_id = self._identifiers.event_id(event_pos, state.room_no)
        try:
            moment = await self._moments.one(reader.user_no, event_id)
        except NotFound:
            return ()
        row = await deeds_store.like(self._database, moment.pos, reader.user_no)
        if row is None or row[2]:
            return ()
        emoji, pos, _, done_ms = row
        relates = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return [echo(self._identifiers, reader, state, pos, "m.reaction", {"m.relates_to": relates}, done_ms)]

    async def _like(self, reader: Reader, state: RoomState, content: Content) -> str:
        relation = matrix_events.relation(content)
        if relation is None or relation.rel_type != "m.annotation" or not relation.key:
            raise BadJson("A reaction names the event it is about, and an emoji.")
        moment = await self._moments.one(reader.user_no, relation.event_id)
        if moment.author_no != await self._author(state):
            raise NotFound("There is no such moment in this room.")
        pos = await self._deeds.like(reader, moment, relation.key)
        return self._identifiers.event_id(pos, state.room_no)

    async def _shown_to(self, reader: Reader, state: RoomState, moment_pos: int) -> str:
        """The id of the event by which a reader sees a moment."""
        return self._identifiers.event_id(await self._moments.shown_by(reader.user_no, moment_pos), state.room_no)

    async def _require_reader(self, reader: Reader, author_no: int) -> None:
        """Raises Forbidden for one who does not read here, as for a room that is not there."""
        if reader.user_no == author_no:
            return
        circle = await self._circles.of(reader.user_no)
        tie = circle.ties.get(author_no)
        if tie is None or not tie.stands or author_no not in circle.friends:
            raise Forbidden(NOT_IN_ROOM)

    async def _author(self, state: RoomState) -> int:
        number = await self._users.number(str((state.content(MARK) or {}).get("author", "")))
        assert number is not None
        return number
