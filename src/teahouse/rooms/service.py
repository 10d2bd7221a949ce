"""Sending into rooms: messages, state, redactions. Each becomes one proposal; admission decides in the writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teahouse.db import Database
from teahouse.errors import BadAlias, BadJson, DuplicateAnnotation, Forbidden, InvalidParam, NotFound, NoThread
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Also, Appended, Content, Draft, Proposal, Target, Txn
from teahouse.matrix import events, identifiers
from teahouse.rooms.readership import Readerships
from teahouse.rooms.types import Keeper, Reader, Users, Watcher

NOT_IN_ROOM = "You are not in this room."
TXN_ID_MAX_BYTES = 255  # our bound; the specification gives none
MENTIONS_MAX = 50  # users one event can highlight by name; more are delivered without a highlight
RESERVED = "io.teahouse."  # state of these types marks the rooms of a keeper, and only the server writes it


class Rooms:
    """The rooms of one server, as those who write in them see them."""

    def __init__(self, database: Database, eventlog: EventLog, readership: Readerships, users: Users) -> None:
        self.database = database
        self.eventlog = eventlog
        self.readership = readership
        self.users = users
        self.keepers: list[Keeper] = []
        self.watchers: list[Watcher] = []

    def keeper_of(self, state: RoomState) -> Keeper | None:
        """Who keeps a room; None for an ordinary one."""
        return next((keeper for keeper in self.keepers if keeper.keeps(state)), None)

    async def find(self, room_id: str) -> RoomState | None:
        """A room's current state, or None when there is no such room."""
        room_no = self.eventlog.identifiers.room_no(room_id)
        if room_no is None:
            return None
        state = await self.eventlog.state(room_no)
        # A version 12 id with a server's name at its end, or an older one without, names no room.
        return state if state is not None and state.room_id == room_id else None

    async def require(self, room_id: str) -> RoomState:
        """A room's current state. An unknown room is answered like one the requester is not in."""
        state = await self.find(room_id)
        if state is None:
            raise Forbidden(NOT_IN_ROOM)
        return state

    async def require_joined(self, reader: Reader, room_id: str) -> RoomState:
        """The state of a room the reader is joined to; raises Forbidden otherwise."""
        state = await self.require(room_id)
        place = (await self.readership.places(reader)).get(state.room_no)
        if place is None or place.membership != "join":
            raise Forbidden(NOT_IN_ROOM)
        return state

    async def send(self, reader: Reader, room_id: str, event_type: str, txn_id: str, content: Content) -> str:
        """Send a message event; returns its event id, the same one for a retry with the same `txn_id`."""
        if event_type == "m.room.redaction":
            return await self.redact(reader, room_id, content.get("redacts"), txn_id, content, f"send {event_type}")
        state = await self.require(room_id)
        check_name("eventType", event_type)
        txn = txn_of(reader, f"send {event_type}", txn_id)
        keeper = self.keeper_of(state)
        if keeper is not None:
            return await keeper.send(reader, state, event_type, txn, content)
        return await self.post(reader, state, event_type, txn, content)

    async def post(
        self, reader: Reader, state: RoomState, event_type: str, txn: Txn, content: Content, also: Also | None = None
    ) -> str:
        """Put a message event into a room, with what it relates to and whom it mentions; its event id.

        `also` writes more in the same transaction.
        """
        target = await self._related(reader, state, event_type, content)
        users = await self._mentioned(state, content)
        draft = Draft(event_type, content, relates_to=target)
        proposal = Proposal(reader.user_id, reader.user_no, [draft], state.room_no, txn=txn, also=also, users=users)
        return (await self.eventlog.append(proposal)).event_ids[0]

    async def set_state(self, reader: Reader, room_id: str, event_type: str, state_key: str, content: Content) -> str:
        """Put a state event in place; returns its id, that of the current one when nothing would change.

        Member events go through `Membership`, which knows the rules of inviting.
        """
        assert event_type != "m.room.member"
        state = await self.require(room_id)
        check_name("eventType", event_type)
        check_name("stateKey", state_key)
        if event_type.startswith(RESERVED):
            raise Forbidden(f"State of a type that begins with {RESERVED} is for the server alone to set.")
        keeper = self.keeper_of(state)
        if keeper is not None:
            keeper.check_change(reader, state, event_type)
        if event_type == "m.room.canonical_alias":
            await self._check_aliases(state, content)
        draft = Draft(event_type, content, state_key)
        appended = await self.eventlog.append(Proposal(reader.user_id, reader.user_no, [draft], state.room_no))
        return appended.event_ids[0]

    async def redact(
        self, reader: Reader, room_id: str, event_id: object, txn_id: str, content: Mapping[str, Any],
        endpoint: str = "",
    ) -> str:  # fmt: skip
        """Empty an event; returns the redaction's event id. `endpoint`: what was asked, unless that for redactions."""
        state = await self.require_joined(reader, room_id)
        if not isinstance(event_id, str):
            raise BadJson("'redacts' must name an event.")
        if not isinstance(content.get("reason", ""), str):
            raise BadJson("'reason' must be a string.")
        txn = txn_of(reader, endpoint or f"redact {event_id}", txn_id)
        keeper = self.keeper_of(state)
        if keeper is not None:
            return await keeper.redact(reader, state, event_id, txn, content)
        return await self.empty(reader, state, event_id, txn, content)

    async def empty(self, reader: Reader, state: RoomState, event_id: str, txn: Txn, content: Content) -> str:
        """Empty an event of a room; the redaction's event id."""
        target = await self.target(state, event_id)
        if target is None:
            raise NotFound("There is no such event in this room.")
        if target.type == "m.room.create":
            raise Forbidden("The event that created the room cannot be redacted.")
        draft = Draft("m.room.redaction", {**content, "redacts": event_id}, redacts=target)
        appended = await self.eventlog.append(Proposal(reader.user_id, reader.user_no, [draft], state.room_no, txn=txn))
        return appended.event_ids[0]

    async def target(self, state: RoomState, event_id: str) -> Target | None:
        """An event of this room that another one points at, or None."""
        pos = self.eventlog.identifiers.position(event_id)
        event = None if pos is None else await self.eventlog.store.at(self.database, pos)
        if event is None or event.room_no != state.room_no or event.event_id != event_id:
            return None
        relates = events.relation(event.content) is not None
        return Target(event.pos, event.room_no, event_id, event.sender, event.type, event.state_key, event.class_,
                      event.thread_pos, relates, event.json)  # fmt: skip

    async def append(self, proposal: Proposal) -> Appended:
        """Hand a proposal to the log."""
        return await self.eventlog.append(proposal)

    async def _related(self, reader: Reader, state: RoomState, event_type: str, content: Content) -> Target | None:
        """The event that `content` relates to, when the relation is one the server keeps."""
        relation = events.relation(content)
        if relation is None:
            return None
        target = await self.target(state, relation.event_id)
        if target is None:
            return None
        window = await self.readership.window(reader, state)
        if not window.readable(target.pos):
            return None
        if relation.rel_type == "m.thread" and target.relates:
            raise NoThread("A thread cannot begin at an event that itself is in one, an edit or a reaction.")
        if relation.rel_type == "m.replace" and (
            target.sender != reader.user_id or target.type != event_type or target.state_key is not None
        ):
            return None  # not a valid edit: it stands as a message of its own
        if relation.rel_type == "m.annotation":
            await self._check_annotation(reader, state, target, event_type, relation.key)
        return target

    async def _check_annotation(
        self, reader: Reader, state: RoomState, target: Target, event_type: str, key: str | None
    ) -> None:
        row = await self.database.fetch_one(
            "SELECT pos FROM relations WHERE room_no = ? AND parent_pos = ? AND sender_no = ? AND "
            "rel_type = 'm.annotation' AND type = ? AND key = ?",
            state.room_no, target.pos, reader.user_no, event_type, key,
        )  # fmt: skip
        if row is not None:
            raise DuplicateAnnotation("You have already reacted with this.")

    async def _mentioned(self, state: RoomState, content: Content) -> dict[str, int]:
        """The user_no of every joined member that the event mentions."""
        mentions = content.get("m.mentions")
        names = mentions.get("user_ids") if isinstance(mentions, dict) else None
        numbers: dict[str, int] = {}
        for name in names[:MENTIONS_MAX] if isinstance(names, list) else ():
            number = await self.users.number(name) if isinstance(name, str) and name in state.joined else None
            if number is not None:
                numbers[name] = number
        return numbers

    async def _check_aliases(self, state: RoomState, content: Content) -> None:
        """Every alias newly named must point at this room."""
        before = state.content("m.room.canonical_alias") or {}
        listed = before.get("alt_aliases")
        known = [before.get("alias"), *(listed if isinstance(listed, list) else ())]
        alternatives = content.get("alt_aliases") or []
        if not isinstance(alternatives, list):
            raise BadJson("'alt_aliases' must be a list.")
        for alias in (content.get("alias") or None, *alternatives):
            if alias is None or alias in known:
                continue
            if not isinstance(alias, str):
                raise BadJson("An alias must be a string.")
            identifiers.room_alias(alias)
            row = await self.database.fetch_one("SELECT room_no FROM aliases WHERE alias = ?", alias)
            if row is None or row[0] != state.room_no:
                raise BadAlias(f"The alias {alias} does not point at this room.")


def txn_of(reader: Reader, method: str, txn_id: str) -> Txn:
    """What a retry from the same device, of the same request, is known by. Raises InvalidParam."""
    if len(txn_id.encode()) > TXN_ID_MAX_BYTES:
        raise InvalidParam(f"A transaction id has at most {TXN_ID_MAX_BYTES} bytes.")
    return Txn(reader.user_no, reader.device_id, method, txn_id)


def check_name(parameter: str, value: str) -> None:
    """Hold an event type or state key to its size. Source: Client-Server API, "Size limits"."""
    if len(value.encode()) > events.NAME_SIZE_MAX_BYTES:
        raise InvalidParam(f"'{parameter}' has at most {events.NAME_SIZE_MAX_BYTES} bytes.")
