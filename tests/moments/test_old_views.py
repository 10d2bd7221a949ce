"""Friends and followers too: an old view plus incremental sync equals a fresh sync, in rooms that slices keep."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from teahouse.rooms import receipts
from tests.databases import Place
from tests.longer import lives
from tests.machines import live
from tests.moments.town import LIST, MOMENT, MOMENTS, befriend, room_of
from tests.sync.client import Client
from tests.sync.test_old_views import OldViews, events, people, rooms
from tests.world import Person, World

DAY_MS = 86_400_000
groups = st.frozensets(people, max_size=2)


class KeptRooms(OldViews):
    """The same lives with a channel, and with moments of everybody's."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        super().__init__(runner, world)
        self.moments: list[tuple[int, str]] = []
        self.kept: set[str] = set()
        self.channels: set[str] = set()

    @rule(who=people)
    def open_channel(self, who: int) -> None:
        if self.channels:
            return
        owner = self.people[who]
        handle = owner.user_id[1:].partition(":")[0]
        wish = {"handle": handle, "kind": "person", "name": "Leaves"}
        made = self.run(owner.good("POST", "/_teahouse/v1/accounts", wish))
        self.rooms.append(made["room_id"])
        self.kept.add(made["room_id"])
        self.channels.add(made["room_id"])

    @rule(who=people, scope=st.sampled_from(["friends", "friends", "some", "all_but", "self"]), named=groups)
    def publish(self, who: int, scope: str, named: frozenset[int]) -> None:
        body = {"content": {"text": "tea"}, "audience": self.audience(scope, named)}
        self.moments.append((who, self.run(self.people[who].good("POST", MOMENTS, body))["moment_id"]))
        room = self.run(room_of(self.people[who]))
        if room not in self.kept:
            self.kept.add(room)
            self.rooms.append(room)
        self.events.append((room, self.moments[-1][1]))

    def audience(self, scope: str, named: frozenset[int]) -> dict[str, object]:
        users = [self.people[number].user_id for number in sorted(named)] if scope in ("some", "all_but") else []
        return {"scope": scope, "users": users}

    @rule(number=events, scope=st.sampled_from(["friends", "some", "all_but", "self"]), named=groups)
    def show_to(self, number: int, scope: str, named: frozenset[int]) -> None:
        if self.moments:
            who, moment_id = self.moments[-1 - number % len(self.moments)]
            body = self.audience(scope, named)
            self.ask(who, "PUT", f"{MOMENT}/audience", body, momentId=moment_id)

    @rule(number=events)
    def delete(self, number: int) -> None:
        if self.moments:
            who, moment_id = self.moments[-1 - number % len(self.moments)]
            self.ask(who, "DELETE", MOMENT, momentId=moment_id)

    @rule(who=people, number=events, room=rooms)
    def like(self, who: int, number: int, room: int) -> None:
        if self.events:
            room_id, event_id = self.event(number)
            relation = {"rel_type": "m.annotation", "event_id": event_id, "key": "🍵"}
            path = {"roomId": room_id, "txnId": self.world.next_txn()}
            content = {"m.relates_to": relation}
            answer = self.ask(who, "PUT", "/rooms/{roomId}/send/m.reaction/{txnId}", content, **path)
            if answer.status == 200:
                self.events.append((room_id, answer.json["event_id"]))

    @rule(one=people, other=people, part=st.booleans())
    def befriend_or_part(self, one: int, other: int, part: bool) -> None:
        if one == other:
            return
        if part:
            path = {"userId": self.people[other].user_id}
            self.ask(one, "DELETE", "/_teahouse/v1/contacts/{userId}", **path)
        else:
            self.run(befriend(self.world, self.people[one], self.people[other]))

    @rule(one=people, other=people, name=st.sampled_from(["hidden", "unwanted"]), put=st.booleans())
    def list_(self, one: int, other: int, name: str, put: bool) -> None:
        if one != other:
            self.ask(one, "PUT" if put else "DELETE", LIST, list=name, userId=self.people[other].user_id)

    @rule(who=people, days=st.sampled_from([0, 3, 90]))
    def look_back(self, who: int, days: int) -> None:
        self.ask(who, "PUT", f"{MOMENTS}/settings", {"days": days})

    @rule(days=st.sampled_from([1, 2]))
    def days_pass(self, days: int) -> None:
        self.world.clock.pass_ms(days * DAY_MS)

    def compare_summary(self, mine: dict[str, object], theirs: dict[str, object], room_id: str) -> None:
        if room_id not in self.channels:  # how many others follow is told anew when something else is
            super().compare_summary(mine, theirs, room_id)

    def compare_state(self, old: Client, new: Client, room_id: str) -> None:
        if room_id not in self.kept:
            super().compare_state(old, new, room_id)
            return
        mine, theirs = old.rooms[room_id], new.rooms[room_id]
        wanted = {
            key: value for key, value in theirs.state.items() if not old.lazy or key[0] != "m.room.member"
        }  # fmt: skip
        assert {key: value for key, value in mine.state.items() if key in wanted} == wanted
        if old.sections[room_id] == "join" and not old.lazy:  # of a room that one left little is shown to a new device
            assert mine.state == theirs.state
        members = {key for key in theirs.state if key[0] == "m.room.member" and key in mine.state}
        assert {key: mine.state[key] for key in members} == {key: theirs.state[key] for key in members}

    def check_timeline(self, device: Person, client: Client, room_id: str) -> None:
        if room_id not in self.kept:
            super().check_timeline(device, client, room_id)
            return
        whole = Client(lazy=False, state_after=None, threads=False)
        whole.apply(self.run(self.fresh_of(device).sync(None, **whole.query(1_000))))
        readable = whole.rooms[room_id].timeline
        shown = client.rooms[room_id].timeline
        assert len(set(shown)) == len(shown)
        kept = [event_id for event_id in shown if event_id in readable]
        # What was narrowed or deleted may still be known; nothing that may be read is missing after what is known.
        assert kept == (readable[readable.index(kept[0]) :] if kept else [])

    def fresh_of(self, device: Person) -> Person:
        return next(person for person in self.fresh if person.user_id == device.user_id)


@pytest.fixture(autouse=True)
def nothing_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "SHOWN_AFTER_S", 0.0)


def test_an_old_view_of_kept_rooms_plus_incremental_sync_equals_a_fresh_sync(place: Place, tmp_path: Path) -> None:
    live(KeptRooms, place, tmp_path, examples=20, steps=40, seeded=True, shortened=False)


@pytest.mark.long
def test_old_views_of_kept_rooms_in_many_long_lives(place: Place, tmp_path: Path) -> None:
    live(KeptRooms, place, tmp_path, examples=lives(300), steps=80, seeded=False, shortened=False)
