"""Numbers of posts: dense for each account, whoever publishes at once, whatever fails; and for ever the same."""

import asyncio
import itertools
from pathlib import Path

import hypothesis
from hypothesis import strategies as st

from teahouse.errors import StorageFull, TeahouseError
from teahouse.eventlog.types import Txn
from teahouse.posts.service import Posts
from teahouse.posts.types import PostContent, Publisher
from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import POST, POSTS, newsroom, opened
from tests.world import World, world

_names = itertools.count(1)
attempts = st.lists(
    st.tuples(
        st.integers(0, 1),  # account
        st.integers(0, 3),  # transaction id; the same one twice is a retry
        st.sampled_from(["well", "full", "gone", "unknown"]),
    ),
    min_size=1, max_size=24,
)  # fmt: skip


async def attempt(posts: Posts, publisher: Publisher, key: str, outcome: str) -> tuple[str, int] | None:
    """Publish with one outcome; the account and number, None when it was refused."""
    txn = Txn(publisher.account_no, "D", "publish", key)

    async def also(*_: object) -> None:
        if outcome == "full":
            raise StorageFull("full")

    publishing = asyncio.create_task(posts.publish(publisher, publisher.account_no, PostContent(key), txn, also))
    if outcome == "gone":  # the client goes away at some moment
        await asyncio.sleep(0)
        publishing.cancel()
    try:
        return publisher.handle, (await publishing).number
    except (TeahouseError, asyncio.CancelledError):
        return None


async def check(tea: World, answered: dict[tuple[str, str], set[int]]) -> None:
    """What was acknowledged stands under its number, once, and numbers have no gaps."""
    # In one body: a post whose client went away may be written meanwhile.
    async with tea.database.transaction() as tx:
        for handle in ("one", "two"):
            account = await tea.app.public_accounts.require(handle)
            rows = await tx.fetch(
                "SELECT number, pos FROM posts WHERE account_no = ? ORDER BY number", account.account_no
            )
            assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
            assert [row[1] for row in rows] == sorted(row[1] for row in rows)  # in the order of the channel
            newest = await tx.fetch_one(
                "SELECT posts FROM public_accounts WHERE account_no = ?", account.account_no
            )
            assert newest is not None
            assert newest[0] == len(rows)
            events = await tx.fetch("SELECT pos, event FROM events WHERE room_no = ?", account.room_no)
            messages = [pos for pos, event in events if b'"m.text"' in bytes(event)]
            assert sorted(messages) == [row[1] for row in rows]  # no event without its row
    for (handle, key), numbers in answered.items():
        assert len(numbers) == 1, f"{handle} {key} was published more than once"


def test_numbers_are_dense_whoever_publishes_at_once_and_whatever_fails(place: Place, tmp_path: Path) -> None:
    settings = hypothesis.settings(max_examples=12, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))

    with asyncio.Runner() as runner:
        tea = World(place, ManualClock(), tmp_path)
        runner.run(tea.start())
        for handle in ("one", "two"):
            runner.run(opened(runner.run(tea.person(f"owner-{handle}")), handle))

        @settings
        @hypothesis.given(attempts=attempts, restart=st.booleans())
        def try_all(attempts: list[tuple[int, int, str]], restart: bool) -> None:
            name = next(_names)

            async def run() -> None:
                accounts = [await tea.app.public_accounts.publisher_named(handle) for handle in ("one", "two")]
                publishers = [each for each in accounts if each is not None]
                answered: dict[tuple[str, str], set[int]] = {}
                for _ in range(2):  # everything is tried again, as clients do
                    keys = [(publishers[which], f"{name}-{key}", outcome) for which, key, outcome in attempts]
                    found = await asyncio.gather(*(attempt(tea.app.posts, *each) for each in keys))
                    for (publisher, key, _), number in zip(keys, found, strict=True):
                        if number is not None:
                            answered.setdefault((publisher.handle, key), set()).add(number[1])
                    if restart:
                        await tea.restart()
                await check(tea, answered)

            runner.run(run())

        try_all()
        runner.run(tea.stop())


async def test_fifty_at_once_all_get_a_number_and_are_published_once(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path) as tea:
        account, _ = await newsroom(tea)
        bodies = [{"content": {"text": str(number)}, "txn_id": f"t{number % 40}"} for number in range(50)]
        made = await asyncio.gather(*(account.owner.good("POST", POSTS, body, handle="daily") for body in bodies))
        assert sorted({post["number"] for post in made}) == list(range(1, 41))


async def test_a_number_resolves_for_ever(tea: World) -> None:
    account, reader = await newsroom(tea)
    for text in ("stands", "deleted", "removed"):
        await account.publish(text)
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    removed = (await tea.app.posts.find_numbered((await tea.app.public_accounts.require("daily")).account_no, 3)).ref
    await tea.app.removals.remove(removed)
    for _ in range(2):
        found = [await reader.good("GET", POST, handle="daily", number=str(number)) for number in (1, 2, 3)]
        assert [post["state"] for post in found] == ["standing", "deleted", "removed"]
        assert [post["number"] for post in found] == [1, 2, 3]
        await account.publish("More.")
        await tea.restart()
