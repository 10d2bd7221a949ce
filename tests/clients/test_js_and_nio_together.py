"""matrix-js-sdk with its Rust crypto and matrix-nio in the same encrypted rooms."""

import asyncio

from tests.clients.recordings import voice_note
from tests.clients.stage import Stage, befriend, gather_in_group, tells


async def test_a_group_of_js_and_nio_understands_each_other(stage: Stage, room_version: str) -> None:
    alice, bob, carol = await asyncio.gather(*map(stage.person, ("alice", "bob", "carol")))
    nio, js, other = await asyncio.gather(
        stage.enter(alice, "nio"), stage.enter(bob, "js", "browser"), stage.enter(carol, "nio")
    )
    await befriend(nio, js, room_version)
    await befriend(nio, other, room_version)
    room_id = await gather_in_group(nio, [js, other], room_version)

    await tells(nio, [js, other], room_id, stage.secret("Welcome, both"))
    thanks = await tells(js, [nio, other], room_id, stage.secret("Thank you"))
    await tells(other, [nio, js], room_id, stage.secret("Good to be here"))

    note = stage.secret_file(voice_note(stage.file("note.ogg"), 2))
    voice = {"msgtype": "m.audio", "body": "Voice", "info": {"mimetype": "audio/ogg"}, "org.matrix.msc3245.voice": {}}
    sent = await nio.do("send_file", room_id=room_id, path=str(note), content=voice)
    heard = await js.sees("message", room_id=room_id, event_id=sent["event_id"])
    await js.do("fetch", place=heard["content"]["file"], save_to=str(stage.file("heard.ogg")))
    assert stage.file("heard.ogg").read_bytes() == note.read_bytes()

    await js.do("read", room_id=room_id, event_id=sent["event_id"])
    await nio.sees("receipt", room_id=room_id, user_id=js.user_id, event_id=sent["event_id"])
    await js.do("redact", room_id=room_id, event_id=thanks)
    await nio.sees("redacted", room_id=room_id, redacts=thanks)
    assert stage.secrets_found() == []


async def test_a_group_made_by_js_takes_in_nio_and_goes_on_when_someone_leaves(stage: Stage, room_version: str) -> None:
    alice, bob, carol = await asyncio.gather(*map(stage.person, ("alice", "bob", "carol")))
    js, nio, other = await asyncio.gather(
        stage.enter(alice, "js", "browser"), stage.enter(bob, "nio"), stage.enter(carol, "js", "browser")
    )
    await befriend(js, nio, room_version)
    await befriend(js, other, room_version)
    room_id = await gather_in_group(js, [nio, other], room_version)
    await tells(js, [nio, other], room_id, stage.secret("Here we are"))
    await tells(nio, [js, other], room_id, stage.secret("All three"))

    await nio.do("leave", room_id=room_id)
    await js.sees("member", room_id=room_id, user_id=nio.user_id, membership="leave")
    await other.sees("member", room_id=room_id, user_id=nio.user_id, membership="leave")
    parting = await tells(js, [other], room_id, stage.secret("Now we are two"))
    assert nio.saw("message", event_id=parting) == []
    assert nio.saw("undecrypted", event_id=parting) == []
    assert stage.secrets_found() == []
