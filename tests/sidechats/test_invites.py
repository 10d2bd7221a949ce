"""A stock client that invites an account's user ends up in the side chat, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import Account, newsroom
from tests.sidechats.desk import errands_run, opened, said
from tests.world import Person, World, world

ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@pytest.fixture
async def house(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server on which strangers greet first."""
    async with world(place, tmp_path / "data", clock, greetings__required=True) as made:
        yield made


async def declined(tea: World, reader: Person, room_id: str, account: Account) -> Any:
    """Wait until the account has left a room; its member event."""
    await errands_run(tea)
    path = {"roomId": room_id, "userId": account.user_id}
    return await reader.good("GET", "/rooms/{roomId}/state/m.room.member/{userId}", **path)


@pytest.mark.parametrize("initial_state", [[], [ENCRYPTION]], ids=["plain", "encrypted"])
async def test_a_direct_invite_is_turned_down_with_a_word_of_the_side_chat(
    house: World, initial_state: list[Any]
) -> None:
    account, reader = await newsroom(house)
    made = await reader.create(
        is_direct=True, preset="trusted_private_chat", invite=[account.user_id], initial_state=initial_state
    )
    content = await declined(house, reader, made, account)
    [chat] = await house.database.fetch("SELECT room_no FROM side_chats")
    room_id = await house.app.directory.room_id(chat[0])
    assert content["membership"] == "leave"
    assert "without end-to-end encryption" in content["reason"]
    assert room_id in content["reason"]
    shown = await reader.sync()
    assert set(shown["rooms"]["join"]) == {made, room_id}
    assert len(said(shown, room_id)) == 1
    assert await opened(reader) == room_id
    requests = await reader.good("GET", "/_teahouse/v1/contacts/requests")
    assert requests["outgoing"] == []


async def test_inviting_again_and_again_leaves_one_side_chat(house: World) -> None:
    account, reader = await newsroom(house)
    room_id = await opened(reader)
    for _ in range(2):
        made = await reader.create(is_direct=True, invite=[account.user_id])
        assert (await declined(house, reader, made, account))["membership"] == "leave"
        path = {"roomId": made, "userId": account.user_id}
        content = {"membership": "invite", "is_direct": True}
        await reader.good("PUT", "/rooms/{roomId}/state/m.room.member/{userId}", content, **path)
        assert (await declined(house, reader, made, account))["membership"] == "leave"
    assert len(await house.database.fetch("SELECT room_no FROM side_chats")) == 1
    assert await opened(reader) == room_id


async def test_a_reader_who_left_is_let_in_again_by_an_invite(house: World) -> None:
    account, reader = await newsroom(house)
    room_id = await opened(reader)
    await reader.leave(room_id)
    made = await reader.create(is_direct=True, invite=[account.user_id], initial_state=[ENCRYPTION])
    await declined(house, reader, made, account)
    assert set((await reader.sync())["rooms"]["join"]) == {made, room_id}


async def test_an_invite_that_a_stopped_server_left_is_answered_after_its_start(house: World) -> None:
    account, reader = await newsroom(house)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    house.alter = lambda app: setattr(app.desk.errands, "run_waiting", never)
    await house.restart()
    made = await reader.create(is_direct=True, invite=[account.user_id])
    assert len(await house.database.fetch("SELECT errand_no FROM chat_errands")) == 1
    house.alter = None
    await house.restart()
    assert (await declined(house, reader, made, account))["membership"] == "leave"
    assert len(await house.database.fetch("SELECT room_no FROM side_chats")) == 1


async def test_an_account_comes_into_no_groups(house: World) -> None:
    account, reader = await newsroom(house)
    for wish in ({"is_direct": False}, {"preset": "public_chat"}, {"is_direct": True, "preset": "public_chat"}):
        refused = await reader.ask("POST", "/createRoom", {**wish, "invite": [account.user_id]})
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert "public account" in refused.json["error"]
    group = await reader.create()
    body = {"user_id": account.user_id}
    assert (await reader.ask("POST", "/rooms/{roomId}/invite", body, roomId=group)).status == 403


async def test_a_person_with_an_account_of_their_own_is_still_greeted(house: World) -> None:
    _, reader = await newsroom(house)
    ada = await house.person("ada")
    await ada.good("POST", "/_teahouse/v1/accounts", {"handle": "ada", "kind": "person", "name": "Ada"})
    made = await reader.create(is_direct=True, invite=[ada.user_id], initial_state=[ENCRYPTION])
    await ada.join(made)
    contacts = (await reader.good("GET", "/_teahouse/v1/contacts"))["contacts"]
    assert [each["user_id"] for each in contacts] == [ada.user_id]
