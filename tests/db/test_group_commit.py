"""Bodies, their order, and the commits they share."""

import asyncio
import itertools

import pytest

from teahouse.db import Database, Transaction, marks, padded
from teahouse.db.writer import GROUP_BODIES_MAX
from tests.databases import Engine, Place


async def put(database: Database, name: str, value: str = "") -> int:
    """Write one setting; the position its body took."""
    async with database.transaction() as tx:
        pos = tx.positions()
        await tx.execute("INSERT INTO settings (name, value) VALUES (?, ?)", name, value)
    return pos


async def names(database: Database) -> list[str]:
    return [row[0] for row in await database.fetch("SELECT name FROM settings ORDER BY name LIMIT 10000")]


async def test_what_is_written_is_there_for_the_next_read_and_after_opening_again(place: Place) -> None:
    database = await place.open()
    await put(database, "a", "tea")
    assert await database.fetch_one("SELECT value FROM settings WHERE name = ?", "a") == ("tea",)
    assert await database.fetch_one("SELECT value FROM settings WHERE name = ?", "b") is None
    await database.close()
    again = await place.open()
    assert await again.fetch("SELECT name, value FROM settings") == [("a", "tea")]
    await again.close()


async def test_bodies_that_wait_together_share_one_commit(database: Engine) -> None:
    before = database.commits
    await asyncio.gather(*(put(database, f"{number:03}") for number in range(100)))
    assert len(await names(database)) == 100
    assert database.commits - before <= 3


async def test_a_group_never_holds_more_bodies_than_its_limit(database: Engine) -> None:
    before = database.commits
    await asyncio.gather(*(put(database, f"{number:04}") for number in range(2 * GROUP_BODIES_MAX + 1)))
    assert len(await names(database)) == 2 * GROUP_BODIES_MAX + 1
    assert 3 <= database.commits - before <= 8


async def test_positions_rise_in_the_order_of_commits_and_the_head_never_runs_ahead(database: Engine) -> None:
    committed: list[int] = []

    async def body(number: int) -> None:
        async with database.transaction() as tx:
            pos = tx.positions(3)
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", f"{number:03}")
            assert database.head < pos
            tx.on_commit(lambda: committed.append(pos))
        assert database.head >= pos + 2

    await asyncio.gather(*(body(number) for number in range(50)))
    assert committed == sorted(committed)
    assert len(set(committed)) == 50
    assert all(later - earlier >= 3 for earlier, later in itertools.pairwise(committed))


async def test_positions_go_on_after_opening_again(place: Place) -> None:
    database = await place.open()
    first = await put(database, "a")
    assert database.head == first
    await database.close()
    again = await place.open()
    assert again.head == first
    assert await put(again, "b") > first
    await again.close()


async def test_actions_run_after_the_commit_and_before_the_caller_goes_on(database: Engine) -> None:
    seen: list[str] = []
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO settings (name, value) VALUES ('a', '')")
        head = database.head
        tx.positions()
        tx.on_commit(lambda: seen.append(f"action at {database.head - head}"))
        assert seen == []
    seen.append("caller")
    assert seen == ["action at 1", "caller"]


async def test_a_body_that_fails_is_undone_and_its_neighbours_are_kept(database: Engine) -> None:
    seen: list[int] = []

    async def body(number: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", f"{number:02}")
            tx.on_commit(lambda: seen.append(number))
            if number % 3 == 1:
                raise KeyError(number)

    before = database.commits
    results = await asyncio.gather(*(body(number) for number in range(12)), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError if n % 3 == 1 else type(None) for n in range(12)]
    kept = [number for number in range(12) if number % 3 != 1]
    assert await names(database) == [f"{number:02}" for number in kept]
    assert sorted(seen) == kept
    assert database.commits - before <= 3


async def test_a_statement_that_fails_undoes_its_body_alone(database: Engine) -> None:
    async def body(name: str) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", f"{name} 1")
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)

    results = await asyncio.gather(*(body(name) for name in ("a", "a", "b")), return_exceptions=True)
    assert sum(isinstance(result, Exception) for result in results) == 1
    assert await names(database) == ["a", "a 1", "b", "b 1"]
    await put(database, "c")
    assert "c" in await names(database)


async def test_a_lone_body_that_fails_leaves_the_writer_ready(database: Engine) -> None:
    before = database.commits
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            raise ZeroDivisionError
    assert database.commits == before
    await asyncio.wait_for(put(database, "a"), 5)
    assert await names(database) == ["a"]


async def test_a_body_sees_its_own_rows_and_readers_see_them_only_when_committed(database: Engine) -> None:
    async with database.transaction() as tx:
        assert await tx.execute("INSERT INTO settings (name, value) VALUES ('a', '1'), ('b', '1')") == 2
        await tx.execute_many("INSERT INTO settings (name, value) VALUES (?, ?)", [("c", "1"), ("d", "2")])
        assert await tx.execute("UPDATE settings SET value = '3' WHERE value = ?", "1") == 3
        assert await tx.fetch_one("SELECT value FROM settings WHERE name = 'a'") == ("3",)
        assert await database.fetch("SELECT name FROM settings") == []
    assert len(await database.fetch("SELECT name FROM settings WHERE value = '3'")) == 3


async def test_a_body_sees_what_the_one_before_it_left(database: Engine) -> None:
    async def count_up(tx: Transaction) -> None:
        row = await tx.fetch_one("SELECT value FROM settings WHERE name = 'count'")
        value = 0 if row is None else int(row[0])
        await tx.execute(
            "INSERT INTO settings (name, value) VALUES ('count', ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            str(value + 1),
        )

    async def body() -> None:
        async with database.transaction() as tx:
            await count_up(tx)

    await asyncio.gather(*(body() for _ in range(40)))
    assert await database.fetch_one("SELECT value FROM settings WHERE name = 'count'") == ("40",)


async def test_bytes_come_back_as_they_went_in(database: Engine) -> None:
    blob = bytes(range(256))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO profiles (user_no, name, value) VALUES (?, ?, ?)", 1 << 40, "né?", blob)
    assert await database.fetch("SELECT user_no, name, value FROM profiles") == [(1 << 40, "né?", blob)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 64])
async def test_lists_of_any_length_match_their_members_alone(database: Engine, count: int) -> None:
    for number in range(70):
        await put(database, f"{number:02}") if number % 10 == 0 else None
    wanted = [f"{number:02}" for number in range(count)]
    sql = f"SELECT name FROM settings WHERE name IN ({marks(count)}) ORDER BY name"
    assert [row[0] for row in await database.fetch(sql, *padded(wanted))] == [n for n in wanted if int(n) % 10 == 0]


async def test_the_settings_that_make_a_write_durable_are_in_force(database: Engine) -> None:
    found = await database.durability()
    assert found in (
        {"engine": "sqlite", "journal_mode": "wal", "synchronous": "FULL"},
        {"engine": "postgresql", "fsync": "on", "synchronous_commit": "on"},
    )
