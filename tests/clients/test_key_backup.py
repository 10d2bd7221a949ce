"""Key backup: what one device read, a later one reads that has nothing but the recovery key."""

import asyncio

import pytest

from tests.clients.actor import Actor, Event
from tests.clients.stage import Stage, befriend, tells


@pytest.mark.parametrize(
    ("first", "later"), [("js", "js"), ("nio", "nio"), ("js", "nio")], ids=["js", "nio", "js-then-nio"]
)
async def test_a_late_device_reads_history_with_the_recovery_key_alone(
    stage: Stage, room_version: str, first: str, later: str
) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    early, bobs = await asyncio.gather(stage.enter(alice, first, "early"), stage.enter(bob, "nio"))
    recovery_key = (await early.do("set_up_recovery"))["recovery_key"]
    room_id = await befriend(early, bobs, room_version)
    asked, answered = stage.secret("Do you remember?"), stage.secret("Every word")
    await tells(early, [bobs], room_id, asked)
    await tells(bobs, [early], room_id, answered)
    await early.do("backed_up", sessions=2)  # each of the two made one
    await asyncio.gather(early.stop(), bobs.stop())  # nobody is left to hand over a key

    late = await stage.enter(alice, later, "late")
    unread = await encrypted(late, room_id)
    assert len(unread) == 2
    assert not {asked, answered} & {message.get("body") for message in unread}

    recovered = await late.do("recover", recovery_key=recovery_key)
    assert recovered["imported"] == recovered["total"] == 2
    if later == "js":  # the SDK also knows cross-signing
        assert recovered["trusted"]
        assert recovered["verified"]
    assert [message["body"] for message in await encrypted(late, room_id)] == [asked, answered]
    assert stage.secrets_found() == []


async def encrypted(device: Actor, room_id: str) -> list[Event]:
    """What came encrypted, read or not, oldest first; nio says of what it cannot read only its session."""
    messages = (await device.do("history", room_id=room_id))["messages"]
    return [message for message in messages if message.get("encrypted") or "session_id" in message]
