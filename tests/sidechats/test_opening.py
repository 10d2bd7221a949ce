"""A reader's door to an account's staff: one unencrypted room for two, for ever the same."""

import asyncio

import pytest

from tests.public_accounts.newsroom import ACCOUNT, newsroom
from tests.public_accounts.newsroom import opened as open_account
from tests.sidechats.desk import CHAT, desk, opened, said, state_of
from tests.world import World


async def test_opening_makes_a_direct_room_that_says_who_reads_it(tea: World) -> None:
    account, reader = await newsroom(tea)
    room_id = await opened(reader)
    shown = await reader.sync()
    line = "Staff of The Daily Leaf read this chat; it is not end-to-end encrypted."
    assert said(shown, room_id) == [(account.user_id, line)]
    state = await state_of(reader, room_id)
    assert state["io.teahouse.side_chat", ""] == {"account": "daily"}
    assert state["m.room.name", ""] == {"name": "The Daily Leaf"}
    assert ("m.room.encryption", "") not in state
    assert {key for kind, key in state if kind == "m.room.member"} == {account.user_id, reader.user_id}
    direct = next(each["content"] for each in shown["account_data"]["events"] if each["type"] == "m.direct")
    assert direct == {account.user_id: [room_id]}
    events = shown["rooms"]["join"][room_id]["timeline"]["events"]
    assert any(event["content"].get("is_direct") for event in events if event.get("state_key") == reader.user_id)


@pytest.mark.parametrize(
    ("language", "word"),
    [("id", "membaca"), ("fr-CA", "chiffrée"), ("zh-Hans", "加密"), ("sw", "encrypted"), ("", "encrypted")],
)
async def test_the_first_line_is_in_the_accounts_language(tea: World, language: str, word: str) -> None:
    owner, reader = await tea.person("owner"), await tea.person("reader")
    await open_account(owner, about={"language": language})
    room_id = await opened(reader)
    [(_, line)] = said(await reader.sync(), room_id)
    assert word in line
    assert "The Daily Leaf" in line


async def test_opening_again_finds_the_same_room_also_from_two_devices_at_once_and_after_a_restart(tea: World) -> None:
    _, reader = await newsroom(tea)
    second = await reader.device("SECOND")
    rooms = await asyncio.gather(*(opened(each) for each in [reader, second] * 4))
    assert len(set(rooms)) == 1
    await tea.restart()
    assert await opened(reader) == rooms[0]
    shown = await reader.sync()
    assert list(shown["rooms"]["join"]) == [rooms[0]]
    assert len(said(shown, rooms[0])) == 1


