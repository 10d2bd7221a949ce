"""Counts of likes, votes, comments and reposts equal a recount, whatever people do, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from teahouse.db import Transaction
from teahouse.errors import StorageFull, TeahouseError
from teahouse.posts.types import Fate, Poll, PostContent, Publisher, Ref, Repost
from teahouse.rooms.types import Reader
from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import opened
from tests.world import Person, World

T = TypeVar("T")
people = st.integers(0, 2)
accounts = st.integers(0, 1)
posts = st.integers(0, 5)
comments = st.integers(0, 7)
RECOUNTS = {
    "likes": "SELECT count(*) FROM interactions i WHERE i.account_no = p.account_no AND i.number = p.number "
             "AND i.kind = 'like' AND i.until = 0",
    "comments": "SELECT count(*) FROM comments c WHERE c.account_no = p.account_no AND c.number = p.number "
                "AND c.fate = 0",
    "reposts": "SELECT count(*) FROM posts r WHERE r.of_account = p.account_no AND r.of_number = p.number "
               "AND r.fate = 0",
}  # fmt: skip


class Counting(RuleBasedStateMachine):
    """Three people and two accounts; everything may be tried twice, fail, or meet a restart."""

    def __init__(self, runner: asyncio.Runner, world: World, cast: tuple[list[Person], list[str]]) -> None:
        super().__init__()
        self.runner = runner
        self.world = world
        self.people, self.handles = cast
        self.refs: list[Ref] = []
        self.publish(0)

    def run(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """Do something; what is refused changes nothing, and that is for the recount to tell."""

        async def bounded() -> T | None:
            with suppress(TeahouseError):
                return await doing
            return None

        return self.runner.run(bounded())

    def publisher(self, which: int) -> Publisher:
        found = self.runner.run(self.world.app.public_accounts.publisher_named(self.handles[which]))
        assert found is not None
        return found

    def reader(self, which: int) -> Reader:
        person = self.people[which]
        return Reader(person.user_no, person.user_id, "D")

    def ref(self, which: int) -> Ref:
        return self.refs[which % len(self.refs)]

    def comment(self, which: int) -> int:
        rows = self.runner.run(
            self.world.database.fetch("SELECT comment_no FROM comments ORDER BY comment_no DESC LIMIT 8")
        )
        return int(rows[which % len(rows)][0]) if rows else 0

    @rule(account=accounts)
    def publish(self, account: int) -> None:
        content = PostContent("A poll.", poll=Poll("Which?", ["green", "black", "white"], 2))
        publisher = self.publisher(account)
        post = self.run(self.world.app.posts.publish(publisher, publisher.account_no, content))
        if post is not None:
            self.refs.append(post.ref)

    @rule(account=accounts, post=posts)
    def repost(self, account: int, post: int) -> None:
        publisher, ref = self.publisher(account), self.ref(post)
        of = self.runner.run(self.world.app.public_accounts.publisher(ref.account_no))
        assert of is not None
        content = PostContent(repost=Repost(of.handle, ref.number))
        made = self.run(self.world.app.posts.publish(publisher, publisher.account_no, content))
        if made is not None:
            self.refs.append(made.ref)

    @rule(who=people, post=posts, twice=st.booleans())
    def like(self, who: int, post: int, twice: bool) -> None:
        for _ in range(1 + twice):
            self.run(self.world.app.interactions.like(self.reader(who), self.ref(post), "🍵"))

    @rule(who=people, post=posts)
    def unlike(self, who: int, post: int) -> None:
        self.run(self.world.app.interactions.unlike(self.reader(who), self.ref(post)))

    @rule(who=people, post=posts, answers=st.lists(st.integers(0, 3), max_size=3))
    def vote(self, who: int, post: int, answers: list[int]) -> None:
        self.run(self.world.app.interactions.vote(self.reader(who), self.ref(post), answers))

    @rule(who=people, post=posts)
    def unvote(self, who: int, post: int) -> None:
        self.run(self.world.app.interactions.unvote(self.reader(who), self.ref(post)))

    @rule(who=people, post=posts, answered=comments, deep=st.booleans())
    def say(self, who: int, post: int, answered: int, deep: bool) -> None:
        ref, parent = self.ref(post), self.comment(answered) if deep else 0
        if parent:
            rows = self.runner.run(
                self.world.database.fetch("SELECT account_no, number FROM comments WHERE comment_no = ?", parent)
            )
            ref = Ref(*rows[0])
        self.run(self.world.app.comments.write(self.reader(who), ref, "Tea.", parent))

    @rule(who=people, which=comments)
    def unsay(self, who: int, which: int) -> None:
        self.run(self.world.app.comments.delete(self.reader(who), self.comment(which)))

    @rule(which=comments, hidden=st.booleans())
    def hide(self, which: int, hidden: bool) -> None:
        comments = self.world.app.comments
        self.run(comments.hide(self.comment(which), 1) if hidden else comments.show(self.comment(which)))

    @rule(which=comments)
    def remove_comment_and_restore_it(self, which: int) -> None:
        async def there_and_back() -> None:
            comment_no = self.comment_no
            async with self.world.database.transaction() as tx:
                fate = await self.world.app.comments.remove(tx, comment_no)
            async with self.world.database.transaction() as tx:
                await self.world.app.comments.restore(tx, comment_no, fate)

        self.comment_no = self.comment(which)
        self.run(there_and_back())

    @rule(post=posts)
    def delete(self, post: int) -> None:
        ref = self.ref(post)
        publisher = self.runner.run(self.world.app.public_accounts.publisher(ref.account_no))
        assert publisher is not None
        self.run(self.world.app.posts.delete(publisher, ref))

    @rule(post=posts, restored=st.booleans())
    def remove_or_restore(self, post: int, restored: bool) -> None:
        async def decided() -> None:
            if restored:
                await self.world.app.removals.restore(self.ref(post))
            else:
                await self.world.app.removals.remove(self.ref(post))

        self.run(decided())

    @rule(who=people, post=posts, deed=st.integers(0, 2))
    def fail(self, who: int, post: int, deed: int) -> None:
        """The disk is full at the end of what somebody does."""
        transaction = self.world.app.database.transaction

        @asynccontextmanager
        async def full() -> AsyncIterator[Transaction]:
            async with transaction() as tx:
                yield tx
                raise StorageFull("full")

        app, reader, ref = self.world.app, self.reader(who), self.ref(post)
        app.database.transaction = full  # type: ignore[method-assign]
        try:
            doing = (app.interactions.like(reader, ref), app.interactions.vote(reader, ref, [0]),
                     app.comments.write(reader, ref, "Lost."))  # fmt: skip
            self.run(doing[deed])
            for left, each in enumerate(doing):
                if left != deed:
                    each.close()
        finally:
            app.database.transaction = transaction  # type: ignore[method-assign]

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        if chance == 0:
            self.runner.run(self.world.restart())

    @invariant()
    def counts_equal_a_recount(self) -> None:
        self.runner.run(self.recounted())

    async def recounted(self) -> None:
        database = self.world.database
        for column, recount in RECOUNTS.items():
            rows = await database.fetch(f"SELECT p.account_no, p.number, p.{column}, ({recount}) FROM posts p")
            assert [row for row in map(tuple, rows) if row[2] != row[3]] == [], column
        answers = await database.fetch(
            "SELECT c.comment_no, c.answers, (SELECT count(*) FROM comments a WHERE a.parent_no = c.comment_no "
            "AND a.fate = 0) FROM comments c"
        )
        assert [row for row in map(tuple, answers) if row[1] != row[2]] == []
        votes = await database.fetch(
            "SELECT account_no, number, value FROM interactions WHERE kind = 'vote' AND until = 0"
        )
        recounted: dict[tuple[int, int, int], int] = {}
        for account_no, number, value in votes:
            for answer in value.split(","):
                key = (account_no, number, int(answer))
                recounted[key] = recounted.get(key, 0) + 1
        kept = await database.fetch("SELECT account_no, number, answer, votes FROM poll_votes WHERE votes <> 0")
        assert {tuple(row[:3]): row[3] for row in kept} == recounted
        deleted = await database.fetch(
            "SELECT p.number FROM posts p WHERE p.fate = ? AND (EXISTS (SELECT 1 FROM interactions i WHERE "
            "i.account_no = p.account_no AND i.number = p.number) OR EXISTS (SELECT 1 FROM comments c WHERE "
            "c.account_no = p.account_no AND c.number = p.number)) LIMIT 1",
            int(Fate.DELETED),
        )  # fmt: skip
        assert deleted == []


def test_counts_equal_a_recount_whatever_people_do_and_whatever_fails(place: Place, tmp_path: Path) -> None:
    settings = hypothesis.settings(
        max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    with asyncio.Runner() as runner:
        world = World(place, ManualClock(), tmp_path)
        runner.run(world.start())
        persons = [runner.run(world.person(name)) for name in ("ann", "bob", "cay")]
        handles = ["one", "two"]
        for person, handle in zip(persons, handles, strict=False):
            runner.run(opened(person, handle))
        run_machine(lambda: Counting(runner, world, (persons, handles)), settings=settings)  # type: ignore[arg-type]
        runner.run(world.stop())
