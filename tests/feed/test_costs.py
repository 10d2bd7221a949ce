"""What reading costs does not grow with what was written: the same statements and rows at sizes far apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from teahouse.analytics import readings
from teahouse.feed import search
from tests.counting import Cost
from tests.feed.stage import FEED, V1, blogger, follow
from tests.public_accounts.newsroom import Account
from tests.world import World

FOLLOWED = 12


@pytest.fixture(autouse=True)
def readings_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who read what is written a second later, which may fall into the measuring of something else."""
    monkeypatch.setattr(readings, "WRITTEN_EVERY_S", 3_600.0)


async def cost(tea: World, ask: Callable[[], Awaitable[Any]]) -> Cost:
    """What one more asking costs, everything that is kept in memory being there."""
    await ask()
    return (await tea.counted.taken(ask))[0]


async def written(tea: World, accounts: list[Account], each: int) -> None:
    """Rows of posts that look like published ones, `each` of every account, put in directly and shuffled together."""
    async with tea.database.transaction() as tx:
        for _ in range(each):
            for account in accounts:
                row = await tx.fetch_one("SELECT max(number) FROM posts WHERE account_no = ?", account.owner.user_no)
                assert row is not None
                number, pos = row[0] + 1, tx.positions()
                for table, columns in (
                    ("posts", "author_no, kind, language, created_ms, version, fate, fate_ms, of_account, of_number, "
                     "comments_by, likes, reposts, comments, views, topics, correction, corrected_ms, room_no"),
                    ("post_versions", "version, written_ms, correction, content"),
                ):  # fmt: skip
                    places = "account_no, number, pos" if table == "posts" else "account_no, number"
                    mine = "?, ?, ?" if table == "posts" else "?, ?"
                    given = (account.owner.user_no, number, pos)[: mine.count("?")]
                    await tx.execute(
                        f"INSERT INTO {table} ({places}, {columns}) SELECT {mine}, {columns} FROM {table} "
                        "WHERE account_no = ? AND number = 1",
                        *given, account.owner.user_no,
                    )  # fmt: skip
                await tx.execute("INSERT INTO post_terms (term, pos) VALUES ('tea', ?)", pos)
                await tx.execute("INSERT INTO post_tags (tag, pos) VALUES ('tea', ?)", pos)


async def test_reading_costs_the_same_after_many_times_as_many_posts(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "COUNTED_MAX", 50)
    monkeypatch.setattr(search, "SCANNED_AT_ONCE", 50)
    ann = await blogger(tea, "ann")
    accounts = [await blogger(tea, f"b{number}") for number in range(FOLLOWED)]
    for account in accounts:
        await account.publish("tea #tea")
        await follow(ann.owner, account.handle)

    async def page(path: str, **query: object) -> Any:
        return await ann.owner.good("GET", path, None, {"limit": 5, **query})

    costs = []
    await written(tea, accounts, 20)
    for _ in range(2):
        await tea.restart()
        await tea.counted.settle()
        first = (await page(FEED))["next_batch"]
        asked: list[Callable[[], Awaitable[Any]]] = [
            lambda: page(FEED),
            lambda first=first: page(FEED, **{"from": first}),  # type: ignore[misc]
            lambda first=first: ann.owner.good("GET", f"{FEED}/newer", None, {"since": first}),  # type: ignore[misc]
            lambda: page(f"{V1}/public"),
            lambda: page(f"{V1}/tags/tea"),
            lambda: page(f"{V1}/search/posts", q="tea"),
        ]
        costs.append([await cost(tea, ask) for ask in asked])
        await written(tea, accounts, 80)
    small, large = costs
    assert all(one.like(other) for one, other in zip(small, large, strict=True)), (small, large)
    assert all(each.rows < 60 for each in large[:5]), large
    assert large[5].rows < 120, large  # one step of the scan
    assert max(each.statements for each in large) < 14, large


async def test_publishing_writes_nothing_for_followers(tea: World) -> None:
    daily = await blogger(tea, "daily")
    costs = []
    for number in range(4):
        await tea.counted.settle()
        costs.append((await tea.counted.taken(lambda: daily.publish("tea #tea")))[0])
        await follow(await tea.person(f"fan{number}"), "daily")
        await tea.app.loading.synthetic("daily", 10**number)
    assert all(each.like(costs[-1]) for each in costs[1:]), costs
