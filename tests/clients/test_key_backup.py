"""Key backup: what one device read, a later one reads that has nothing but the recovery key."""

import asyncio

from tests.clients.stage import Stage, befriend, tells


async def test_a_late_device_reads_history_with_the_recovery_key_alone(stage: Stage, room_version: str) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    browser, bobs = await asyncio.gather(stage.enter(alice, "js", "browser"), stage.enter(bob, "nio"))
    recovery_key = (await browser.do("set_up_recovery"))["recovery_key"]
    room_id = await befriend(browser, bobs, room_version)
    asked, answered = stage.secret("Do you remember?"), stage.secret("Every word")
    await tells(browser, [bobs], room_id, asked)
    await tells(bobs, [browser], room_id, answered)
    await browser.do("backed_up", sessions=2)  # each of the two made one
    await asyncio.gather(browser.stop(), bobs.stop())  # nobody is left to hand over a key

    late = await stage.enter(alice, "js", "new browser")
    unread = [message for message in (await late.do("history", room_id=room_id))["messages"] if message["encrypted"]]
    assert len(unread) == 2
    assert not {asked, answered} & {message["body"] for message in unread}

    recovered = await late.do("recover", recovery_key=recovery_key)
    assert recovered["trusted"]
    assert recovered["verified"]
    assert recovered["imported"] == recovered["total"] == 2
    read = (await late.do("history", room_id=room_id))["messages"]
    assert [message["body"] for message in read if message["encrypted"]] == [asked, answered]
    assert stage.secrets_found() == []
