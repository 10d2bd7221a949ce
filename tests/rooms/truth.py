"""What each person may see of each room, worked out from the stored log by the specification's rules alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.matrix.test_history_visibility import History, may_read
from tests.world import Person, World

MARK = re.compile(r"mark-\d+-|@\w+:tea\.test")  # what every event is full of: its own mark, and who had to do with it
STRIPPED = {
    "m.room.create", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.join_rules", "m.room.canonical_alias",
    "m.room.encryption",
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    pos: int
    json: dict[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.json["event_id"])

    @property
    def key(self) -> tuple[str, str] | None:
        return (self.json["type"], self.json["state_key"]) if "state_key" in self.json else None

    @property
    def marks(self) -> set[str]:
        return set(MARK.findall(json.dumps(self.json)))


def is_membership_of(event: Event, person: Person) -> bool:
    return event.key == ("m.room.member", person.user_id)


async def log_of(world: World, room_id: str) -> list[Event]:
    """Every event of a room, oldest first."""
    room_no = world.app.identifiers.room_no(room_id)
    sql = "SELECT pos, event FROM events WHERE room_no = ? ORDER BY pos LIMIT 9999"
    rows = await world.database.fetch(sql, room_no)
    return [Event(pos, json.loads(bytes(event))) for pos, event in rows]


def history_for(log: list[Event], person: Person) -> History:
    """The log as the rule of history visibility looks at it."""
    history: History = []
    for event in log:
        if is_membership_of(event, person):
            history.append((event.pos, "member", str(event.json["content"]["membership"])))
        elif event.key == ("m.room.history_visibility", ""):
            history.append((event.pos, "visibility", str(event.json["content"].get("history_visibility", "shared"))))
        else:
            history.append((event.pos, "message", ""))
    return history


def readable(log: list[Event], person: Person) -> list[Event]:
    """The events somebody may read."""
    history = history_for(log, person)
    return [event for event in log if may_read(history, event.pos)]


def state_at(log: list[Event], pos: int) -> list[Event]:
    """The state after a position."""
    return list({event.key: event for event in log if event.key is not None and event.pos <= pos}.values())


def state_seen(log: list[Event], person: Person) -> list[Event]:
    """The state somebody may see: what was in force while they were there, or at an event that they may read."""
    seen: dict[int, Event] = {}
    entitled = {event.pos for event in readable(log, person)}
    there = False
    state: dict[tuple[str, str], Event] = {}
    for event in log:
        if event.pos in entitled:  # the state that a timeline beginning here is applied to
            seen |= {each.pos: each for each in state.values()}
        if event.key is not None:
            state[event.key] = event
        if is_membership_of(event, person):
            there = event.json["content"]["membership"] == "join"
        if there or event.pos in entitled:
            seen |= {each.pos: each for each in state.values()}
    visibility = state.get(("m.room.history_visibility", ""))
    if visibility is not None and visibility.json["content"].get("history_visibility") == "world_readable":
        seen |= {each.pos: each for each in state.values()}
    return list(seen.values())


def stripped(log: list[Event], person: Person) -> list[Event]:
    """What one who is invited, or knocks, is shown of the state."""
    own = [event for event in log if is_membership_of(event, person)]
    if not own or own[-1].json["content"]["membership"] not in ("invite", "knock"):
        return []
    sender = own[-1].json["sender"]
    keys = {*((kind, "") for kind in STRIPPED), ("m.room.member", sender), ("m.room.member", person.user_id)}
    return [event for event in state_at(log, log[-1].pos) if event.key in keys]


def allowed_marks(log: list[Event], person: Person) -> set[str]:
    """Every mark that may reach somebody from a room."""
    own = [event for event in log if is_membership_of(event, person)]
    seen = [*readable(log, person), *state_seen(log, person), *stripped(log, person), *own]
    return {person.user_id, *(mark for event in seen for mark in event.marks)}


async def listed_marks(world: World, room_id: str) -> set[str]:
    """What the public directory may say of a room to anybody."""
    room_no = world.app.identifiers.room_no(room_id)
    row = await world.database.fetch_one("SELECT listed FROM rooms WHERE room_no = ?", room_no)
    log = await log_of(world, room_id)
    named = [event for event in state_at(log, log[-1].pos) if event.key in (("m.room.name", ""), ("m.room.topic", ""))]
    return {mark for event in named for mark in event.marks} if row == (1,) else set()
