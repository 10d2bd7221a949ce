"""Random lives of four people with moments, held to a plain model, through every door that the router has."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.databases import Place
from tests.longer import lives
from tests.machines import WorldMachine, live
from tests.moments.doors import MARK, Looking, doors, through
from tests.moments.model import DAY_MS, Model, Moment, Said
from tests.moments.test_media import upload
from tests.moments.town import LIST, MOMENT, MOMENTS, befriend, room_of, texts

NAMES = ("alice", "bob", "carol", "dave")
WIDE = {"room": {"timeline": {"limit": 1_000}}}
people = st.integers(0, len(NAMES) - 1)
groups = st.frozensets(people, max_size=3)
scopes = st.sampled_from(["friends", "friends", "some", "all_but", "self"])
numbers = st.integers(0, 20)
_marks = itertools.count(1)
_examples = itertools.count(1)


class Lives(WorldMachine):
    """Four people; the first three are friends at first."""

    @initialize()
    def begin(self) -> None:
        example = next(_examples)
        self.people = [self.run(self.world.person(f"{name}{example}")) for name in NAMES]
        self.run(befriend(self.world, *self.people[:3]))
        self.model = Model(self.world.clock.now_ms())
        self.model.friends = {frozenset(pair) for pair in itertools.combinations(range(3), 2)}
        self.tokens: dict[int, list[str]] = {number: [] for number in range(len(NAMES))}
        self.media: list[tuple[str, Moment]] = []

    def good(self, who: int, method: str, template: str, body: Any = None, **path: str) -> Any:
        return self.run(self.people[who].good(method, template, body, None, **path))

    def ids(self, named: frozenset[int]) -> list[str]:
        return [self.people[number].user_id for number in sorted(named)]

    def audience(self, scope: str, named: frozenset[int]) -> dict[str, Any]:
        return {"scope": scope, "users": self.ids(named) if scope in ("some", "all_but") else []}

    @rule(who=people, scope=scopes, named=groups, pictured=st.booleans())
    def publish(self, who: int, scope: str, named: frozenset[int], pictured: bool) -> None:
        mark = f"mark-{next(_marks)}-"
        content: dict[str, Any] = {"text": mark}
        uri = ""
        if pictured:
            uri = self.run(upload(self.people[who], f'"{mark}"'.encode()))
            content["media"] = [{"url": uri, "mimetype": "image/png"}]
        made = self.good(who, "POST", MOMENTS, {"content": content, "audience": self.audience(scope, named)})
        moment = Moment(who, mark, made["moment_id"], self.model.now_ms, scope, named)
        self.model.moments.append(moment)
        if uri:
            self.media.append((uri.rpartition("/")[2], moment))

    def moment(self, number: int, *, gone: bool = False) -> Moment | None:
        found = [moment for moment in self.model.moments if moment.gone is gone]
        return found[-1 - number % len(found)] if found else None

    @rule(number=numbers, scope=scopes, named=groups)
    def show_to(self, number: int, scope: str, named: frozenset[int]) -> None:
        moment = self.moment(number)
        if moment is not None:
            body = self.audience(scope, named)
            self.good(moment.author, "PUT", f"{MOMENT}/audience", body, momentId=moment.moment_id)
            moment.scope, moment.named = scope, named

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        moment = self.moment(number)
        if moment is not None:
            self.good(moment.author, "DELETE", MOMENT, momentId=moment.moment_id)
            moment.gone = True

    @rule(one=people, other=people)
    def befriend_or_part(self, one: int, other: int) -> None:
        pair = frozenset((one, other))
        if one == other:
            return
        if pair in self.model.friends:
            self.good(one, "DELETE", "/_teahouse/v1/contacts/{userId}", userId=self.people[other].user_id)
            self.model.friends.discard(pair)
        else:
            self.run(befriend(self.world, self.people[one], self.people[other]))
            self.model.friends.add(pair)

    @rule(one=people, other=people, name=st.sampled_from(["hidden", "unwanted"]), put=st.booleans())
    def list_(self, one: int, other: int, name: str, put: bool) -> None:
        if one == other:
            return
        self.good(one, "PUT" if put else "DELETE", LIST, list=name, userId=self.people[other].user_id)
        listed = self.model.hidden if name == "hidden" else self.model.unwanted
        (listed.add if put else listed.discard)((one, other))

    @rule(who=people, days=st.sampled_from([0, 3, 90]))
    def look_back(self, who: int, days: int) -> None:
        self.good(who, "PUT", f"{MOMENTS}/settings", {"days": days})
        self.model.days[who] = days

    @rule(days=st.sampled_from([1, 1, 2, 40]))
    def days_pass(self, days: int) -> None:
        self.world.clock.pass_ms(days * DAY_MS)
        self.model.now_ms = self.world.clock.now_ms()

    @rule(who=people, number=numbers)
    def like(self, who: int, number: int) -> None:
        moment = self.moment(number)
        if moment is not None:
            answer = self.run(self.people[who].ask("PUT", f"{MOMENT}/like", {}, momentId=moment.moment_id))
            assert (answer.status == 200) is self.model.sees(who, moment)
            if answer.status == 200:
                moment.likes.add(who)

    @rule(who=people, number=numbers, answering=st.integers(0, 3))
    def comment(self, who: int, number: int, answering: int) -> None:
        moment = self.moment(number)
        if moment is None:
            return
        seen = [said for said in self.model.comments(who, moment) if said.parent is None]
        parent = seen[answering] if answering < len(seen) else None
        mark = f"mark-{next(_marks)}-"
        body = {"body": mark, "answers_to": moment.comment_ids[parent.mark] if parent else ""}
        answer = self.run(self.people[who].ask("POST", f"{MOMENT}/comments", body, momentId=moment.moment_id))
        assert (answer.status == 200) is self.model.sees(who, moment)
        if answer.status == 200:
            moment.comments.append(Said(who, mark, parent))
            moment.comment_ids[mark] = answer.json["comment_id"]

    @rule(who=people)
    def look(self, who: int) -> None:
        self.tokens[who] = [*self.tokens[who], self.run(self.people[who].sync())["next_batch"]][-2:]

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        if chance == 0:
            self.run(self.world.restart())

    def teardown(self) -> None:
        if hasattr(self, "people"):
            self.run(self.compare())

    async def compare(self) -> None:
        rooms = [room for person in self.people if (room := await room_of(person))]
        rows = await self.world.database.fetch(
            "SELECT e.pos, e.room_no FROM events e JOIN moment_authors a ON a.room_no = e.room_no ORDER BY e.pos DESC "
            "LIMIT 40"
        )
        ids = [self.world.app.identifiers.event_id(pos, room_no) for pos, room_no in rows]
        for who, person in enumerate(self.people):
            await self.given_all(who)
            media = [media_id for media_id, _ in self.media]
            looking = Looking(
                person, rooms, ids[:12], [each.user_id for each in self.people], media[-4:], self.tokens[who]
            )
            allowed = self.model.marks(who)
            for route in doors(self.world.app.http.router.routes):
                async for shown in through(looking, route):
                    leaked = set(MARK.findall(shown)) - allowed
                    assert not leaked, f"{NAMES[who]} {route.method} {route.template}: {leaked}"

    async def given_all(self, who: int) -> None:
        """Everything that somebody may see they get, once, in order, with what they may see of what was done."""
        person, model = self.people[who], self.model
        wanted = [m for m in model.visible(who) if (who, m.author) not in model.unwanted]
        page = await person.good("GET", MOMENTS, None, {"limit": 50})
        assert [shown["content"]["text"] for shown in page["moments"]] == [m.mark for m in reversed(wanted)]
        for shown, moment in zip(page["moments"], reversed(wanted), strict=True):
            likers = {self.people[number].user_id for number in model.likers(who, moment)}
            assert (set(shown.get("likers", [])), shown.get("likes", 0)) == (likers, len(likers))
            comments = await person.good("GET", f"{MOMENT}/comments", momentId=moment.moment_id)
            said = [each.mark for each in model.comments(who, moment)]
            assert [comment["body"] for comment in comments["comments"]] == said
            assert shown.get("comments", 0) == len(said)
        answer = await person.sync(None, filter=WIDE)
        for number, author in enumerate(self.people):
            room = await room_of(author)
            if not room or (who, number) in model.unwanted:
                continue
            bodies = [mark for text in texts(answer, room) for mark in MARK.findall(text)[:1]]
            assert bodies == [] if not model.are_friends(who, number) and who != number else True
            expected = [moment.mark for moment in model.visible(who, number)]
            assert sorted(bodies) == sorted(expected)  # one who was let in later sees it later


def test_every_door_shows_each_reader_what_is_for_them_and_nothing_else(place: Place, tmp_path: Path) -> None:
    live(Lives, place, tmp_path, examples=6, steps=30, seeded=True, shortened=False)


@pytest.mark.long
def test_every_door_shows_what_is_for_each_reader_in_many_long_lives(place: Place, tmp_path: Path) -> None:
    live(Lives, place, tmp_path, examples=lives(150), steps=60, seeded=False, shortened=False)
