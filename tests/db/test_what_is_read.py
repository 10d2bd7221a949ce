"""Tests of cost notice rows that a query passes over, on each engine, though none of them comes back."""

from __future__ import annotations

from typing import Any

from tests.counting import Cost, Counted
from tests.databases import Engine

ROWS = 2_000


async def cost(counted: Counted, sql: str, *params: Any) -> Cost:
    """What one statement takes."""
    return (await counted.taken(lambda: counted.fetch(sql, *params)))[0]


async def test_what_is_passed_over_is_counted_and_what_a_key_finds_costs_little(database: Engine) -> None:
    counted = Counted(database)
    async with database.transaction() as tx:
        rows = [(f"#room{number}:tea.test", number, number % 7) for number in range(ROWS)]
        await tx.execute_many("INSERT INTO aliases (alias, room_no, creator_no) VALUES (?, ?, ?)", rows)
    await counted.settle()
    by_key = await cost(counted, "SELECT alias FROM aliases WHERE room_no = ?", 77)
    passed = await cost(counted, "SELECT alias FROM aliases WHERE creator_no = ?", 9)
    counting = await cost(counted, "SELECT count(*) FROM aliases WHERE room_no > ?", 0)
    bounded = await cost(counted, "SELECT alias FROM aliases WHERE room_no > ? ORDER BY room_no LIMIT 5", 0)
    assert (by_key.rows, passed.rows, counting.rows, bounded.rows) == (1, 0, 1, 5)
    assert max(by_key.read, bounded.read) < 100 < ROWS <= min(passed.read, counting.read)
    assert not by_key.like(passed)
    assert by_key.like(by_key)
