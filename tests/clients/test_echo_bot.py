"""A bot on simplematrixbotlib: accepts an invite and answers."""

import asyncio

import pytest

from tests.clients.stage import Stage


@pytest.mark.parametrize("encrypted", [False, True], ids=["open", "encrypted"])
async def test_an_echo_bot_answers(stage: Stage, room_version: str, encrypted: bool) -> None:
    alice, bot = await asyncio.gather(stage.person("alice"), stage.person("echo"))
    alices, bots = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bot, "botlib"))
    asked = {"user_id": bots.user_id, "room_version": room_version, "encrypted": encrypted}
    room_id = (await alices.do("create_direct", **asked))["room_id"]
    await alices.sees("member", room_id=room_id, user_id=bots.user_id, membership="join")
    await alices.do("send_text", room_id=room_id, body="!echo is anyone at home")
    echo = await alices.sees("message", room_id=room_id, sender=bots.user_id)
    assert (echo["body"], echo["encrypted"]) == ("is anyone at home", encrypted)
