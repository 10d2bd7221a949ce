"""Writing to an account's staff with stock clients: what readers began is declined, what the server opened is used."""

import asyncio
from urllib.parse import quote

import pytest

from tests.clients.actor import StepFailed
from tests.clients.newsroom import Newsroom, by_hand, followers, greet, newsroom, whoami
from tests.clients.stage import Stage

PHONE_HOURS = "We answer from nine to five."


async def test_readers_write_to_staff_who_share_one_inbox(stage: Stage) -> None:
    room, (nio, js), helper = await asyncio.gather(newsroom(stage), followers(stage), stage.person("helper"))
    editor = Newsroom(room.handle, room.user_id, room.room_id, await by_hand(stage, helper))
    owner_id, helper_id = await whoami(room.client), await whoami(editor.client)
    await greet(editor.client, room.client, owner_id)  # staff are contacts
    await room.ask("PUT", f"/staff/{quote(helper_id)}", {"role": "editor"})
    await room.ask("POST", "/chat_rules", {"keywords": ["hours"], "reply": PHONE_HOURS})

    # An encrypted chat and a plain one, begun as clients begin them: both are turned down with a word of the open one.
    chats = {}
    for reader, encrypted in ((nio, True), (js, False)):
        asked = {"user_id": room.user_id, "room_version": "12", "encrypted": encrypted}
        begun = (await reader.do("create_direct", **asked))["room_id"]
        declined = await reader.sees("member", room_id=begun, user_id=room.user_id, membership="leave")
        assert "without end-to-end encryption" in declined["reason"]
        chats[reader] = declined["reason"].split()[-1]
        await reader.sees("joined", room_id=chats[reader], encrypted=False)
        first = (await reader.do("history", room_id=chats[reader]))["messages"][0]
        assert first["sender"] == room.user_id
        assert first["body"] == f"Staff of The Daily Leaf {room.handle} read this chat; it is not end-to-end encrypted."
        shown = await reader.do("look", room_id=chats[reader])
        assert shown["members"] == sorted([reader.user_id, room.user_id])
        assert (shown["direct"], shown["encrypted"]) == (True, False)
        await reader.do("join", room_id=room.room_id)
        with pytest.raises(StepFailed, match="side chat"):
            await reader.do("send_text", room_id=room.room_id, body="Is anybody there?")

    asked_by_js = await js.do("send_text", room_id=chats[js], body="What are your HOURS?")
    replied = await js.sees("message", room_id=chats[js], body=PHONE_HOURS)
    assert (replied["sender"], replied["msgtype"]) == (room.user_id, "m.notice")
    await nio.do("send_text", room_id=chats[nio], body="A correction for you.")
    waiting = (await room.ask("GET", "/chats"))["chats"]
    assert {chat["room_id"] for chat in waiting} == set(chats.values())

    # One takes care of it and hands it over; both see who has it, and the reader sees the account alone.
    one = f"/chats/{quote(chats[nio])}"
    assert (await room.ask("POST", f"{one}/claim"))["held_by"] == owner_id
    assert (await editor.client.post(f"/_teahouse/v1/accounts/{room.handle}{one}/claim")).status_code == 409
    assert (await room.ask("PUT", f"{one}/claim", {"user_id": helper_id}))["held_by"] == helper_id
    assert [chat["room_id"] for chat in (await editor.ask("GET", "/chats?state=mine"))["chats"]] == [chats[nio]]
    assert [chat["room_id"] for chat in (await room.ask("GET", "/chats?state=others"))["chats"]] == [chats[nio]]
    answers = {
        nio: await editor.ask("POST", f"{one}/answers", {"text": "Thank you, it is put right."}),
        js: await room.ask("POST", f"/chats/{quote(chats[js])}/answers", {"text": "And on Sundays by post."}),
    }
    for reader, answer in answers.items():
        seen = await reader.sees("message", room_id=chats[reader], event_id=answer["event_id"])
        assert (seen["sender"], seen["encrypted"]) == (room.user_id, False)
    read = (await editor.ask("GET", f"/chats/{quote(chats[js])}/messages"))["messages"]
    assert [(each["sender"], each["content"].get("body")) for each in read][:3] == [
        (room.user_id, "And on Sundays by post."), (room.user_id, PHONE_HOURS), (js.user_id, "What are your HOURS?")
    ]  # fmt: skip
    assert asked_by_js["event_id"] in [each["event_id"] for each in read]
    assert (await room.ask("GET", "/chats"))["chats"] == []
