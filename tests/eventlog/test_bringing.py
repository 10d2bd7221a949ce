"""Proposals that bring writes of their own: they share a commit, and each is kept or undone alone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from teahouse.db import Transaction
from teahouse.errors import Forbidden, StorageFull, Unavailable
from teahouse.eventlog.service import BATCH_BRINGING_MAX
from teahouse.eventlog.types import Also, Appended, Draft, Proposal, StoredEvent
from tests.world import Person, World

STOP_LIMIT_S = 20.0


class Room:
    """A room, and proposals to it that bring a setting along."""

    def __init__(self, tea: World, person: Person, room_id: str) -> None:
        self.tea = tea
        self.room_id = room_id
        self._person = person
        self.told: list[str] = []  # settings whose writers were told of the commit

    async def propose(self, draft: Draft, also: Also | None) -> Appended:
        """Append one event."""
        state = await self.tea.app.rooms.require(self.room_id)
        person = self._person
        return await self.tea.app.eventlog.append(
            Proposal(person.user_id, person.user_no, [draft], state.room_no, also=also)
        )

    def bringing(self, name: str, refusal: Exception | None = None, sql: str = "") -> Also:
        """Writes a setting, then refuses or breaks."""

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)
            tx.on_commit(lambda: self.told.append(name))
            if sql:
                await tx.execute(sql)
            if refusal is not None:
                raise refusal

        return also

    async def settings(self) -> list[str]:
        """Names of what was written."""
        rows = await self.tea.database.fetch("SELECT name FROM settings WHERE name LIKE 'n%' ORDER BY name LIMIT 1000")
        return [row[0] for row in rows]

    async def said(self) -> list[Any]:
        """Bodies of the room's messages in their order."""
        page = await self._person.good("GET", "/rooms/{roomId}/messages", None, {"dir": "f", "limit": 500},
                                       roomId=self.room_id)  # fmt: skip
        return [each["content"]["body"] for each in page["chunk"] if each["type"] == "m.room.message"]


@pytest.fixture
async def room(tea: World) -> Room:
    alice = await tea.person("alice")
    return Room(tea, alice, await alice.create())


def message(body: str) -> Draft:
    return Draft("m.room.message", {"msgtype": "m.text", "body": body})


def name(text: str) -> Draft:
    return Draft("m.room.name", {"name": text}, "")


async def test_what_waits_together_shares_a_commit(room: Room) -> None:
    before = room.tea.database.commits
    names = [f"n{number:03}" for number in range(2 * BATCH_BRINGING_MAX)]
    await asyncio.gather(*(room.propose(message(each), room.bringing(each)) for each in names))
    assert room.tea.database.commits - before <= 3
    assert await room.said() == await room.settings() == room.told == names


async def test_what_is_refused_leaves_nothing_and_takes_nobody_along(room: Room) -> None:
    drafts = [
        (message("one"), room.bringing("n1")),
        (message("refused"), room.bringing("n2", Forbidden("No."))),
        (message("two"), None),
        (message("broken"), room.bringing("n3", None, "INSERT INTO no_such_table VALUES (1)")),
        (message("three"), room.bringing("n4")),
    ]
    before = room.tea.database.commits
    results = await asyncio.gather(*(room.propose(*each) for each in drafts), return_exceptions=True)
    assert [isinstance(result, Appended) for result in results] == [True, False, True, False, True]
    assert isinstance(results[1], Forbidden)
    assert room.tea.database.commits - before <= 2
    assert await room.said() == ["one", "two", "three"]
    assert await room.settings() == room.told == ["n1", "n4"]
    await room.tea.restart()
    assert await room.said() == ["one", "two", "three"]


async def test_nobody_is_judged_by_a_state_that_was_undone(room: Room) -> None:
    levels = Draft("m.room.power_levels", {"users": {}, "events_default": 100}, "")
    results = await asyncio.gather(
        room.propose(name("undone"), room.bringing("n1", Forbidden("No."))),
        room.propose(name("undone"), room.bringing("n2")),  # were the first one's state kept, this would repeat it
        room.propose(levels, room.bringing("n3", Forbidden("No."))),
        room.propose(message("let in"), room.bringing("n4")),
        return_exceptions=True,
    )
    assert [isinstance(result, Appended) and not result.repeated for result in results] == [False, True, False, True]
    assert await room.said() == ["let in"]
    state = await room.tea.app.rooms.require(room.room_id)
    assert state.content("m.room.name") == {"name": "undone"}
    assert await room.settings() == ["n2", "n4"]


async def test_a_full_disk_that_takes_the_whole_body_refuses_all_of_it(room: Room) -> None:
    async def lose(tx: Transaction, events: Sequence[StoredEvent]) -> None:
        # As SQLite does when the disk is full: the transaction is gone, not just what was done last.
        await tx.execute("ROLLBACK")
        raise StorageFull("The disk is full.")

    results = await asyncio.gather(
        room.propose(message("one"), room.bringing("n1")),
        room.propose(message("two"), lose),
        room.propose(message("three"), room.bringing("n3")),
        return_exceptions=True,
    )
    assert not [result for result in results[1:] if not isinstance(result, StorageFull | Unavailable)]
    kept = ["one"] if isinstance(results[0], Appended) else []
    assert await room.said() == kept
    assert isinstance(await room.propose(message("after"), room.bringing("n5")), Appended)
    assert await room.said() == [*kept, "after"]


async def test_refusals_take_no_commit(room: Room) -> None:
    before = room.tea.database.commits
    unknown = Draft("m.room.power_levels", {"users": "nobody"}, "")
    results = await asyncio.gather(
        room.propose(message("one"), room.bringing("n1", Forbidden("No."))), room.propose(unknown, None),
        return_exceptions=True,
    )  # fmt: skip
    assert not [result for result in results if isinstance(result, Appended)]
    assert room.tea.database.commits == before
    assert await room.said() == await room.settings() == []


@pytest.mark.parametrize("ticks", range(12))
async def test_a_server_stops_also_in_the_midst_of_a_refusal(room: Room, ticks: int) -> None:
    refused = asyncio.create_task(room.propose(message("refused"), room.bringing("n1", Forbidden("No."))))
    for _ in range(ticks):
        await asyncio.sleep(0)
    async with asyncio.timeout(STOP_LIMIT_S):
        await room.tea.restart()
    with pytest.raises((Forbidden, Unavailable)):
        await refused
    assert await room.said() == await room.settings() == []
