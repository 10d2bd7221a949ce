"""A room's current state in memory: what admission judges by and most reads are answered from.

A `RoomState` is never changed once readers can see it: a batch works on its own copy, which takes the place of the old
one when the commit is done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from teahouse.eventlog.types import Content, StoredEvent
from teahouse.matrix.power_levels import PowerLevels
from teahouse.matrix.room_versions import ROOM_VERSIONS, RoomVersion

ENTRIES_CACHED_MAX = 200_000  # state events of all cached rooms together, about 1.5 KB each
PRESENT = ("join", "invite")  # memberships that count towards a group's size


class RoomState:
    """The newest state event of every (type, state_key), and what is read off it all the time."""

    __slots__ = ("_power_levels", "creators", "entries", "head", "joined", "listed", "member_head", "present",
                 "receipt_head", "room_id", "room_no", "version", "visibility_changes")  # fmt: skip

    def __init__(self, room_no: int, room_id: str, version: RoomVersion, listed: bool) -> None:
        self.room_no = room_no
        self.room_id = room_id
        self.version = version
        self.listed = listed
        self.entries: dict[tuple[str, str], StoredEvent] = {}
        self.joined: set[str] = set()
        self.present: set[str] = set()  # joined or invited
        self.creators: frozenset[str] = frozenset()
        self.visibility_changes = 0
        self.head = 0  # position of the newest event
        self.member_head = 0  # position of the newest member event
        self.receipt_head = 0  # position of the newest receipt that others may see
        self._power_levels: PowerLevels | None = None

    def copy(self) -> RoomState:
        """A copy for one batch to change."""
        twin = RoomState(self.room_no, self.room_id, self.version, self.listed)
        twin.entries = dict(self.entries)
        twin.joined = set(self.joined)
        twin.present = set(self.present)
        twin.creators = self.creators
        twin.visibility_changes = self.visibility_changes
        twin.head = self.head
        twin.member_head = self.member_head
        twin.receipt_head = self.receipt_head
        twin._power_levels = self._power_levels
        return twin

    def set(self, event_type: str, state_key: str, entry: StoredEvent) -> None:
        """Put an entry in place; entries come in the order of their positions."""
        self.entries[event_type, state_key] = entry
        if event_type == "m.room.member":
            self.member_head = entry.pos
            membership = entry.content.get("membership")
            (self.joined.add if membership == "join" else self.joined.discard)(state_key)
            (self.present.add if membership in PRESENT else self.present.discard)(state_key)
        elif event_type == "m.room.create":
            self.creators = frozenset(creators(self.version, entry))
            self._power_levels = None
        elif event_type == "m.room.power_levels":
            self._power_levels = None
        elif event_type == "m.room.history_visibility":
            self.visibility_changes += 1

    def content(self, event_type: str, state_key: str = "") -> Content | None:
        """The content of the current event, or None."""
        entry = self.entries.get((event_type, state_key))
        return None if entry is None else entry.content

    def sender(self, event_type: str, state_key: str = "") -> str | None:
        """The sender of the current event, or None."""
        entry = self.entries.get((event_type, state_key))
        return None if entry is None else entry.sender

    def text(self, event_type: str, key: str) -> str | None:
        """A string in the content of a state event with an empty key, such as the name in `m.room.name`."""
        value = (self.content(event_type) or {}).get(key)
        return value if isinstance(value, str) else None

    @property
    def power_levels(self) -> PowerLevels:
        """Who may do what, parsed once."""
        if self._power_levels is None:
            creator = self.sender("m.room.create") or ""
            content = self.content("m.room.power_levels")
            self._power_levels = PowerLevels.parse(content, self.version, self.creators, creator)
        return self._power_levels

    def is_empty_room_of(self, user_id: str) -> bool:
        """Whether the room holds nothing but its create event, sent by this user."""
        return len(self.entries) == 1 and self.sender("m.room.create") == user_id

    def membership(self, user_id: str) -> str | None:
        """The user's current membership, or None when there never was one."""
        value = (self.content("m.room.member", user_id) or {}).get("membership")
        return value if isinstance(value, str) else None

    @property
    def join_rule(self) -> str:
        """The join rule in force."""
        return self.text("m.room.join_rules", "join_rule") or "invite"

    @property
    def history_visibility(self) -> str:
        """The history visibility in force; `shared` where none is set or it makes no sense."""
        value = self.text("m.room.history_visibility", "history_visibility")
        return value if value in ("world_readable", "shared", "invited", "joined") else "shared"

    @property
    def about(self) -> str:
        """Name, alias and topic, case-folded, for the directory's search."""
        texts = (self.text("m.room.name", "name"), self.text("m.room.canonical_alias", "alias"),
                 self.text("m.room.topic", "topic"))  # fmt: skip
        return "\n".join(text for text in texts if text).casefold().replace("\0", "")

    @property
    def encrypted(self) -> bool:
        """Whether messages are end-to-end encrypted; it never ends once begun."""
        return ("m.room.encryption", "") in self.entries

    @property
    def public(self) -> bool:
        """Whether anyone may join: such a room is not a group, and has the public rooms' limit."""
        return self.join_rule == "public"


def creators(version: RoomVersion, entry: StoredEvent) -> Iterable[str]:
    """Who made the room, where that gives power (room version 12)."""
    if not version.privileged_creators:
        return ()
    additional = entry.content.get("additional_creators", ())
    return (entry.sender, *(user for user in additional if isinstance(user, str)))


def version_of(name: str) -> RoomVersion:
    """The room version of a room that exists."""
    return ROOM_VERSIONS[name]


class StateCache:
    """The states of recently used rooms, bounded by the number of their entries."""

    def __init__(self, entries_max: int = ENTRIES_CACHED_MAX) -> None:
        self._states: OrderedDict[int, RoomState] = OrderedDict()
        self._entries = 0
        self._entries_max = entries_max

    def get(self, room_no: int) -> RoomState | None:
        state = self._states.get(room_no)
        if state is not None:
            self._states.move_to_end(room_no)
        return state

    def put(self, state: RoomState) -> None:
        """Make a state the one that readers see."""
        self.forget(state.room_no)
        self._states[state.room_no] = state
        self._entries += len(state.entries)
        while self._entries > self._entries_max and len(self._states) > 1:
            _, oldest = self._states.popitem(last=False)
            self._entries -= len(oldest.entries)

    def forget(self, room_no: int) -> None:
        state = self._states.pop(room_no, None)
        if state is not None:
            self._entries -= len(state.entries)

    def __len__(self) -> int:
        return len(self._states)
