"""One sync answer: everything new to a reader between two places in the log.

The heads are fixed in this order: rooms, device lists, to-device; so a message never outruns its key. An empty answer
waits: registered before reading, woken by hints, and read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from teahouse.db import Database
from teahouse.errors import InvalidParam
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.matrix import filters
from teahouse.matrix.filters import Filter
from teahouse.push.service import DATA_TYPE, PushRules
from teahouse.rooms import tokens
from teahouse.rooms.ephemeral import Presence, Serial
from teahouse.rooms.serving import stripped
from teahouse.rooms.tokens import Token
from teahouse.rooms.types import Place, Reader, Readership, Users
from teahouse.sync.devices import DeviceLists, moved
from teahouse.sync.lazy import LazyMembers
from teahouse.sync.rooms import RoomSections
from teahouse.sync.types import TO_DEVICE_MAX, AccountData, Ask, Inbox, Json, RoomView, raw
from teahouse.sync.waiters import Waiter, Waiters

TIMEOUT_MAX_MS = 180_000  # how long a long poll may park
STRIPPED_TYPES = (
    "m.room.create", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.join_rules", "m.room.canonical_alias",
    "m.room.encryption",
)  # fmt: skip
# Of a stranger's room without what its maker can write on it: a greeting says what it has to say in its reason.
STRIPPED_TYPES_OF_STRANGERS = ("m.room.create", "m.room.join_rules", "m.room.encryption")
SECTIONS = {"join": "join", "invite": "invite", "knock": "knock", "leave": "leave", "ban": "leave"}


class SyncRequest(msgspec.Struct, frozen=True):
    """The parameters of `GET /sync`, decoded."""

    since: str | None
    filter: Filter
    full_state: bool
    timeout_ms: int
    presence: str
    state_after: str | None


class Sync:
    """Answers sync requests."""

    def __init__(
        self,
        database: Database,
        eventlog: EventLog,
        readership: Readership,
        users: Users,
        sections: RoomSections,
        lazy: LazyMembers,
        devices: DeviceLists,
        inbox: Inbox,
        account_data: AccountData,
        push_rules: PushRules,
        presence: Presence,
        contacts: Callable[[int], Awaitable[Collection[int]]],
        is_stranger: Callable[[int, int], Awaitable[bool]],
        serial: Serial,
        waiters: Waiters,
        arrive: Callable[[Reader], Awaitable[None]],
    ) -> None:
        """`arrive` notes which rooms have become a reader's, before an answer's end is fixed."""
        self._database = database
        self._eventlog = eventlog
        self._readership = readership
        self._users = users
        self._sections = sections
        self._lazy = lazy
        self._devices = devices
        self._inbox = inbox
        self._account_data = account_data
        self._push_rules = push_rules
        self._presence = presence
        self._contacts = contacts
        self._is_stranger = is_stranger  # whether an invite from the second to the first is a greeting
        self._serial = serial
        self._waiters = waiters
        self._arrive = arrive

    async def sync(self, reader: Reader, request: SyncRequest) -> Json:
        """The answer to one request, at once or when there is something to say."""
        since = self._since(request.since)
        if since is not None and since.inbox:
            await self._inbox.acknowledge(reader.user_no, reader.device_id, since.inbox)
        await self._show_presence(reader, request.presence, request.timeout_ms)
        self._lazy.begin(reader, request.since)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(request.timeout_ms, TIMEOUT_MAX_MS) / 1_000
        with Waiter(self._waiters, reader.user_no) as waiter:
            if since is not None and self._may_park(request) and await self._is_present(reader, since):
                # Most polls come when nothing has happened since the last answer: they need not even look.
                await waiter.wait(deadline - loop.time())
            while True:
                answer, told = await self._answer(reader, since, request)
                left_s = deadline - loop.time()
                if told or since is None or request.full_state or left_s <= 0 or self._waiters.stopping:
                    break
                if not await waiter.wait(left_s):
                    break
        self._lazy.end(reader, answer["next_batch"])
        return answer

    def _since(self, text: str | None) -> Token | None:
        """The place to go on from; None for a first sync, and for a place the log no longer has."""
        if text is None:
            return None
        since = tokens.parse(text)
        if since.epoch != self._database.epoch or since.pos > self._database.head:
            return None
        return since

    def _may_park(self, request: SyncRequest) -> bool:
        """Whether a request without news may wait for some."""
        return request.timeout_ms > 0 and not request.full_state and not self._waiters.stopping

    async def _is_present(self, reader: Reader, since: Token) -> bool:
        """Whether nothing has happened on this server since a place in the log, and nothing waits for the device."""
        await self._arrive(reader)
        head = self._database.head
        if since.pos != head or since.serial != self._serial.now:
            return False
        messages, _ = await self._inbox.inbox(reader.user_no, reader.device_id, since.inbox, head, 1)
        return not messages

    async def _answer(self, reader: Reader, since: Token | None, request: SyncRequest) -> tuple[Json, bool]:
        """An answer, and whether it says anything."""
        serial = self._serial.now
        await self._arrive(reader)
        upto = Token(self._database.epoch, self._database.head, serial)
        ask = Ask(reader, since, upto, request.filter, request.full_state, request.state_after)
        ignored = await self._account_data.ignored(reader.user_no)
        data = await self._account_data.since(reader.user_no, ask.floor, upto.pos)
        rooms, changed = await self._rooms(ask, data, ignored)
        answer: Json = {}
        if rooms:
            answer["rooms"] = rooms
        own: list[Json] = [
            data_event(kind, content)
            for room_no, kind, content in data
            if room_no == 0 and filters.allows_type(ask.filter.account_data, kind)
        ]
        asked = filters.allows_type(ask.filter.account_data, DATA_TYPE)
        if since is None and asked and all(event["type"] != DATA_TYPE for event in own):
            own.append({"type": DATA_TYPE, "content": {"global": await self._push_rules.ruleset(reader.user_no)}})
        if own:
            answer["account_data"] = {"events": own}
        presence = await self._presence_events(ask, ignored)
        if presence:
            answer["presence"] = {"events": presence}
        if since is not None:
            rooms_moved = [state for state in changed if moved(state, since.pos)]
            if rooms_moved or self._inbox.latest_change_pos > since.pos:
                lists = await self._devices.section(reader, since.pos, upto.pos, rooms_moved)
                if lists is not None:
                    answer["device_lists"] = lists
        inbox = await self._to_device(ask, answer)
        told = bool(answer)
        await self._keys(reader, answer)
        answer["next_batch"] = str(Token(upto.epoch, upto.pos, upto.serial, inbox))
        return answer, told

    async def _rooms(
        self, ask: Ask, data: Sequence[tuple[int, str, bytes]], ignored: Collection[str]
    ) -> tuple[Json, list[RoomState]]:
        """The rooms section, and the states of the rooms that changed."""
        sections: dict[str, Json] = {}
        changed: list[RoomState] = []
        by_room: dict[int, list[Json]] = {}
        for room_no, kind, content in data:
            if room_no and filters.allows_type(ask.filter.room.account_data, kind):
                by_room.setdefault(room_no, []).append(data_event(kind, content))
        places = await self._readership.places(ask.reader)
        for current in list(places.values()):
            state = self._eventlog.cached(current.room_no) or await self._eventlog.state(current.room_no)
            if state is None or not self._may_have_news(ask, state, current, by_room):
                continue
            late = current.pos > ask.upto.pos and not current.refused
            place = await self._place_at(ask, state, current) if late else current
            section = await self._room(ask, state, place, by_room.get(place.room_no, []), ignored)
            if section is not None:
                sections.setdefault(SECTIONS[place.membership], {})[state.room_id] = section
            if place.membership == "join" or place.pos > ask.floor:
                changed.append(state)
        return sections, changed

    def _may_have_news(self, ask: Ask, state: RoomState, place: Place, by_room: Mapping[int, Sequence[Json]]) -> bool:
        """A cheap look at the room's heads: most rooms have nothing new, and cost no more than this."""
        if not filters.allows_room(ask.filter.room, state.room_id):
            return False
        if place.forgotten and ask.since is None:
            return False
        if place.membership != "join":
            return place.pos > ask.floor and (
                ask.since is not None or place.membership in ("invite", "knock") or ask.filter.room.include_leave
            )
        return (
            ask.since is None
            or ask.full_state
            or max(state.head, state.receipt_head, place.pos, place.news) > ask.floor
            or self._sections.typing_changed(ask, state)
            or place.room_no in by_room
        )

    async def _place_at(self, ask: Ask, state: RoomState, place: Place) -> Place:
        """The reader's place as it was at the position this answer ends with."""
        event = await self._readership.member(ask.reader, state, ask.reader.user_id, ask.upto.pos)
        if event is None:
            return replace(place, membership="leave", pos=0)
        return replace(place, membership=str(event.content["membership"]), pos=event.pos, sender_no=event.sender_no)

    async def _room(
        self, ask: Ask, state: RoomState, place: Place, data: Sequence[Json], ignored: Collection[str]
    ) -> Json | None:
        if place.membership in ("invite", "knock"):
            return await self._outside(ask, state, place, ignored)
        window = await self._readership.window(ask.reader, state)
        came = window.membership_at(ask.floor) != "join" and window.joined_after(ask.floor)
        came = came or (window.renewed > ask.floor and place.membership == "join")
        view = RoomView(state, place, window, newly_joined=ask.since is not None and came)
        asked = filters.allows_room(ask.filter.room.account_data, state.room_id)
        data = data if asked else ()
        if place.membership == "join":
            known = await self._whole_data(ask, state.room_no) if view.newly_joined and asked else data
            return await self._sections.joined(ask, view, known, ignored)
        if place.pos <= ask.floor or (ask.since is None and not ask.filter.room.include_leave):
            return None
        if place.refused:
            return self._sections.refused(ask, state, place)
        return await self._sections.left(ask, view, data, ignored)

    async def _whole_data(self, ask: Ask, room_no: int) -> list[Json]:
        """All account data of a room: what was set while the reader was not in it has not been shown."""
        data = await self._account_data.since(ask.reader.user_no, 0, ask.upto.pos)
        return [
            data_event(kind, content)
            for of_room, kind, content in data
            if of_room == room_no and filters.allows_type(ask.filter.room.account_data, kind)
        ]

    async def _outside(self, ask: Ask, state: RoomState, place: Place, ignored: Collection[str]) -> Json | None:
        """An invite or a knock: stripped state."""
        if place.pos <= ask.floor:
            return None
        if place.membership == "invite" and await self._users.user_id(place.sender_no) in ignored:
            return None
        strange = place.membership == "invite" and await self._is_stranger(ask.reader.user_no, place.sender_no)
        kinds = STRIPPED_TYPES_OF_STRANGERS if strange else STRIPPED_TYPES
        shown = [state.entries[kind, ""] for kind in kinds if (kind, "") in state.entries]
        for user_id in dict.fromkeys((await self._users.user_id(place.sender_no), ask.reader.user_id)):
            member = await self._readership.member(ask.reader, state, user_id, None)
            if member is not None:
                shown.append(member)
        return {f"{place.membership}_state": {"events": [stripped(event) for event in shown]}}

    async def _to_device(self, ask: Ask, answer: Json) -> int:
        """Put waiting to-device messages into the answer; the position of the last one."""
        reader = ask.reader
        given = 0 if ask.since is None else ask.since.inbox
        # Read last, up to the present: a key may come early, never late.
        messages, last = await self._inbox.inbox(
            reader.user_no, reader.device_id, given, self._database.head, TO_DEVICE_MAX
        )
        if not messages:
            return given
        answer["to_device"] = {"events": raw(messages)}
        return last

    async def _keys(self, reader: Reader, answer: Json) -> None:
        answer["device_one_time_keys_count"] = await self._inbox.one_time_key_counts(reader.user_no, reader.device_id)
        answer["device_unused_fallback_key_types"] = await self._inbox.unused_fallback_types(
            reader.user_no, reader.device_id
        )

    async def _presence_events(self, ask: Ask, ignored: Collection[str]) -> list[Json]:
        wanted = ask.filter.presence
        if not self._presence.enabled or not filters.allows_type(wanted, "m.presence"):
            return []
        watched = [*await self._contacts(ask.reader.user_no), ask.reader.user_no]
        serial = 0 if ask.since is None or ask.since.serial > ask.upto.serial else ask.since.serial
        senders = [(number, await self._users.user_id(number)) for number in self._presence.changed(watched, serial)]
        return [
            {"type": "m.presence", "sender": sender, "content": self._presence.get(number)}
            for number, sender in senders
            if sender not in ignored and filters.allows_sender(wanted, sender)
        ]

    async def _show_presence(self, reader: Reader, presence: str, waits_ms: int) -> None:
        if presence not in ("online", "offline", "unavailable"):
            raise InvalidParam("'set_presence' must be online, offline or unavailable.")
        if self._presence.enabled and presence != "offline":
            watchers = await self._contacts(reader.user_no)
            message = self._presence.message_of(reader.user_no)
            self._presence.put(reader.user_no, presence, message, [*watchers, reader.user_no], waits_ms)


def data_event(kind: str, content: bytes) -> Json:
    """An entry of account data as an event."""
    return {"type": kind, "content": msgspec.Raw(content)}
