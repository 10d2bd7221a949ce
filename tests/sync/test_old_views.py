"""An old view plus incremental sync equals a fresh sync; timelines have no gap that is not declared, and no repeat."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from teahouse.contacts import store as contacts_store
from teahouse.rooms import receipts
from tests.databases import Place
from tests.longer import lives
from tests.machines import WorldMachine, live
from tests.matrix.test_history_visibility import may_read
from tests.sync.client import Client
from tests.world import Answer, Person, World

NAMES = ("alice", "bob", "carol", "dave")  # the first three are contacts of each other, dave is a stranger to all
ROOMS_MAX = 6
LIMITS = st.sampled_from([0, 1, 2, 5, 50])
people = st.integers(0, len(NAMES) - 1)
rooms = st.integers(0, 5)  # counted from the newest, round and round
events = st.integers(0, 30)
_examples = itertools.count(1)


class OldViews(WorldMachine):
    """Random lives of four people with two devices each; every device may look at any time."""

    server_settings = {"greetings.required": True}  # noqa: RUF012 - nobody changes it

    @initialize(flags=st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.booleans()), min_size=8, max_size=8))
    def begin(self, flags: list[tuple[bool, int, bool]]) -> None:
        example = next(_examples)
        spellings = (None, "use_state_after", "org.matrix.msc4222.use_state_after")
        self.people = [self.run(self.world.person(f"{name}{example}")) for name in NAMES]
        self.run(self.befriend(self.people[:3]))
        self.devices: list[tuple[Person, Client]] = []
        self.fresh: list[Person] = []
        for number, person in enumerate(self.people):
            self.fresh.append(self.run(person.device("FRESH")))
            for index in (2 * number, 2 * number + 1):
                lazy, after, threads = flags[index]
                device = self.run(person.device(f"D{index}"))
                self.devices.append((device, Client(lazy=lazy, state_after=spellings[after], threads=threads)))

        self.rooms: list[str] = []
        self.forgotten: set[tuple[str, str]] = set()
        self.events: list[tuple[str, str]] = []
        self.create(0, "public_chat")
        for who in (1, 2, 3):
            self.come_or_go(who, 0, "join")
        self.create(1, "private_chat")
        self.put(1, 0, 0, "invite")
        self.come_or_go(0, 0, "join")
        self.put(0, 0, 2, "invite")
        self.greet(0, 3)

    async def befriend(self, friends: list[Person]) -> None:
        async with self.world.database.transaction() as tx:
            for one, other in itertools.combinations(friends, 2):
                await contacts_store.befriend(tx, one.user_no, other.user_no, 0)

    def ask(self, who: int, method: str, template: str, body: Any = None, **path: str) -> Answer:
        answer = self.run(self.world.ask(self.people[who].token, method, template, body, None, **path))
        assert answer.status < 500, (method, template, answer)
        return answer

    def room(self, number: int) -> str:
        return self.rooms[-1 - number % len(self.rooms)]

    @rule(who=people, preset=st.sampled_from(["public_chat", "private_chat"]))
    def create(self, who: int, preset: str) -> None:
        if len(self.rooms) < ROOMS_MAX:
            self.rooms.append(self.ask(who, "POST", "/createRoom", {"preset": preset}).json["room_id"])

    @rule(who=people, other=people)
    def greet(self, who: int, other: int) -> None:
        if who != other and len(self.rooms) < ROOMS_MAX:
            wish = {"is_direct": True, "preset": "trusted_private_chat", "invite": [self.people[other].user_id]}
            self.rooms.append(self.ask(who, "POST", "/createRoom", wish).json["room_id"])

    @rule(who=people, room=rooms, verb=st.sampled_from(["join", "join", "join", "leave"]))
    def come_or_go(self, who: int, room: int, verb: str) -> None:
        self.ask(who, "POST", f"/rooms/{{roomId}}/{verb}", {}, roomId=self.room(room))

    @rule(who=people, room=rooms, other=people, verb=st.sampled_from(["invite", "invite", "kick", "ban", "unban"]))
    def put(self, who: int, room: int, other: int, verb: str) -> None:
        body = {"user_id": self.people[other].user_id}
        self.ask(who, "POST", f"/rooms/{{roomId}}/{verb}", body, roomId=self.room(room))

    @rule(who=people, room=rooms)
    def knock(self, who: int, room: int) -> None:
        self.ask(who, "POST", "/knock/{roomIdOrAlias}", {}, roomIdOrAlias=self.room(room))

    @rule(who=people, room=rooms)
    def forget(self, who: int, room: int) -> None:
        room_id = self.room(room)
        if self.ask(who, "POST", "/rooms/{roomId}/forget", {}, roomId=room_id).status == 200:
            self.forgotten.add((self.people[who].user_id, room_id))

    @rule(who=people, room=rooms, count=st.integers(1, 4), mention=st.none() | people)
    def say(self, who: int, room: int, count: int, mention: int | None) -> None:
        content: dict[str, Any] = {"msgtype": "m.text", "body": "tea"}
        if mention is not None:
            content["m.mentions"] = {"user_ids": [self.people[mention].user_id]}
        for _ in range(count):
            self.send(who, self.room(room), content)

    @rule(who=people, number=events, kind=st.sampled_from(["m.thread", "m.replace", "m.reference"]))
    def relate(self, who: int, number: int, kind: str) -> None:
        if self.events:
            room_id, event_id = self.event(number)
            relation = {"rel_type": kind, "event_id": event_id}
            self.send(who, room_id, {"msgtype": "m.text", "body": "more tea", "m.relates_to": relation})

    def event(self, number: int) -> tuple[str, str]:
        return self.events[-1 - number % len(self.events)]

    def send(self, who: int, room_id: str, content: dict[str, Any]) -> None:
        path = {"roomId": room_id, "txnId": self.world.next_txn()}
        answer = self.ask(who, "PUT", "/rooms/{roomId}/send/m.room.message/{txnId}", content, **path)
        if answer.status == 200:
            self.events.append((room_id, answer.json["event_id"]))

    @rule(who=people, number=events)
    def redact(self, who: int, number: int) -> None:
        if self.events:
            room_id, event_id = self.event(number)
            path = {"roomId": room_id, "eventId": event_id, "txnId": self.world.next_txn()}
            self.ask(who, "PUT", "/rooms/{roomId}/redact/{eventId}/{txnId}", {}, **path)

    @rule(
        who=people, room=rooms,
        what=st.sampled_from([
            ("m.room.name", {"name": "tea"}), ("m.room.name", {"name": ""}), ("m.room.topic", {"topic": "tea"}),
            ("com.example.tea", {"green": 1}), ("com.example.tea", {"green": 2}),
            ("m.room.join_rules", {"join_rule": "public"}), ("m.room.join_rules", {"join_rule": "knock"}),
            ("m.room.history_visibility", {"history_visibility": "joined"}),
            ("m.room.history_visibility", {"history_visibility": "invited"}),
            ("m.room.history_visibility", {"history_visibility": "shared"}),
            ("m.room.history_visibility", {"history_visibility": "world_readable"}),
        ]),
    )  # fmt: skip
    def set_state(self, who: int, room: int, what: tuple[str, dict[str, Any]]) -> None:
        path = {"roomId": self.room(room), "eventType": what[0]}
        self.ask(who, "PUT", "/rooms/{roomId}/state/{eventType}/", what[1], **path)

    @rule(who=people, name=st.sampled_from("AB"))
    def rename(self, who: int, name: str) -> None:
        path = {"userId": self.people[who].user_id}
        self.ask(who, "PUT", "/profile/{userId}/displayname", {"displayname": name}, **path)

    @rule(who=people, number=events, kind=st.sampled_from(["m.read", "m.read", "m.read.private"]))
    def read(self, who: int, number: int, kind: str) -> None:
        if self.events:
            room_id, event_id = self.event(number)
            path = {"roomId": room_id, "eventId": event_id, "receiptType": kind}
            self.ask(who, "POST", "/rooms/{roomId}/receipt/{receiptType}/{eventId}", {}, **path)

    @rule(who=people, room=st.none() | rooms, value=st.integers(0, 3))
    def remember(self, who: int, room: int | None, value: int) -> None:
        user_id = self.people[who].user_id
        if room is None:
            self.ask(who, "PUT", "/user/{userId}/account_data/com.example.tea", {"value": value}, userId=user_id)
        else:
            path = {"userId": user_id, "roomId": self.room(room)}
            template = "/user/{userId}/rooms/{roomId}/account_data/com.example.tea"
            self.ask(who, "PUT", template, {"value": value}, **path)

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        if chance == 0:
            self.run(self.world.restart())

    @rule(number=st.integers(0, 7), limit=LIMITS, full_state=st.booleans())
    def look(self, number: int, limit: int, full_state: bool) -> None:
        self.run(self.world.receipts_shown())
        device, client = self.devices[number]
        client.apply(self.run(device.sync(client.since, **client.query(limit, full_state=full_state))))
        self.compare(number, limit)

    def teardown(self) -> None:
        for number in range(len(self.devices) if hasattr(self, "devices") else 0):
            self.look(number, limit=5, full_state=False)

    def compare(self, number: int, limit: int) -> None:
        device, old = self.devices[number]
        new = Client(lazy=old.lazy, state_after=old.state_after, threads=old.threads)
        new.apply(self.run(self.fresh[number // 2].sync(None, **new.query(max(limit, 1)))))
        for room_id in [room_id for room_id, section in old.sections.items() if section == "leave"]:
            if (device.user_id, room_id) in self.forgotten and room_id not in new.sections:
                old.forget(room_id)  # a room that is left stays in a client's list until the client itself drops it
        assert old.sections == new.sections
        assert old.account_data == new.account_data
        for room_id, section in new.sections.items():
            if section in ("join", "leave"):
                self.compare_state(old, new, room_id)
            if section == "join":
                mine, theirs = old.rooms[room_id], new.rooms[room_id]
                assert mine.account_data == theirs.account_data
                assert mine.receipts == theirs.receipts
                assert (mine.unread, mine.threads) == (theirs.unread, theirs.threads)
                self.compare_summary(mine.summary, theirs.summary, room_id)
                self.check_timeline(device, old, room_id)

    def compare_summary(self, mine: dict[str, Any], theirs: dict[str, Any], room_id: str) -> None:
        assert {key: value for key, value in mine.items() if key in theirs} == theirs

    def compare_state(self, old: Client, new: Client, room_id: str) -> None:
        mine, theirs = old.rooms[room_id], new.rooms[room_id]
        if not old.lazy:
            assert mine.state == theirs.state
            return
        members = {key for key in mine.state if key[0] == "m.room.member"}
        assert {k: v for k, v in mine.state.items() if k not in members} == {
            key: value for key, value in theirs.state.items() if key[0] != "m.room.member"
        }
        if old.sections[room_id] != "join":
            return
        entries = self.run(self.world.app.rooms.require(room_id)).entries
        assert {key: mine.state[key] for key in members} == {key: entries[key].event_id for key in members}
        assert {("m.room.member", sender) for sender in mine.senders} <= members

    def check_timeline(self, device: Person, client: Client, room_id: str) -> None:
        room = client.rooms[room_id]
        readable = self.run(readable_events(self.world, device, room_id))
        shown = room.timeline
        if not shown:
            return
        first = readable.index(shown[0])
        assert shown == readable[first:]
        query = {"dir": "b", "from": room.prev_batch, "limit": 1}
        page = self.run(device.good("GET", "/rooms/{roomId}/messages", None, query, roomId=room_id))
        assert [event["event_id"] for event in page["chunk"]] == readable[:first][-1:]


async def readable_events(world: World, person: Person, room_id: str) -> list[str]:
    """Every event of a room that somebody may read, in the order of the log, by the specification's rule alone."""
    state = await world.app.rooms.require(room_id)
    store = world.app.eventlog.store
    events = await store.range(world.database, state.room_no, 1, 1 << 62, 100_000, backwards=False)
    history = []
    for event in events:
        if event.type == "m.room.member" and event.state_key == person.user_id:
            history.append((event.pos, "member", str(event.content["membership"])))
        elif event.type == "m.room.history_visibility":
            history.append((event.pos, "visibility", str(event.content["history_visibility"])))
        else:
            history.append((event.pos, "message", ""))
    return [event.event_id for event in events if may_read(history, event.pos)]


@pytest.fixture(autouse=True)
def nothing_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "SHOWN_AFTER_S", 0.0)


def test_an_old_view_plus_incremental_sync_equals_a_fresh_sync(place: Place, tmp_path: Path) -> None:
    live(OldViews, place, tmp_path, examples=25, steps=40, seeded=True)


@pytest.mark.long
def test_an_old_view_plus_incremental_sync_equals_a_fresh_sync_in_many_long_lives(place: Place, tmp_path: Path) -> None:
    live(OldViews, place, tmp_path, examples=lives(400), steps=80, seeded=False)
