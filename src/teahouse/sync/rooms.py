"""The rooms section: what changed in each room for one reader, between two places in the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix import filters
from teahouse.push.unread import Unread
from teahouse.rooms.ephemeral import Typing
from teahouse.rooms.history import History, Page, not_from
from teahouse.rooms.receipts import Receipts
from teahouse.rooms.serving import Serving, only_fields
from teahouse.rooms.tokens import Token
from teahouse.rooms.types import Keeper, Place, Readership, Watcher
from teahouse.sync.lazy import LazyMembers
from teahouse.sync.types import TIMELINE_EVENTS_DEFAULT, TIMELINE_EVENTS_MAX, Ask, Json, RoomView, raw

SUMMARISED = ("m.room.member", "m.room.name", "m.room.canonical_alias")  # changes that the summary depends on


class RoomSections:
    """Builds `rooms.join.*` and `rooms.leave.*`."""

    def __init__(
        self,
        database: Database,
        eventlog: EventLog,
        readership: Readership,
        history: History,
        serving: Serving,
        receipts: Receipts,
        typing: Typing,
        unread: Unread,
        lazy: LazyMembers,
        clock: Clock,
        keeper_of: Callable[[RoomState], Keeper | None],
        watchers: Sequence[Watcher],
    ) -> None:
        self._database = database
        self._eventlog = eventlog
        self._readership = readership
        self._history = history
        self._serving = serving
        self._receipts = receipts
        self._typing = typing
        self._unread = unread
        self._lazy = lazy
        self._clock = clock
        self._keeper_of = keeper_of
        self._watchers = watchers

    async def joined(
        self, ask: Ask, view: RoomView, account_data: Sequence[Json], ignored: Collection[str]
    ) -> Json | None:
        """A joined room, or None when nothing about it is new to the reader."""
        whole = ask.since is None or view.newly_joined
        events, page = await self._timeline(ask, view, whole, ignored)
        events = await self._with_own(ask, view, events, page, whole)
        ephemeral = await self._ephemeral(ask, view, whole, ignored)
        if not (whole or ask.full_state or events or page.end is not None or ephemeral or account_data):
            return None
        section = await self._section(ask, view, events, page, whole, ignored)
        section["ephemeral"] = {"events": ephemeral}
        section["account_data"] = {"events": account_data}
        # Who comes to a kept room is no event of it: its size goes along with whatever else is new there.
        moved = any(event.type in SUMMARISED for event in events) or self._keeper_of(view.state) is not None
        if whole or moved or page.end is not None:
            section["summary"] = await self._summary(ask, view)
        await self._count(ask, view, section, ignored)
        return section

    async def left(
        self, ask: Ask, view: RoomView, account_data: Sequence[Json], ignored: Collection[str]
    ) -> Json:
        """A room the reader left or was put out of, up to that moment."""
        own = await self._readership.member(ask.reader, view.state, ask.reader.user_id, view.place.pos)
        if not view.window.joined_until(view.place.pos):
            # One who never came in is shown their own leaving and nothing else.
            leaving = await self._serve(ask, view, [] if own is None else [own], ignored)
            return alone(ask, view.place, leaving) | {"account_data": {"events": account_data}}
        whole = ask.since is None or view.newly_joined
        events, page = await self._timeline(ask, view, whole, ignored)
        if own is not None and own not in events:
            events.append(own)
        section = await self._section(ask, view, events, page, whole, ignored)
        section["account_data"] = {"events": account_data}
        return section

    def refused(self, ask: Ask, state: RoomState, place: Place) -> Json:
        """A silently refused invite: the one who refused sees the room left, by an event that nobody else has."""
        user_id = ask.reader.user_id
        leave = {
            "type": "m.room.member",
            "sender": user_id,
            "state_key": user_id,
            "content": {"membership": "leave"},
            "event_id": self._eventlog.identifiers.event_id(place.pos, state.room_no),
            "origin_server_ts": self._clock.now_ms(),
        }
        return alone(ask, place, [msgspec.json.encode(leave)])

    def typing_changed(self, ask: Ask, state: RoomState) -> bool:
        """Whether who is typing changed since the reader looked."""
        return self._typing.shown(state.room_no, typing_serial(ask)) is not None

    async def _section(
        self,
        ask: Ask,
        view: RoomView,
        events: Sequence[StoredEvent],
        page: Page,
        whole: bool,
        ignored: Collection[str],
    ) -> Json:
        """Timeline and state."""
        served = await self._serve(ask, view, events, ignored)
        before = events[0].pos - 1 if events else (ask.upto.pos if page.end is None else page.end)
        timeline: Json = {
            "events": raw(served),
            "limited": page.end is not None,
            "prev_batch": str(Token(ask.upto.epoch, min(before, ask.upto.pos))),
        }
        state = await self._state(ask, view, events, page, whole)
        key = ask.state_after or "state"
        return {
            "timeline": timeline,
            key: {"events": raw(await self._serve(ask, view, state, ignored))},
        }

    async def _timeline(
        self, ask: Ask, view: RoomView, whole: bool, ignored: Collection[str]
    ) -> tuple[list[StoredEvent], Page]:
        """The newest events, oldest first; `page.end` is set when older ones of the span were left out."""
        wanted = ask.filter.room.timeline
        limit = min(TIMELINE_EVENTS_DEFAULT if wanted.limit is None else wanted.limit, TIMELINE_EVENTS_MAX)
        matches = filters.matcher(wanted, view.state.room_id)
        upto = min(ask.upto.pos, view.last)
        floor = 0 if whole else ask.floor
        # A timeline does not reach over what the reader may not read: state would change unseen in the middle of it.
        stop = max(floor, view.window.unbroken_since(upto) - 1)
        plain = stop == floor and not view.newly_joined and not ignored and matches is None
        recent = self._eventlog.tails.after(view.state.room_no, floor, upto) if plain else None
        if recent is not None and len(recent) <= limit and all(view.window.readable(event.pos) for event in recent):
            return recent, Page(recent, upto, None)
        kept = not_from(ignored, matches)
        page = await self._history.page(
            view.state, view.window, upto, limit + 1, backwards=True, stop=stop, matches=kept
        )
        events = list(reversed(page.events))
        if len(events) > limit:
            events = events[len(events) - limit :]
            return events, Page(events, upto, events[0].pos - 1 if events else upto)
        # Who was here before may hold a part of this: `limited` says that the old timeline does not go on here.
        gap = view.window.memberships[0][0] <= ask.floor if view.newly_joined else stop > floor > 0
        return events, Page(events, upto, events[0].pos - 1 if gap and events else page.end)

    async def _with_own(
        self, ask: Ask, view: RoomView, events: list[StoredEvent], page: Page, whole: bool
    ) -> list[StoredEvent]:
        """The timeline with what the reader alone has of a kept room, as far back as the timeline goes."""
        keeper = self._keeper_of(view.state)
        if keeper is None or (whole and not events):
            return events
        for watcher in self._watchers:
            watcher.delivered(ask.reader, view.state, events)
        after = events[0].pos if whole else max(ask.floor, page.end or 0)
        own = await keeper.own(ask.reader, view.state, after, min(ask.upto.pos, view.last))
        matches = filters.matcher(ask.filter.room.timeline, view.state.room_id)
        shown = own if matches is None else [event for event in own if matches(event)]
        return sorted([*events, *shown], key=lambda event: event.pos) if shown else events

    async def _state(
        self, ask: Ask, view: RoomView, events: Sequence[StoredEvent], page: Page, whole: bool
    ) -> list[StoredEvent]:
        """State events for the reader to apply: before the timeline, or after it when asked so."""
        upto = min(ask.upto.pos, view.last)
        # Of one's own later ban one is told, but not of the state up to it.
        place = upto if ask.state_after or not events else min(events[0].pos - 1, upto)
        after = place  # what changed from here on stands in the timeline
        if whole or ask.full_state:
            state = await self._with_own_place(ask, view, await self._history.state_at(ask.reader, view.state, place))
        elif page.end is not None or ask.state_after:
            state = await self._eventlog.store.state_changes(self._database, view.state.room_no, ask.floor, place)
            if ask.state_after and self._keeper_of(view.state) is not None:  # with what is the reader's alone
                changed = {(event.type, event.state_key) for event in state}
                alone = {event.state_key: event for event in events if event.type == "m.room.member"}
                state += [event for user_id, event in alone.items() if ("m.room.member", user_id) not in changed]
        else:
            state, after = [], ask.floor
        if not ask.state_after and filters.matcher(ask.filter.room.timeline, view.state.room_id) is not None:
            state = await self._with_hidden(view, state, events, after, upto)
        if ask.filter.room.state.lazy_load_members:
            state = await self._lazily(ask, view, state, events, whole or ask.full_state, place)
        matches = filters.matcher(ask.filter.room.state, view.state.room_id)
        return state if matches is None else [event for event in state if matches(event)]

    async def _with_hidden(
        self, view: RoomView, state: Sequence[StoredEvent], events: Sequence[StoredEvent], after: int, upto: int
    ) -> list[StoredEvent]:
        """The state with the changes that the timeline's filter keeps out of it: they must be told all the same."""
        shown = {(event.type, event.state_key) for event in events}
        changes = await self._eventlog.store.state_changes(self._database, view.state.room_no, after, upto)
        hidden = [event for event in changes if (event.type, event.state_key) not in shown]
        newer = {(event.type, event.state_key) for event in hidden}
        return [*(event for event in state if (event.type, event.state_key) not in newer), *hidden]

    async def _with_own_place(self, ask: Ask, view: RoomView, state: list[StoredEvent]) -> list[StoredEvent]:
        """The state with the reader's own membership in a kept room, which is no event of its timeline."""
        user_id = ask.reader.user_id
        if self._keeper_of(view.state) is None or any(event.state_key == user_id for event in state):
            return state
        own = await self._readership.member(ask.reader, view.state, user_id, ask.upto.pos)
        return state if own is None or user_id in view.state.joined else [*state, own]

    async def _lazily(
        self,
        ask: Ask,
        view: RoomView,
        state: Sequence[StoredEvent],
        events: Sequence[StoredEvent],
        whole: bool,
        place: int,
    ) -> list[StoredEvent]:
        """State with only those members that the timeline needs and the device does not know yet."""
        senders = {event.sender for event in events}
        needed = senders | ({ask.reader.user_id} if whole else set())
        in_timeline = {event.state_key for event in events if event.type == "m.room.member"}
        others = [event for event in state if event.type != "m.room.member"]
        present = {event.state_key: event for event in state if event.type == "m.room.member"}
        redundant = ask.filter.room.state.include_redundant_members
        if whole:  # what the device knew from an earlier stay it may have dropped since
            self._lazy.forget(ask.reader, view.state.room_no)
        known = set() if redundant else self._lazy.known(ask.reader, view.state.room_no)
        if whole:
            summary = await self._readership.summary(ask.reader, view.state)
            if not view.state.text("m.room.name", "name"):
                needed |= set(summary.heroes)
        wanted = [user for user in needed if user not in known and (whole or user not in in_timeline)]
        missing = [user for user in wanted if user not in present]
        at = None if place >= view.state.head else place
        found = {
            event.state_key: event for event in await self._history.members_of(ask.reader, view.state, missing, at)
        }
        # Members who changed are told even to a device that knows them, also when it comes back to a room.
        seen = view.window.joined_until(ask.floor)
        changed = [event for user, event in present.items() if 0 < seen < event.pos and user not in wanted]
        members = [present.get(user) or found.get(user) for user in sorted(wanted)]
        self._lazy.remember(ask.reader, view.state.room_no, needed | {user for user in in_timeline if user})
        return [*others, *changed, *(event for event in members if event is not None)]

    async def _ephemeral(self, ask: Ask, view: RoomView, whole: bool, ignored: Collection[str]) -> list[Json]:
        """Receipts and typing."""
        wanted = ask.filter.room.ephemeral
        events: list[Json] = []
        floor = 0 if whole else ask.floor
        if max(view.state.receipt_head, view.place.news) > floor or whole:
            content = await self._receipts.shown(ask.reader, view.state, floor, ask.upto.pos, ignored)
            if content is not None:
                events.append({"type": "m.receipt", "content": content})
        typing = self._typing.shown(view.state.room_no, typing_serial(ask))
        if typing is not None and (typing or not whole):
            shown = [user_id for user_id in typing if user_id not in ignored]
            events.append({"type": "m.typing", "content": {"user_ids": shown}})
        return [event for event in events if filters.allows_type(wanted, event["type"], view.state.room_id)]

    async def _summary(self, ask: Ask, view: RoomView) -> Json:
        summary = await self._readership.summary(ask.reader, view.state)
        section: Json = {
            "m.joined_member_count": summary.joined_count,
            "m.invited_member_count": summary.invited_count,
        }
        named = view.state.text("m.room.name", "name") or view.state.text("m.room.canonical_alias", "alias")
        if not named:
            section["m.heroes"] = list(summary.heroes)
        return section

    async def _count(self, ask: Ask, view: RoomView, section: Json, ignored: Collection[str]) -> None:
        threads = ask.filter.room.timeline.unread_thread_notifications
        marks = await self._receipts.marks(view.state.room_no, ask.reader.user_no)
        floor = view.window.joined_since  # what was said before one came is not unread
        shifted = {"": floor} | {thread: max(pos, floor) for thread, pos in marks.items()}
        counts = await self._unread.counts(
            ask.reader.user_no, ask.reader.user_id, view.state, shifted, ask.upto.pos, threads=threads,
            ignored=ignored, readable=view.window.readable if view.window.sparse else None,
        )  # fmt: skip
        section["unread_notifications"] = {
            "notification_count": counts.notifications,
            "highlight_count": counts.highlights,
        }
        if threads:
            section["unread_thread_notifications"] = {
                root: {"notification_count": unread, "highlight_count": highlights}
                for root, (unread, highlights) in counts.threads.items()
            }

    async def _serve(
        self,
        ask: Ask,
        view: RoomView,
        events: Sequence[StoredEvent],
        ignored: Collection[str],
    ) -> list[bytes]:
        federation = ask.filter.event_format == "federation"
        served = await self._serving.events(
            ask.reader, view.state, view.window, events, with_room_id=federation, ignored=ignored
        )
        if ask.filter.event_fields:
            return [only_fields(event, ask.filter.event_fields) for event in served]
        return served


def alone(ask: Ask, place: Place, leaving: Sequence[bytes]) -> Json:
    """A left room of which the reader may see their own leaving and nothing else."""
    return {
        "timeline": {"events": raw(leaving), "limited": False, "prev_batch": str(Token(ask.upto.epoch, place.pos))},
        ask.state_after or "state": {"events": raw(leaving) if ask.state_after else []},
        "account_data": {"events": []},
    }


def typing_serial(ask: Ask) -> int:
    """The ephemeral counter the reader knows; a counter of an earlier process counts as none."""
    return 0 if ask.since is None or ask.since.serial > ask.upto.serial else ask.since.serial
