"""Filters: what of a room's events a client wants. Source: Client-Server API, "Filtering"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import msgspec

from teahouse.errors import BadJson

NAMES_MAX = 500  # types, senders or rooms that one list of a filter may hold
FIELDS_MAX = 100  # event fields that a filter may name


class EventFilter(msgspec.Struct, frozen=True):
    """A filter on events outside rooms: presence and account data."""

    limit: int | None = None
    types: list[str] | None = None
    not_types: list[str] = []
    senders: list[str] | None = None
    not_senders: list[str] = []


class RoomEventFilter(msgspec.Struct, frozen=True):
    """A filter on a room's events."""

    limit: int | None = None
    types: list[str] | None = None
    not_types: list[str] = []
    senders: list[str] | None = None
    not_senders: list[str] = []
    rooms: list[str] | None = None
    not_rooms: list[str] = []
    contains_url: bool | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False
    related_by_senders: list[str] | None = None
    related_by_rel_types: list[str] | None = None


class RoomFilter(msgspec.Struct, frozen=True):
    """What of which rooms."""

    rooms: list[str] | None = None
    not_rooms: list[str] = []
    include_leave: bool = False
    ephemeral: RoomEventFilter = RoomEventFilter()
    state: RoomEventFilter = RoomEventFilter()
    timeline: RoomEventFilter = RoomEventFilter()
    account_data: RoomEventFilter = RoomEventFilter()


class Filter(msgspec.Struct, frozen=True):
    """A whole sync filter."""

    event_fields: list[str] = []
    event_format: str = "client"
    presence: EventFilter = EventFilter()
    account_data: EventFilter = EventFilter()
    room: RoomFilter = RoomFilter()


class Event(Protocol):
    """What a filter looks at."""

    @property
    def type(self) -> str: ...

    @property
    def state_key(self) -> str | None: ...

    @property
    def sender(self) -> str: ...

    @property
    def content(self) -> Any: ...


AnyFilter = EventFilter | RoomEventFilter
T = TypeVar("T")
_sync_decoder = msgspec.json.Decoder(Filter)
_room_decoder = msgspec.json.Decoder(RoomEventFilter)


def sync_filter(text: bytes) -> Filter:
    """A sync filter from JSON; raises BadJson."""
    wanted = decoded(_sync_decoder, text)
    if wanted.event_format not in ("client", "federation"):
        raise BadJson("'event_format' must be client or federation.")
    if len(wanted.event_fields) > FIELDS_MAX:
        raise BadJson(f"'event_fields' names at most {FIELDS_MAX} fields.")
    parts = (wanted.room.ephemeral, wanted.room.state, wanted.room.timeline, wanted.room.account_data)
    for part in (wanted.presence, wanted.account_data, *parts):
        check(part)
    check_names("!", wanted.room.rooms, wanted.room.not_rooms)
    return wanted


def room_event_filter(text: bytes) -> RoomEventFilter:
    """A room event filter from JSON; raises BadJson."""
    wanted = decoded(_room_decoder, text)
    check(wanted)
    return wanted


def decoded(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    """Decode, with the refusals of a filter."""
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJson(f"The filter is not valid: {error}.") from None


def check(wanted: AnyFilter) -> None:
    """Hold a filter to its bounds."""
    if wanted.limit is not None and wanted.limit < 0:
        raise BadJson("'limit' must not be negative.")
    check_names("", wanted.types, wanted.not_types)
    check_names("@", wanted.senders, wanted.not_senders)
    if isinstance(wanted, RoomEventFilter):
        check_names("", wanted.related_by_senders, wanted.related_by_rel_types)
        check_names("!", wanted.rooms, wanted.not_rooms)


def check_names(sigil: str, *lists: Sequence[str] | None) -> None:
    """Raises BadJson for a list that is too long, or has something in it that does not begin with the sigil."""
    for names in lists:
        if names is not None and len(names) > NAMES_MAX:
            raise BadJson(f"A list in a filter holds at most {NAMES_MAX} names.")
        for name in names or ():
            if not name.startswith(sigil) or "\0" in name:
                raise BadJson(f"A filter's list of names holds {name!r}, which is none of its kind.")


def matcher(wanted: RoomEventFilter, room_id: str) -> Callable[[Event], bool] | None:
    """The filter as a function on events; None when it lets everything through."""
    if not allows_room(wanted, room_id):
        return lambda event: False
    if (
        wanted.types is None
        and wanted.senders is None
        and not wanted.not_types
        and not wanted.not_senders
        and wanted.contains_url is None
    ):
        return None

    def matches(event: Event) -> bool:
        if not allows_sender(wanted, event.sender) or not type_allowed(wanted, event.type):
            return False
        return wanted.contains_url is None or wanted.contains_url == isinstance(event.content.get("url"), str)

    return matches


def allows_sender(wanted: AnyFilter, sender: str) -> bool:
    """Whether what somebody sent passes; exclusion wins."""
    return sender not in wanted.not_senders and (wanted.senders is None or sender in wanted.senders)


def allows_type(wanted: AnyFilter, event_type: str, room_id: str | None = None) -> bool:
    """Whether events of a type (in a room) pass; for what has no sender to filter by."""
    if room_id is not None and isinstance(wanted, RoomEventFilter) and not allows_room(wanted, room_id):
        return False
    return type_allowed(wanted, event_type)


def allows_room(wanted: RoomEventFilter | RoomFilter, room_id: str) -> bool:
    """Whether a room passes; exclusion wins."""
    return room_id not in wanted.not_rooms and (wanted.rooms is None or room_id in wanted.rooms)


def type_allowed(wanted: AnyFilter, event_type: str) -> bool:
    """Whether a type passes; `*` stands for any characters, exclusion wins."""
    if any(type_matches(pattern, event_type) for pattern in wanted.not_types):
        return False
    return wanted.types is None or any(type_matches(pattern, event_type) for pattern in wanted.types)


def type_matches(pattern: str, event_type: str) -> bool:
    """Whether a type is the pattern, or fits it where it holds a `*`."""
    if "*" not in pattern:
        return pattern == event_type
    return compiled(pattern).fullmatch(event_type) is not None


@lru_cache(maxsize=1_024)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern with `*` as a regular expression; every other character stands for itself."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
