"""Random lives of four bloggers: every page of every feed is what a plain list says, whatever happens between pages."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from teahouse.posts.types import Ref
from tests.databases import Place
from tests.feed.stage import FEED, MY, V1, blogger, carry_on, places
from tests.longer import lives
from tests.machines import WorldMachine, live
from tests.public_accounts.newsroom import FOLLOW, POST, Account
from tests.world import Person

IGNORED = "/user/{userId}/account_data/m.ignored_user_list"
PEOPLE = 4
people = st.integers(0, PEOPLE - 1)
numbers = st.integers(0, 30)
LIMITS = st.sampled_from([3, 4, 7, 20])
_examples = itertools.count(1)
Key = tuple[str, int]


@dataclass(eq=False)
class Written:
    """A post as the plain list has it."""

    key: Key
    by: int
    of: Written | None = None
    words: bool = True
    fate: str = "stands"


@dataclass
class Life:
    """What one blogger wants."""

    follows: set[int] = field(default_factory=set)
    muted: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    ignored: set[int] = field(default_factory=set)
    no_reposts: set[int] = field(default_factory=set)

    @property
    def unseen(self) -> set[int]:
        return self.muted | self.blocked | self.ignored


@dataclass
class Walk:
    """Pages that somebody turns. `through` stood in their feed all the time since the walk began."""

    through: list[Written]
    token: str | None = None
    below: int | None = None
    read: list[Written] = field(default_factory=list)


class Lives(WorldMachine):
    """Four people publish, carry on, delete, follow, mute, block and ignore, and turn pages in between."""

    @initialize()
    def begin(self) -> None:
        example = next(_examples)
        self.accounts: list[Account] = [self.run(blogger(self.world, f"p{example}x{who}")) for who in range(PEOPLE)]
        self.lives = [Life() for _ in range(PEOPLE)]
        self.written: list[Written] = []
        self.walks: dict[int, Walk] = {}
        self.newer: dict[int, tuple[str, int]] = {}

    def person(self, who: int) -> Person:
        return self.accounts[who].owner

    def handle(self, who: int) -> str:
        return self.accounts[who].handle

    def ask(self, who: int, method: str, template: str, body: Any = None, **path: str) -> int:
        answer = self.run(self.person(who).ask(method, template, body, None, **path))
        assert answer.status < 500, (template, answer)
        return answer.status

    @rule(who=people)
    def publish(self, who: int) -> None:
        post = self.run(self.accounts[who].publish())
        self.written.append(Written((post["account"], post["number"]), who))

    @rule(who=people, number=numbers, words=st.booleans())
    def repost(self, who: int, number: int, words: bool) -> None:
        if not self.written:
            return
        named = self.written[number % len(self.written)]
        answer = self.run(carry_on(self.accounts[who], *named.key, text="Look!" if words else ""))
        of = named if named.of is None or named.words else named.of
        if who in self.lives[of.by].blocked or "stands" not in (named.fate, of.fate):
            assert answer.status in (403, 404, 409)
        if answer.status == 200:
            assert named.fate == of.fate == "stands"
            assert answer.json["content"]["repost"] == {"account": of.key[0], "number": of.key[1]}
            self.written.append(Written((answer.json["account"], answer.json["number"]), who, of, words))

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        if self.written:
            post = self.written[number % len(self.written)]
            status = self.ask(post.by, "DELETE", POST, handle=post.key[0], number=str(post.key[1]))
            assert (status == 200) == (post.fate == "stands")
            post.fate = "deleted" if status == 200 else post.fate

    @rule(number=numbers)
    def decide(self, number: int) -> None:
        if self.written:
            post = self.written[number % len(self.written)]
            if post.fate != "deleted":
                self.run(self.settle(post, removed=post.fate == "stands"))
                post.fate = "removed" if post.fate == "stands" else "stands"

    async def settle(self, post: Written, *, removed: bool) -> None:
        ref = Ref(self.person(post.by).user_no, post.key[1])
        if removed:
            await self.world.app.removals.remove(ref)
        else:
            await self.world.app.removals.restore(ref)

    @rule(who=people, other=people, on=st.booleans())
    def follow(self, who: int, other: int, on: bool) -> None:
        if who == other:
            return
        status = self.ask(who, "PUT" if on else "DELETE", FOLLOW, {} if on else None, handle=self.handle(other))
        assert status == (
            403 if on and who in self.lives[other].blocked and other not in self.lives[who].follows else 200
        )
        if status == 200:
            (self.lives[who].follows.add if on else self.lives[who].follows.discard)(other)

    @rule(who=people, other=people, on=st.booleans(), kind=st.sampled_from(["mutes", "blocks", "no_reposts"]))
    def shun(self, who: int, other: int, on: bool, kind: str) -> None:
        if who == other:
            return
        template = f"{MY}/{kind}/{{handle}}"
        assert self.ask(who, "PUT" if on else "DELETE", template, handle=self.handle(other)) == 200
        life = self.lives[who]
        shunned = {"mutes": life.muted, "blocks": life.blocked, "no_reposts": life.no_reposts}[kind]
        (shunned.add if on else shunned.discard)(other)
        if kind == "blocks" and on:
            life.follows.discard(other)
            self.lives[other].follows.discard(who)

    @rule(who=people, others=st.sets(people, max_size=2))
    def ignore(self, who: int, others: set[int]) -> None:
        self.lives[who].ignored = others - {who}
        ignored = {self.person(other).user_id: {} for other in self.lives[who].ignored}
        path = {"userId": self.person(who).user_id}
        assert self.ask(who, "PUT", IGNORED, {"ignored_users": ignored}, **path) == 200

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        if chance == 0:
            self.run(self.world.restart())

    def feed(self, who: int, *, public: bool = False) -> list[Written]:
        """The whole feed, newest first, as the plain list has it."""
        life = self.lives[who]
        return [post for post in reversed(self.written) if self.shown(life, who, post, public=public)]

    def shown(self, life: Life, who: int, post: Written, *, public: bool) -> bool:
        if post.fate != "stands":
            return False
        if post.by == who and not public:
            return True
        if not public and (post.by not in life.follows or (post.of is not None and post.by in life.no_reposts)):
            return False
        if post.by in life.unseen or (post.of is not None and post.of.by in life.unseen):
            return False
        return post.of is None or post.words or post.of.fate == "stands"

    @rule(who=people, limit=LIMITS, anew=st.booleans())
    def turn_a_page(self, who: int, limit: int, anew: bool) -> None:
        if anew or who not in self.walks:
            self.walks[who] = Walk(self.feed(who))
        walk = self.walks[who]
        whole = self.feed(who)
        walk.through = [post for post in walk.through if post in whole]
        left = [post for post in whole if walk.below is None or self.written.index(post) < walk.below]
        page = self.run(self.person(who).good("GET", FEED, None, {"limit": limit, "from": walk.token}))
        assert places(page) == [post.key for post in left[:limit]]
        walk.read += left[:limit]
        walk.token = page.get("next_batch")
        if walk.token is None:
            assert len(left) <= limit
            assert set(walk.through) <= set(walk.read)
            assert len(set(walk.read)) == len(walk.read)
            del self.walks[who]
        else:
            walk.below = self.written.index(left[:limit][-1])

    @rule(who=people)
    def ask_what_is_newer(self, who: int) -> None:
        if who in self.newer:
            since, length = self.newer[who]
            expected = sum(post.by != who and self.written.index(post) >= length for post in self.feed(who))
            answer = self.run(self.person(who).good("GET", f"{FEED}/newer", None, {"since": since}))
            assert answer == {"count": expected, "more": False}
        page = self.run(self.person(who).good("GET", FEED, None, {"limit": 1}))
        self.newer[who] = (page["newer_since"], len(self.written))

    @rule(who=people)
    def read_the_public_feed(self, who: int) -> None:
        own = {account.handle for account in self.accounts}
        page = self.run(self.person(who).good("GET", f"{V1}/public", None, {"limit": 100}))
        expected = [post.key for post in self.feed(who, public=True)]
        assert [key for key in places(page) if key[0] in own] == expected[:100]

    def teardown(self) -> None:
        for who in range(PEOPLE if hasattr(self, "lives") else 0):
            assert places(self.run(self.person(who).good("GET", FEED, None, {"limit": 100}))) == [
                post.key for post in self.feed(who)
            ]


@pytest.fixture(autouse=True, params=[False, True], ids=["by-account", "among-all"])
def little_fits_into_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest two posts of an account alone: pages go on in the database, or first look at what all published."""
    if request.param:
        monkeypatch.setattr("teahouse.feed.heads.UNKNOWN_MANY", 1)
        monkeypatch.setattr("teahouse.feed.store.LOOKED_AT_MAX", 8)
    monkeypatch.setattr("teahouse.feed.heads.KEPT_MAX", 2)
    monkeypatch.setattr("teahouse.feed.heads.LOADED_AT_ONCE", 2)
    monkeypatch.setattr("teahouse.feed.heads.DEEPENED_AT_ONCE", 1)
    monkeypatch.setattr("teahouse.feed.heads.ACCOUNTS_CACHED_MAX", 6)


def test_every_page_of_every_feed_is_what_a_plain_list_says(place: Place, tmp_path: Path) -> None:
    live(Lives, place, tmp_path, examples=10, steps=40, seeded=True)


@pytest.mark.long
def test_every_page_is_right_in_many_long_lives(place: Place, tmp_path: Path) -> None:
    live(Lives, place, tmp_path, examples=lives(200), steps=100, seeded=False)
