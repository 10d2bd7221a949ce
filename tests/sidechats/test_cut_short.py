"""Opening a side chat that is cut short at any step is finished by the next try, and never makes a second room."""

import asyncio
from typing import Any

import pytest

from teahouse.app import App
from teahouse.eventlog.types import Appended, Proposal
from tests.public_accounts.newsroom import newsroom
from tests.sidechats.desk import CHAT, opened, said
from tests.world import World


class Cut(Exception):
    """The server ended."""


def cut(app: App, steps: int, *, written: bool) -> None:
    """End the server at one of its writes: before it, or after it but before anybody was told."""
    append, left = app.eventlog.append, [steps]

    async def cut_short(proposal: Proposal) -> Appended:
        left[0] -= 1
        if left[0] < 0:
            if written:
                await append(proposal)
            raise Cut
        return await append(proposal)

    app.eventlog.append = cut_short  # type: ignore[method-assign]


@pytest.mark.parametrize("written", [False, True], ids=["unwritten", "written"])
@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_the_next_try_finishes_what_was_cut_short(tea: World, steps: int, written: bool) -> None:
    account, reader = await newsroom(tea)
    tea.alter = lambda app: cut(app, steps, written=written)
    await tea.restart()
    answer: Any = await reader.ask("POST", CHAT, handle="daily")
    assert answer.status == 500
    tea.alter = None
    await tea.restart()
    rooms = await tea.database.fetch("SELECT room_no FROM rooms")
    chats = await tea.database.fetch("SELECT room_no FROM side_chats")
    assert len(rooms) == 1 + len(chats)  # the channel; no room without its row, no row without its room
    [room_id, again] = await asyncio.gather(opened(reader), opened(reader))
    assert room_id == again
    assert len(await tea.database.fetch("SELECT room_no FROM side_chats")) == 1
    shown = await reader.sync()
    assert list(shown["rooms"]["join"]) == [room_id]
    assert [sender for sender, _ in said(shown, room_id)] == [account.user_id]
