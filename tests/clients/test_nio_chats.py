"""matrix-nio with encryption: people and their devices, files, coming back, and rooms that go."""

import asyncio
from io import BytesIO

from PIL import Image

from tests.clients.recordings import picture, voice_note
from tests.clients.stage import Stage, befriend, gather_in_group, tells

VOICE_SECONDS = 3


async def test_two_people_talk_encrypted_on_all_their_devices(stage: Stage, room_version: str) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    phone, laptop, bobs = await asyncio.gather(
        stage.enter(alice, "nio"), stage.enter(alice, "nio", "laptop"), stage.enter(bob, "nio")
    )
    room_id = await befriend(phone, bobs, room_version)
    await laptop.sees("joined", room_id=room_id)

    await tells(phone, [bobs, laptop], room_id, stage.secret("Are you there?"))
    answer = await tells(bobs, [phone, laptop], room_id, stage.secret("I am."))
    await tells(laptop, [phone, bobs], room_id, stage.secret("Now from the laptop."))

    await phone.do("read", room_id=room_id, event_id=answer)
    await bobs.sees("receipt", room_id=room_id, user_id=phone.user_id, event_id=answer)
    assert stage.secrets_found() == []


async def test_a_voice_note_and_a_picture_arrive_as_they_were(stage: Stage, room_version: str) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    alices, bobs = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "nio"))
    room_id = await befriend(alices, bobs, room_version)
    note = stage.secret_file(voice_note(stage.file("note.ogg"), VOICE_SECONDS))
    large = stage.secret_file(picture(stage.file("large.jpg"), 640, 480))
    small = stage.secret_file(picture(stage.file("small.jpg"), 80, 60))

    voice = {
        "msgtype": "m.audio",
        "body": stage.secret("Voice message"),
        "info": {"mimetype": "audio/ogg", "size": note.stat().st_size, "duration": VOICE_SECONDS * 1000},
        "org.matrix.msc3245.voice": {},
        "org.matrix.msc1767.audio": {"duration": VOICE_SECONDS * 1000, "waveform": [0] * 30},
    }
    sent = await alices.do("send_file", room_id=room_id, path=str(note), content=voice)
    heard = await bobs.sees("message", room_id=room_id, event_id=sent["event_id"])
    assert heard["encrypted"]
    assert heard["content"]["org.matrix.msc3245.voice"] == {}
    await bobs.do("fetch", place=heard["content"]["file"], save_to=str(stage.file("heard.ogg")))
    assert stage.file("heard.ogg").read_bytes() == note.read_bytes()

    image = {
        "msgtype": "m.image",
        "body": stage.secret("The garden"),
        "info": {"mimetype": "image/jpeg", "size": large.stat().st_size, "w": 640, "h": 480},
    }
    sent = await bobs.do("send_file", room_id=room_id, path=str(large), content=image, thumbnail=str(small))
    shown = await alices.sees("message", room_id=room_id, event_id=sent["event_id"])
    await alices.do("fetch", place=shown["content"]["file"], save_to=str(stage.file("shown.jpg")))
    thumbnail = shown["content"]["info"]["thumbnail_file"]
    await alices.do("fetch", place=thumbnail, save_to=str(stage.file("shown-small.jpg")))
    assert stage.file("shown.jpg").read_bytes() == large.read_bytes()
    assert stage.file("shown-small.jpg").read_bytes() == small.read_bytes()
    assert stage.secrets_found() == []


async def test_a_device_that_comes_back_reads_what_it_missed(stage: Stage, room_version: str) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    alices, bobs = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "nio"))
    room_id = await befriend(alices, bobs, room_version)
    await tells(alices, [bobs], room_id, stage.secret("Before you go"))
    await bobs.stop()

    missed = stage.secret("While you were away")
    await tells(alices, [], room_id, missed)
    bobs = await stage.come_back(bobs, "nio")
    seen = await bobs.sees("message", room_id=room_id, body=missed)
    assert seen["encrypted"]
    await tells(bobs, [alices], room_id, stage.secret("I am back"))
    assert stage.secrets_found() == []


async def test_rooms_refused_left_and_lost_do_not_stop_a_device(stage: Stage, room_version: str) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    alices, bobs = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "nio"))
    room_id = await befriend(alices, bobs, room_version)

    left, lost = [await gather_in_group(alices, [bobs], room_version) for _ in range(2)]
    asked = {"name": "Morning", "invite": [bobs.user_id], "room_version": room_version, "encrypted": True}
    refused = (await alices.do("create_group", **asked))["room_id"]
    await bobs.sees("invited", room_id=refused)
    await bobs.do("leave", room_id=refused)
    await bobs.do("leave", room_id=left)
    await alices.do("kick", room_id=lost, user_id=bobs.user_id)
    for gone in (refused, left, lost):
        await alices.sees("member", room_id=gone, user_id=bobs.user_id, membership="leave")

    await tells(alices, [bobs], room_id, stage.secret("Still here?"))
    await tells(bobs, [alices], room_id, stage.secret("In this one I am."))
    bobs = await stage.come_back(bobs, "nio")
    await tells(alices, [bobs], room_id, stage.secret("And again?"))
    assert stage.secrets_found() == []


async def test_in_an_open_room_the_server_makes_the_thumbnail(stage: Stage) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    alices, bobs = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "nio"))
    room_id = await befriend(alices, bobs, "11", encrypted=False)
    large = picture(stage.file("large.jpg"), 640, 480)
    image = {
        "msgtype": "m.image",
        "body": "garden.jpg",
        "info": {"mimetype": "image/jpeg", "size": large.stat().st_size, "w": 640, "h": 480},
    }
    sent = await alices.do("send_file", room_id=room_id, path=str(large), content=image)
    shown = await bobs.sees("message", room_id=room_id, event_id=sent["event_id"])
    url = shown["content"]["url"]
    await bobs.do("fetch", place=url, save_to=str(stage.file("shown.jpg")))
    assert stage.file("shown.jpg").read_bytes() == large.read_bytes()
    await bobs.do("thumbnail", url=url, width=96, height=96, save_to=str(stage.file("small")))
    made = Image.open(BytesIO(stage.file("small").read_bytes()))
    assert made.width < 640
    assert made.height >= 96 or made.width >= 96

    await alices.do("redact", room_id=room_id, event_id=sent["event_id"])
    await bobs.sees("redacted", room_id=room_id, redacts=sent["event_id"])