async def test_following_makes_no_room(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    assert list((await reader.sync())["rooms"]["join"]) == [account.room_id]
    assert await tea.database.fetch("SELECT * FROM side_chats") == []


async def test_a_reader_who_left_comes_back_to_the_same_room(tea: World) -> None:
    account, reader = await newsroom(tea)
    room_id = await opened(reader)
    await reader.say(room_id, "Before.")
    await reader.leave(room_id)
    await reader.good("POST", "/rooms/{roomId}/forget", {}, roomId=room_id)
    assert "rooms" not in await reader.sync()
    assert await opened(reader) == room_id
    assert [text for _, text in said(await reader.sync(), room_id)][-1] == "Before."
    await reader.leave(room_id)
    await reader.join(room_id)
    assert room_id in (await reader.sync())["rooms"]["join"]
    lines = [text for sender, text in said(await reader.sync(), room_id) if sender == account.user_id]
    assert len(lines) == 1


async def test_nobody_else_comes_in_and_nothing_is_encrypted_or_set(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    room_id = await opened(reader)
    invite = await reader.ask("POST", "/rooms/{roomId}/invite", {"user_id": other.user_id}, roomId=room_id)
    assert (invite.status, invite.errcode) == (403, "M_FORBIDDEN")
    assert (await other.ask("POST", "/rooms/{roomId}/join", {}, roomId=room_id)).status == 403
    path = {"roomId": room_id, "eventType": "m.room.encryption", "stateKey": ""}
    content = {"algorithm": "m.megolm.v1.aes-sha2"}
    on = await reader.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", content, **path)
    assert (on.status, on.errcode) == (403, "M_FORBIDDEN")
    assert "Staff of @daily read this chat" in on.json["error"]
    sent = await reader.ask(
        "PUT", "/rooms/{roomId}/send/m.room.encrypted/{txnId}", {"ciphertext": "x"}, roomId=room_id, txnId="1"
    )
    assert sent.status == 403
    assert "never end-to-end encrypted" in sent.json["error"]
    for kind in ("m.room.name", "m.room.power_levels", "m.room.join_rules", "io.teahouse.side_chat"):
        named = {"roomId": room_id, "eventType": kind, "stateKey": ""}
        assert (await reader.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", {}, **named)).status == 403
    for verb in ("kick", "ban"):
        body = {"user_id": account.user_id}
        assert (await reader.ask("POST", f"/rooms/{{roomId}}/{verb}", body, roomId=room_id)).status == 403
    assert (await reader.ask("POST", "/rooms/{roomId}/upgrade", {"new_version": "11"}, roomId=room_id)).status == 403


async def test_a_reader_who_blocks_an_account_hears_nothing_of_it(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id, "Hello?")
    since = (await reader.sync())["next_batch"]
    data = {"ignored_users": {work.account.user_id: {}}}
    template = "/user/{userId}/account_data/m.ignored_user_list"
    await reader.good("PUT", template, data, userId=reader.user_id)
    await work.answer(work.owner, room_id, "Buy our tea.")
    assert said(await reader.sync(since), room_id) == []
    assert all(sender != work.account.user_id for sender, _ in said(await reader.sync(), room_id))


async def test_a_reader_takes_back_what_they_wrote(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    event_id = await reader.say(room_id, "My number is 555.")
    await reader.redact(room_id, event_id)
    found = await work.owner.good("GET", f"{CHAT}s/{{roomId}}/messages", handle="daily", roomId=room_id)
    assert "555" not in str(found)
    assert [each["content"] for each in found["messages"] if each["event_id"] == event_id] == [{}]


async def test_a_personal_account_is_greeted_not_written_to(tea: World) -> None:
    person, reader = await tea.person("ada"), await tea.person("reader")
    account = await open_account(person, "ada", "person")
    refused = await reader.ask("POST", CHAT, handle="ada")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert person.user_id in refused.json["error"]
    await reader.join(account.room_id)
    path = {"roomId": account.room_id, "txnId": "1"}
    written = await reader.ask("PUT", "/rooms/{roomId}/send/m.room.message/{txnId}", {"body": "x"}, **path)
    assert "greet" in written.json["error"]
    assert (await tea.ask(None, "GET", CHAT, handle="ada")).json == {"offered": False}


async def test_one_opens_so_many_chats_a_day_and_no_more(tea: World) -> None:
    _, reader = await newsroom(tea)
    tea.app.desk.chats._limited = True
    async with tea.database.transaction() as tx:
        for number in range(50):
            await tx.execute(
                "INSERT INTO side_chats (room_no, account_no, reader_no, opened_ms, spoke_ms, turn_ms, waiting_ms, "
                "claimed_by, claimed_until_ms) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0)",
                -number - 1, -number - 1, reader.user_no, tea.clock.ms,
            )  # fmt: skip
    refused = await reader.ask("POST", CHAT, handle="daily")
    assert (refused.status, refused.errcode) == (429, "M_LIMIT_EXCEEDED")
    tea.clock.pass_ms(86_400_001)
    await opened(reader)


async def test_a_chat_with_nobody_is_a_clear_refusal(tea: World) -> None:
    _, reader = await newsroom(tea)
    assert (await reader.ask("POST", CHAT, handle="nobody")).status == 404
    assert (await tea.ask(None, "POST", CHAT, handle="daily")).status == 401
    assert (await tea.ask(None, "GET", f"{ACCOUNT}/chats", handle="daily")).status == 401


async def test_closing_an_account_leaves_its_side_chats(tea: World) -> None:
    account, reader = await newsroom(tea)
    room_id = await opened(reader)
    await tea.app.accounts.close(reader.user_no)
    state = tea.app.eventlog.cached(tea.app.identifiers.room_no(room_id))
    assert state.membership(reader.user_id) == "leave"
    assert state.membership(account.user_id) == "join"


async def test_opening_again_puts_back_what_a_client_wrote_over(tea: World) -> None:
    account, reader = await newsroom(tea)
    room_id = await opened(reader)
    path = "/user/{userId}/account_data/{type}"
    where = {"userId": reader.user_id, "type": "m.direct"}
    await reader.good("PUT", path, {"@friend:tea.test": ["!other:tea.test"]}, **where)
    assert await opened(reader) == room_id
    assert await reader.good("GET", path, **where) == {
        "@friend:tea.test": ["!other:tea.test"], account.user_id: [room_id],
    }  # fmt: skip
