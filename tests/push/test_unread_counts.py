"""Unread counts, by the predefined rules and by one's own, seen through sync."""

from typing import Any

import pytest

from teahouse.push import unread
from teahouse.push.unread import Counts, Unread
from tests.world import Person, World

Counted = tuple[int, int]
RULE = "/pushrules/global/{kind}/{ruleId}"
THREADED = '{"room":{"timeline":{"unread_thread_notifications":true}}}'


async def counts(person: Person, room: str) -> Counted:
    """(notifications, highlights) of a room."""
    found = (await person.sync())["rooms"]["join"][room]["unread_notifications"]
    return found["notification_count"], found["highlight_count"]


async def by_thread(person: Person, room: str) -> dict[str, Counted]:
    """The same with each thread apart; '' is the main timeline."""
    joined = (await person.sync(filter=THREADED))["rooms"]["join"][room]
    main = joined["unread_notifications"]
    threads = joined.get("unread_thread_notifications", {})
    found = {"": main, **threads}
    return {name: (each["notification_count"], each["highlight_count"]) for name, each in found.items()}


async def read(person: Person, room: str, event_id: str, **body: Any) -> None:
    await person.good("POST", "/rooms/{roomId}/receipt/m.read/{eventId}", body, roomId=room, eventId=event_id)


async def pair(tea: World) -> tuple[Person, Person, str]:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    return alice, bob, room


async def test_messages_of_others_count_until_they_are_read(tea: World) -> None:
    alice, bob, room = await pair(tea)
    first = await alice.say(room)
    await alice.say(room)
    assert await counts(bob, room) == (2, 0)
    assert await counts(alice, room) == (0, 0)
    await read(bob, room, first)
    assert await counts(bob, room) == (1, 0)
    await bob.say(room)  # who answers has read
    assert await counts(bob, room) == (0, 0)
    assert await counts(alice, room) == (1, 0)


