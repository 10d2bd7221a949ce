"""Moments are private: what they say stands in their events and tables and nowhere else, and goes when they do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.moments.test_deeds import say
from tests.moments.town import MOMENT, MOMENTS, publish, room_of, show_to, town
from tests.world import World

WORD = "unmistakable"
HOLDERS = {"events", "moments", "moment_comments"}


async def holding(tea: World, word: str) -> set[str]:
    """The tables in which a word stands, in whatever column."""
    if tea.place.file is not None:
        tables = [row[0] for row in await tea.database.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")]
    else:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = [row[0] for row in await tea.database.fetch(sql)]
    assert {"events", "moments", "media", "account_data"} <= set(tables)
    found = set()
    for table in tables:
        for row in await tea.database.fetch(f"SELECT * FROM {table} LIMIT 99999"):
            cells = [bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in row]
            if any(word.encode() in cell for cell in cells):
                found.add(table)
    return found


async def test_the_words_stand_in_events_and_moments_tables_alone_and_go_with_the_moment(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice, f"{WORD} words", "self")
    await show_to(alice, moment_id, "friends")  # a second event
    await say(bob, moment_id, f"{WORD} comment")
    await bob.sync()
    assert await holding(tea, WORD) == HOLDERS
    await alice.good("DELETE", MOMENT, momentId=moment_id)
    assert await holding(tea, WORD) == set()


async def test_nothing_of_a_deleted_moment_is_left_in_the_files(tea: World) -> None:
    if tea.place.file is None:
        pytest.skip("the files of PostgreSQL are its own")
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice, f"{WORD} words")
    await say(bob, moment_id, f"{WORD} comment")
    await alice.good("DELETE", MOMENT, momentId=moment_id)
    place: Path = tea.place.file
    await tea.stop()
    with sqlite3.connect(place) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in place.parent.glob(f"{place.name}*"):
        assert WORD.encode() not in path.read_bytes(), path.name
    await tea.start()


async def test_an_account_that_is_erased_takes_its_words_along(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, f"{WORD} words")
    other = await publish(bob, "others")
    said = await say(alice, other, f"{WORD} comment")
    await say(bob, other, "an answer", said)
    await tea.app.accounts.close(alice.user_no, erase=True)
    assert await holding(tea, WORD) == set()
    assert (await bob.good("GET", f"{MOMENT}/comments", momentId=other))["comments"] == []
    assert (await bob.good("GET", f"{MOMENTS}/notices"))["notices"] == []


async def test_staff_have_no_door_into_moments(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    admin = await tea.person("admin")
    async with tea.app.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 1 WHERE user_no = ?", admin.user_no)
    await tea.restart()
    moment_id = await publish(alice, WORD)
    room = await room_of(alice)
    await bob.sync()
    for template in (MOMENT, f"{MOMENT}/comments", "/rooms/{roomId}/event/{momentId}", "/rooms/{roomId}/messages"):
        answer = await admin.ask("GET", template, None, {"dir": "b"}, momentId=moment_id, roomId=room)
        assert answer.status in (403, 404), template
    assert (await admin.ask("DELETE", MOMENT, momentId=moment_id)).status == 404
    assert (await admin.good("GET", MOMENTS))["moments"] == []


async def test_the_api_says_that_moments_are_not_end_to_end_encrypted(tea: World) -> None:
    alice = await tea.person("alice")
    shown = await alice.good("GET", f"{MOMENTS}/settings")
    assert (shown["end_to_end_encrypted"], shown["room_id"]) == (False, "")
    assert "not end-to-end encrypted" in shown["notice"]
    document = await alice.good("GET", "/_teahouse/v1/openapi.json")
    assert "not end-to-end encrypted" in document["paths"][MOMENTS]["post"]["summary"]
