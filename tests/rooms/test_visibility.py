"""Nobody reads what history visibility, membership or a ban denies, through any door of the server."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.databases import Place as DatabasePlace
from tests.longer import lives
from tests.machines import WorldMachine, live
from tests.rooms import truth
from tests.rooms.doors import DOORS, Visit, unknown
from tests.world import World

VISIBILITIES = ("world_readable", "shared", "invited", "joined")
NAMES = ("alice", "bob", "carol", "dave")
people = st.integers(0, len(NAMES) - 1)
rooms = st.integers(0, 1)
events = st.integers(0, 20)
_marks = itertools.count(1)
_examples = itertools.count(1)


def mark() -> str:
    """Words that stand nowhere else."""
    return f"mark-{next(_marks)}-"


async def leaks(visit: Visit, doors: Iterable[str]) -> list[str]:
    """What comes out of doors that should not, as `door: marks`."""
    person = visit.person
    log = await truth.log_of(person.world, visit.room_id)
    allowed = truth.allowed_marks(log, person)
    if truth.history_for(log, person) and person.user_id in current_members(log):
        allowed.add("mark-0-")
    found = []
    for name in doors:
        extra = await truth.listed_marks(person.world, visit.room_id) if "publicRooms" in name else set()
        async for shown in DOORS[name].open(visit):
            leaked = set(truth.MARK.findall(shown)) - allowed - extra
            if leaked:
                found.append(f"{name}: {sorted(leaked)}")
    return found


def current_members(log: list[truth.Event]) -> set[str]:
    state = truth.state_at(log, log[-1].pos)
    return {
        event.json["state_key"]
        for event in state
        if event.key is not None and event.key[0] == "m.room.member" and event.json["content"]["membership"] == "join"
    }


async def withheld(visit: Visit) -> list[str]:
    """What somebody may read and is not given, through the two doors that show single events and all of them."""
    log = await truth.log_of(visit.person.world, visit.room_id)
    entitled = [event.event_id for event in truth.readable(log, visit.person)]
    query = {"dir": "b", "limit": 1_000}
    page = await visit.person.ask("GET", "/rooms/{roomId}/messages", None, query, roomId=visit.room_id)
    shown = [event["event_id"] for event in page.json.get("chunk", [])]
    return [event_id for event_id in entitled if event_id not in shown]


class Doors(WorldMachine):
    """Four people in two rooms do what they may; then everybody tries every door."""

    @initialize(visibility=st.sampled_from(VISIBILITIES), preset=st.sampled_from(["public_chat", "private_chat"]))
    def begin(self, visibility: str, preset: str) -> None:
        example = next(_examples)
        self.people = [self.run(self.world.person(f"{name}{example}")) for name in NAMES]
        self.tokens: dict[str, list[str]] = {person.user_id: [] for person in self.people}
        initial = [{"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}]
        self.rooms = [
            self.run(self.people[0].create(preset=preset, name=mark(), initial_state=initial)),
            self.run(self.people[1].create(preset="public_chat", topic=mark())),
        ]
        self.events: list[tuple[str, str]] = []
        self.forgotten: set[tuple[str, str]] = set()
        self.go(1, 0, "join")
        self.go(0, 1, "join")

    def ask(self, who: int, method: str, template: str, body: Any, **path: str) -> Any:
        answer = self.run(self.people[who].ask(method, template, body, None, **path))
        assert answer.status < 500, (template, answer)
        return answer

    @rule(who=people, room=rooms, verb=st.sampled_from(["join", "join", "leave", "forget"]))
    def go(self, who: int, room: int, verb: str) -> None:
        answer = self.ask(who, "POST", f"/rooms/{{roomId}}/{verb}", {"reason": mark()}, roomId=self.rooms[room])
        if answer.status == 200 and verb in ("forget", "join"):
            key = (self.people[who].user_id, self.rooms[room])
            (self.forgotten.add if verb == "forget" else self.forgotten.discard)(key)

    @rule(who=people, room=rooms, other=people, verb=st.sampled_from(["invite", "kick", "ban", "unban"]))
    def put(self, who: int, room: int, other: int, verb: str) -> None:
        body = {"user_id": self.people[other].user_id, "reason": mark()}
        self.ask(who, "POST", f"/rooms/{{roomId}}/{verb}", body, roomId=self.rooms[room])

    @rule(who=people, room=rooms)
    def knock(self, who: int, room: int) -> None:
        self.ask(who, "POST", "/knock/{roomIdOrAlias}", {"reason": mark()}, roomIdOrAlias=self.rooms[room])

    @rule(room=rooms, visibility=st.sampled_from(VISIBILITIES))
    def set_visibility(self, room: int, visibility: str) -> None:
        self.set(room, room, ("m.room.history_visibility", "history_visibility", visibility))

    @rule(
        who=people, room=rooms,
        what=st.sampled_from([
            ("m.room.name", "name", ""), ("m.room.topic", "topic", ""), ("com.example.tea", "tea", ""),
            ("m.room.join_rules", "join_rule", "knock"), ("m.room.join_rules", "join_rule", "invite"),
        ]),
    )  # fmt: skip
    def set(self, who: int, room: int, what: tuple[str, str, str]) -> None:
        event_type, key, value = what
        path = {"roomId": self.rooms[room], "eventType": event_type}
        content = {key: value or mark(), "com.example.mark": mark()}
        self.ask(who, "PUT", "/rooms/{roomId}/state/{eventType}", content, **path)

    @rule(who=people, room=rooms, parent=st.none() | events, kind=st.sampled_from(["m.thread", "m.replace"]))
    def say(self, who: int, room: int, parent: int | None, kind: str) -> None:
        room_id = self.rooms[room]
        content: dict[str, Any] = {"msgtype": "m.text", "body": mark(), "m.new_content": {"body": mark()}}
        if parent is not None and self.events:
            room_id, event_id = self.events[parent % len(self.events)]
            content["m.relates_to"] = {"rel_type": kind, "event_id": event_id}
        path = {"roomId": room_id, "txnId": self.world.next_txn()}
        answer = self.ask(who, "PUT", "/rooms/{roomId}/send/m.room.message/{txnId}", content, **path)
        if answer.status == 200:
            self.events.append((room_id, answer.json["event_id"]))

    @rule(who=people, number=events)
    def redact(self, who: int, number: int) -> None:
        if self.events:
            room_id, event_id = self.events[number % len(self.events)]
            path = {"roomId": room_id, "eventId": event_id, "txnId": self.world.next_txn()}
            self.ask(who, "PUT", "/rooms/{roomId}/redact/{eventId}/{txnId}", {"reason": mark()}, **path)

    @rule(who=people)
    def look(self, who: int) -> None:
        person = self.people[who]
        self.tokens[person.user_id] = [*self.tokens[person.user_id], self.run(person.sync())["next_batch"]][-2:]

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        if chance == 0:
            self.run(self.world.restart())

    def teardown(self) -> None:
        for person, room_id in itertools.product(getattr(self, "people", ()), getattr(self, "rooms", ())):
            event_ids = [event_id for of_room, event_id in self.events if of_room == room_id][:8]
            visit = Visit(person, room_id, event_ids, self.tokens[person.user_id])
            assert self.run(leaks(visit, DOORS)) == []
            if (person.user_id, room_id) not in self.forgotten:
                assert self.run(withheld(visit)) == []


def test_no_door_shows_what_the_rules_deny_and_none_withholds_what_they_allow(
    place: DatabasePlace, tmp_path: Path
) -> None:
    live(Doors, place, tmp_path, examples=15, steps=25, seeded=True)


@pytest.mark.long
def test_no_door_shows_what_the_rules_deny_in_many_long_lives(place: DatabasePlace, tmp_path: Path) -> None:
    live(Doors, place, tmp_path, examples=lives(300), steps=60, seeded=False)


def test_every_endpoint_is_known_to_show_nothing_of_a_room_or_is_among_the_doors(tea: World) -> None:
    assert unknown(tea.app.http.router.routes) == []
    names = {f"{route.method} {route.template}" for route in tea.app.http.router.routes}
    assert set(DOORS) <= names