async def test_a_receipt_that_comes_while_counts_are_read_is_not_forgotten(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    await tea.restart()
    fetch, reading = tea.counted.fetch, False

    async def read_meanwhile(sql: str, *params: Any) -> Any:
        nonlocal reading
        rows = await fetch(sql, *params)
        if "FROM receipts" in sql and "GROUP BY thread" in sql and not reading:
            reading = True
            await read(bob, room, said)
        return rows

    monkeypatch.setattr(tea.counted, "fetch", read_meanwhile)
    await counts(bob, room)
    assert reading
    assert await counts(bob, room) == (0, 0)


async def test_a_message_that_is_read_before_its_commit_is_told_counts_once(tea: World) -> None:
    alice, bob, room = await pair(tea)
    app = tea.app
    counting = Unread(tea.database, app.eventlog, app.push_rules, app.people.number)
    for content, expected in (({}, Counts(1, 0, {})), ({"m.mentions": {"user_ids": [bob.user_id]}}, Counts(2, 1, {}))):
        pos = app.identifiers.position(await alice.say(room, **content))
        assert pos is not None
        event = await app.eventlog.store.at(tea.database, pos)
        assert event is not None
        state = await app.rooms.require(room)
        for _ in range(2):
            found = await counting.counts(bob.user_no, bob.user_id, state, {}, pos, threads=False)
            assert found == expected
            counting.committed([event])  # what memory has read from the disk a moment earlier


async def test_what_the_predefined_rules_silence_does_not_count(tea: World) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    await read(bob, room, said)
    await alice.say(room, msgtype="m.notice")
    await alice.set(room, "m.room.topic", {"topic": "tea"})
    await alice.say(room, **{"m.relates_to": {"rel_type": "m.replace", "event_id": said}, "m.new_content": {}})
    await alice.send(
        room, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": said, "key": "茶"}}
    )  # fmt: skip
    assert await counts(bob, room) == (0, 0)


async def test_mentions_stand_out_for_those_they_name(tea: World) -> None:
    alice, bob, room = await pair(tea)
    carol = await tea.person("carol")
    await carol.join(room)
    await alice.say(room, **{"m.mentions": {"user_ids": [bob.user_id]}})
    assert await counts(bob, room) == (1, 1)
    assert await counts(carol, room) == (1, 0)
    await alice.say(room, **{"m.mentions": {"room": True}})
    await bob.say(room, **{"m.mentions": {"room": True}})  # may not call everybody
    assert await counts(carol, room) == (3, 1)


async def test_a_redacted_message_stops_counting(tea: World) -> None:
    alice, bob, room = await pair(tea)
    await alice.say(room)
    gone = await alice.say(room, **{"m.mentions": {"user_ids": [bob.user_id]}})
    assert await counts(bob, room) == (2, 1)
    await alice.redact(room, gone)
    assert await counts(bob, room) == (1, 0)


async def test_threads_count_apart_for_those_who_ask(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room)
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    inside = await alice.say(room, **thread)
    await alice.say(room, **thread, **{"m.mentions": {"user_ids": [bob.user_id]}})
    assert await counts(bob, room) == (3, 1)
    assert await by_thread(bob, room) == {"": (1, 0), root: (2, 1)}
    await read(bob, room, root, thread_id="main")
    assert await by_thread(bob, room) == {"": (0, 0), root: (2, 1)}
    await read(bob, room, inside, thread_id=root)
    assert await by_thread(bob, room) == {"": (0, 0), root: (1, 1)}
    last = await alice.say(room)
    await read(bob, room, last)  # unthreaded: all
    assert await by_thread(bob, room) == {"": (0, 0)}


async def test_ones_own_rules_count_at_once_for_what_is_unread(tea: World) -> None:
    alice, bob, room = await pair(tea)
    await alice.say(room, "a pot of oolong")
    await alice.say(room, "water")
    await alice.send(room, "org.example.brew", {"body": "oolong"})
    assert await counts(bob, room) == (2, 0)
    loud = {"pattern": "oolong", "actions": ["notify", {"set_tweak": "highlight"}]}
    await bob.good("PUT", RULE, loud, kind="content", ruleId="tea")
    assert await counts(bob, room) == (3, 2)
    await bob.good("PUT", RULE + "/enabled", {"enabled": False}, kind="content", ruleId="tea")
    assert await counts(bob, room) == (2, 0)
    await bob.good("PUT", RULE, {"actions": []}, kind="room", ruleId=room)
    assert await counts(bob, room) == (0, 0)
    await bob.good("DELETE", RULE, kind="room", ruleId=room)
    await bob.good("PUT", RULE + "/enabled", {"enabled": True}, kind="override", ruleId=".m.rule.master")
    assert await counts(bob, room) == (0, 0)
    await bob.good("PUT", RULE + "/enabled", {"enabled": False}, kind="override", ruleId=".m.rule.master")
    assert await counts(bob, room) == (2, 0)


async def test_both_ways_of_counting_agree_also_after_a_restart(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room)
    await alice.say(room, **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    gone = await alice.say(room)
    await alice.say(room, msgtype="m.notice")
    await alice.say(room, **{"m.mentions": {"room": True}})
    await alice.say(room, **{"m.mentions": {"user_ids": [bob.user_id]}})
    await alice.redact(room, gone)
    plain = (await counts(bob, room), await by_thread(bob, room))
    # A rule that matches nothing here makes the counts go the general way.
    await bob.good("PUT", RULE, {"pattern": "coffee", "actions": []}, kind="content", ruleId="other")
    assert (await counts(bob, room), await by_thread(bob, room)) == plain
    await tea.restart()
    assert (await counts(bob, room), await by_thread(bob, room)) == plain
    await bob.good("DELETE", RULE, kind="content", ruleId="other")
    assert (await counts(bob, room), await by_thread(bob, room)) == plain
    assert plain[0] == (4, 2)


async def test_counts_stop_at_their_limit(tea: World) -> None:
    alice, bob, room = await pair(tea)
    for _ in range(unread.COUNT_MAX + 1):
        await alice.say(room)
    assert await counts(bob, room) == (unread.COUNT_MAX, 0)
    await tea.restart()
    assert await counts(bob, room) == (unread.COUNT_MAX, 0)
