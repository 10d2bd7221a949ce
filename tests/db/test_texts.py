"""A text that one engine does not hold is refused by all of them, and what is kept as bytes may hold any character."""

from collections.abc import Awaitable, Callable

import pytest

from teahouse.db import NUL_REFUSED, Transaction
from teahouse.errors import InvalidParam
from tests.world import World

NAME = "INSERT INTO aliases (alias, room_no, creator_no) VALUES (?, ?, ?)"


async def test_a_text_with_a_nul_is_neither_read_by_nor_written_and_the_rest_of_its_body_goes_too(tea: World) -> None:
    async def one(tx: Transaction) -> None:
        await tx.execute(NAME, "#a\0b:tea.test", 1, 1)

    async def many(tx: Transaction) -> None:
        await tx.execute_many(NAME, [("#c:tea.test", 1, 1), ("#d\0:tea.test", 1, 1)])

    async def read(tx: Transaction) -> None:
        await tx.fetch_one("SELECT 1 FROM aliases WHERE alias = ?", "\0")

    async def body(attempt: Callable[[Transaction], Awaitable[None]]) -> None:
        async with tea.database.transaction() as tx:
            await tx.execute(NAME, "#whole:tea.test", 1, 1)
            await attempt(tx)

    for attempt in (one, many, read):
        with pytest.raises(InvalidParam, match=NUL_REFUSED):
            await body(attempt)
    for fetch in (tea.database.fetch, tea.database.fetch_one):
        with pytest.raises(InvalidParam, match=NUL_REFUSED):
            await fetch("SELECT 1 FROM aliases WHERE alias = ?", "a\0")
    assert await tea.database.fetch("SELECT alias FROM aliases") == []
