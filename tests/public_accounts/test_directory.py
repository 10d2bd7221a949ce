"""The directory finds accounts by words, the most followed first, at a cost that does not grow with them."""

from __future__ import annotations

from typing import Any

import pytest

from teahouse.public_accounts import finding
from tests.public_accounts.crowd import crowd
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, newsroom, opened
from tests.world import Person, World


async def found(person: Person, search: str = "", **query: Any) -> list[str]:
    """The handles that a search finds."""
    listed = await person.good("GET", ACCOUNTS, None, {"search": search, **query})
    return [account["handle"] for account in listed["accounts"]]


async def test_accounts_are_found_by_their_words_however_they_are_spelled(tea: World) -> None:
    account, reader = await newsroom(tea)
    about = {"description": "Nachrichten aus Zürich, täglich."}
    await opened(account.owner, "zuri-blatt", name="Zuri-Blatt", about=about)
    await opened(account.owner, "chaguan", name="老街茶馆", about={"description": "欢迎来喝茶"})
    for search, handles in {
        "daily leaf": ["daily"],
        "LEAF": ["daily"],
        "da": ["daily"],
        "@dail": ["daily"],
        "zurich": ["zuri-blatt"],
        "TÄGLICH zürich": ["zuri-blatt"],
        "zuri-bl": ["zuri-blatt"],
        "zuribl": ["zuri-blatt"],
        "茶馆": ["chaguan"],
        "茶": ["chaguan"],
        "馆茶": [],
        "leaf zurich": [],
        "leave": [],
        "!!": [],
    }.items():
        assert await found(reader, search) == handles, search
    assert await found(reader, "%") == []
    assert len(await found(reader)) == 3


async def test_a_changed_profile_is_found_by_its_new_words_alone(tea: World) -> None:
    account, reader = await newsroom(tea)
    body = {"name": "The Weekly Root", "about": {"description": "Slow news"}}
    await account.owner.good("PUT", ACCOUNT, body, handle="daily")
    assert (await found(reader, "leaf"), await found(reader, "root slow")) == ([], ["daily"])
    assert await found(reader, "daily") == ["daily"]
    rows = await tea.database.fetch("SELECT count(*) FROM account_terms WHERE term = 'leaf'")
    assert rows[0][0] == 0


@pytest.mark.parametrize("search", ["", "crowd", "rare"])
async def test_pages_follow_each_other_without_gap_or_repeat(
    tea: World, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    monkeypatch.setattr(finding, "FEW_MAX", 50)
    _, reader = await newsroom(tea)
    await crowd(tea, 1, 1_000)
    whole = [f"crowd{number}" for number in range(1_000, 0, -1) if search != "rare" or number % 100 == 0]
    seen: list[str] = []
    place = (1 << 62, 1 << 62)
    while len(page := await tea.app.public_accounts.directory(search, "media", place, 70)) == 70:
        if not seen:
            await opened(reader, "latecomer", name="A crowd that is rare")
        seen += [each.handle for each in page]
        place = (page[-1].followers, page[-1].account_no)
    seen += [each.handle for each in page]
    assert [handle for handle in seen if handle.startswith("crowd")] == whole


@pytest.mark.parametrize("query", [{"search": "rare"}, {"search": "rare crowd"}, {"search": "crowd"}, {"search": ""},
                                   {"search": "", "kind": "media"}, {"search": "crowd777"}])  # fmt: skip
async def test_a_search_costs_the_same_among_a_hundred_thousand_accounts(
    tea: World, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(finding, "FOLLOWED_MAX", 1_500)
    account, _ = await newsroom(tea)
    directory = tea.app.public_accounts.directory
    place, costs = (1 << 62, 1 << 62), []
    for first, last in ((1, 2_000), (2_001, 100_000)):
        await crowd(tea, first, last)
        await tea.counted.settle()
        cost, listed = await tea.counted.taken(lambda: directory(query["search"], query.get("kind", ""), place, 20))
        costs.append(cost)
        assert listed
    assert costs[0].like(costs[1]), costs
    assert account.handle == "daily"


async def test_a_handle_is_looked_up_at_the_same_cost_among_a_hundred_thousand_accounts(tea: World) -> None:
    _, reader = await newsroom(tea)
    costs = []
    for first, last in ((1, 1_000), (1_001, 100_000)):
        await crowd(tea, first, last)
        await tea.restart()  # nothing is in memory
        await tea.counted.settle()
        await reader.good("GET", ACCOUNT, handle="daily")
        paths = {"known": "crowd77", "unknown": f"nobody{last}"}
        costs.append([
            (await tea.counted.taken(lambda handle=handle: reader.ask("GET", ACCOUNT, handle=handle)))[0]  # type: ignore[misc]
            for handle in paths.values()
        ])  # fmt: skip
    assert all(one.like(other) for one, other in zip(*costs, strict=True)), costs


async def test_no_search_reads_a_table_from_end_to_end(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if tea.place.file is None:
        pytest.skip("the plan is SQLite's; PostgreSQL decides by its statistics")
    await newsroom(tea)
    await crowd(tea, 1, 2_000)
    asked: list[tuple[str, tuple[Any, ...]]] = []

    class Listening:
        async def fetch(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
            asked.append((sql, params))
            return await tea.database.fetch(sql, *params)

        async def fetch_one(self, sql: str, *params: Any) -> tuple[Any, ...] | None:
            asked.append((sql, params))
            return await tea.database.fetch_one(sql, *params)

    place = (1 << 62, 1 << 62)
    for search, kind in (("", ""), ("", "media"), ("rare crowd", ""), ("crowd", ""), ("crowd", "media")):
        await finding.search(Listening(), "a.account_no", search, kind, place, 20)
    for sql, params in asked:
        plan = [row[3] for row in await tea.database.fetch(f"EXPLAIN QUERY PLAN {sql}", *params)]
        scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step and len(step.split()[1]) > 1]
        assert not scans, (sql, plan)
        assert all("USE TEMP B-TREE" not in step for step in plan) or "account_terms" in sql, (sql, plan)
