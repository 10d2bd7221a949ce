"""A client as the specification describes it: what it knows after each answer, and nothing it was not told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str]


@dataclass
class Room:
    """What a client knows of one room. `timeline` holds what came since the last declared gap."""

    state: dict[Key, str] = field(default_factory=dict)
    contents: dict[Key, Json] = field(default_factory=dict)
    timeline: list[str] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)
    account_data: dict[str, Json] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str | None], str] = field(default_factory=dict)
    unread: Json = field(default_factory=dict)
    threads: Json = field(default_factory=dict)
    summary: Json = field(default_factory=dict)
    prev_batch: str = ""


class Client:
    """One device's view of everything, built from sync answers alone."""

    def __init__(self, *, lazy: bool, state_after: str | None, threads: bool) -> None:
        """`state_after` is the query parameter that asks for state after the timeline, or None."""
        self.lazy = lazy
        self.state_after = state_after
        self.threads = threads
        self.since: str | None = None
        self.rooms: dict[str, Room] = {}
        self.sections: dict[str, str] = {}  # room id to join, invite, knock or leave
        self.account_data: dict[str, Json] = {}

    def query(self, limit: int, *, full_state: bool = False) -> Json:
        """The parameters of the next request."""
        timeline: Json = {"limit": limit, "unread_thread_notifications": self.threads}
        state = {"lazy_load_members": self.lazy}
        query: Json = {"filter": {"room": {"timeline": timeline, "state": state, "include_leave": True}}}
        if full_state:
            query["full_state"] = True
        if self.state_after is not None:
            query[self.state_after] = True
        return query

    def apply(self, answer: Json) -> None:
        """Take in one answer."""
        self.since = answer["next_batch"]
        for event in answer.get("account_data", {}).get("events", []):
            self.account_data[event["type"]] = event["content"]
        rooms = answer.get("rooms", {})
        assert sum(map(len, rooms.values())) == len({room for section in rooms.values() for room in section})
        for section in ("invite", "knock"):
            for room_id in rooms.get(section, {}):
                self.sections[room_id] = section
        for room_id, shown in rooms.get("leave", {}).items():
            self._apply_room(room_id, shown)
            self.sections[room_id] = "leave"
        for room_id, shown in rooms.get("join", {}).items():
            self._apply_room(room_id, shown)
            self.sections[room_id] = "join"

    def forget(self, room_id: str) -> None:
        """The user forgot a room, here or elsewhere."""
        self.rooms.pop(room_id, None)
        self.sections.pop(room_id, None)

    def _apply_room(self, room_id: str, shown: Json) -> None:
        known = self.rooms.get(room_id)
        room = self.rooms.setdefault(room_id, Room())
        timeline = shown["timeline"]
        if known is None or timeline["limited"]:
            room.timeline.clear()
            room.senders.clear()
            room.prev_batch = timeline["prev_batch"]
        room.timeline += [event["event_id"] for event in timeline["events"]]
        room.senders |= {event["sender"] for event in timeline["events"]}
        if self.state_after is None:
            self._apply_state(room, [*shown["state"]["events"], *timeline["events"]])
        else:
            self._apply_state(room, shown[self.state_after.replace("use_", "")]["events"])
        for event in shown["account_data"]["events"]:
            room.account_data[event["type"]] = event["content"]
        for event in shown.get("ephemeral", {}).get("events", []):
            if event["type"] == "m.receipt":
                apply_receipts(room, event["content"])
        room.unread = shown.get("unread_notifications", room.unread)
        room.threads = shown.get("unread_thread_notifications", room.threads)
        room.summary = room.summary | shown.get("summary", {})

    def _apply_state(self, room: Room, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            if "state_key" in event:
                room.state[event["type"], event["state_key"]] = event["event_id"]
                room.contents[event["type"], event["state_key"]] = event["content"]


def apply_receipts(room: Room, content: Json) -> None:
    """A newer receipt takes the place of the same user's older one."""
    for event_id, kinds in content.items():
        for kind, users in kinds.items():
            for user, body in users.items():
                room.receipts[kind, user, body.get("thread_id")] = event_id
