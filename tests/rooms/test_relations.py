"""Relations by the letter: which are followed, which are bundled, which are refused."""

from typing import Any

import pytest

from teahouse.rooms import serving
from tests.rooms.test_history import RELATIONS, THREADS, ids, relates
from tests.world import Person, World

EVENT = "/rooms/{roomId}/event/{eventId}"
IGNORED = "/user/{userId}/account_data/m.ignored_user_list"


async def pair(tea: World) -> tuple[Person, Person, str]:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    return alice, bob, room


async def bundle(reader: Person, room: str, event_id: str) -> Any:
    event = await reader.good("GET", EVENT, roomId=room, eventId=event_id)
    return event["unsigned"].get("m.relations", {})


async def edit(person: Person, room: str, event_id: str, text: str = "better") -> str:
    new = {"m.new_content": {"msgtype": "m.text", "body": text}}
    return await person.say(room, f"* {text}", **relates(event_id, "m.replace"), **new)


async def test_what_hangs_on_something_else_than_asked_for_is_not_found(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room, "root")
    reply = await bob.say(room, "reply", **relates(root, "m.thread"))
    like = await alice.send(room, "m.reaction", relates(root, "m.annotation", key="1"))
    on_reply = await alice.send(room, "m.reaction", relates(reply, "m.annotation", key="2"))
    note = await bob.send(room, "org.example.note", relates(root, "m.annotation", key="3"))
    on_note = await alice.send(room, "m.reaction", relates(note, "m.annotation", key="4"))
    path = {"roomId": room, "eventId": root}
    deep = {"recurse": True, "limit": 100}
    everything = await alice.good("GET", RELATIONS, None, deep, **path)
    assert ids(everything["chunk"]) == [on_note, note, on_reply, like, reply]
    marks = await alice.good("GET", f"{RELATIONS}/m.annotation", None, deep, **path)
    assert ids(marks["chunk"]) == [on_note, note, like]
    reactions = await alice.good("GET", f"{RELATIONS}/m.annotation/m.reaction", None, deep, **path)
    assert ids(reactions["chunk"]) == [like]


async def test_a_redacted_event_keeps_its_thread_and_references_and_loses_its_edit(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room, "root")
    reply = await bob.say(room, "reply", **relates(root, "m.thread"))
    note = await bob.send(room, "org.example.note", relates(root, "m.reference"))
    await edit(alice, room, root)
    await alice.redact(room, root)
    relations = await bundle(bob, room, root)
    assert set(relations) == {"m.thread", "m.reference"}
    assert relations["m.thread"]["latest_event"]["event_id"] == reply
    assert relations["m.reference"]["chunk"] == [{"event_id": note}]
    assert ids((await bob.good("GET", THREADS, roomId=room))["chunk"]) == [root]


async def test_an_edit_has_no_edits(tea: World) -> None:
    alice, _, room = await pair(tea)
    said = await alice.say(room, "first")
    second = await edit(alice, room, said, "second")
    await edit(alice, room, second, "third")
    assert (await bundle(alice, room, said))["m.replace"]["event_id"] == second
    assert "m.replace" not in await bundle(alice, room, second)


async def test_what_ignored_people_say_counts_in_no_thread_and_no_reference(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room, "root")
    own = await alice.say(room, "reply", **relates(root, "m.thread"))
    await bob.say(room, "reply", **relates(root, "m.thread"))
    await bob.send(room, "org.example.note", relates(root, "m.reference"))
    assert (await bundle(alice, room, root))["m.thread"]["count"] == 2
    await alice.good("PUT", IGNORED, {"ignored_users": {bob.user_id: {}}}, userId=alice.user_id)
    relations = await bundle(alice, room, root)
    assert set(relations) == {"m.thread"}
    assert (relations["m.thread"]["count"], relations["m.thread"]["latest_event"]["event_id"]) == (1, own)


async def test_the_root_of_a_thread_by_one_who_is_ignored_is_shown_emptied(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await bob.say(room, "root")
    await alice.say(room, "reply", **relates(root, "m.thread"))
    await alice.good("PUT", IGNORED, {"ignored_users": {bob.user_id: {}}}, userId=alice.user_id)
    [shown] = (await alice.good("GET", THREADS, roomId=room))["chunk"]
    assert (shown["event_id"], shown["content"]) == (root, {})
    assert shown["unsigned"]["m.relations"]["m.thread"]["count"] == 1
    [open_to_bob] = (await bob.good("GET", THREADS, roomId=room))["chunk"]
    assert open_to_bob["content"]["body"] == "root"


async def test_the_many_replies_to_one_event_hide_no_edit_of_another(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CHILDREN_BUNDLED_MAX", 3)
    alice, _, room = await pair(tea)
    root, said = await alice.say(room, "root"), await alice.say(room, "said")
    for _ in range(4):
        await alice.say(room, "reply", **relates(root, "m.thread"))
    newest = await edit(alice, room, said)
    page = await alice.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 50}, roomId=room)
    shown = next(event for event in page["chunk"] if event["event_id"] == said)
    assert shown["unsigned"]["m.relations"]["m.replace"]["event_id"] == newest


async def test_nothing_is_annotated_twice_in_the_same_way(tea: World) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    send = "/rooms/{roomId}/send/{eventType}/{txnId}"

    async def annotate(person: Person, kind: str, key: str) -> str | None:
        body = relates(said, "m.annotation", key=key)
        return (await person.ask("PUT", send, body, roomId=room, eventType=kind, txnId=tea.next_txn())).errcode

    for person, kind, key in ((bob, "m.reaction", "👍"), (bob, "org.example.mark", "👍"), (bob, "m.reaction", "👎"),
                              (alice, "m.reaction", "👍")):  # fmt: skip
        assert await annotate(person, kind, key) is None
        assert await annotate(person, kind, key) == "M_DUPLICATE_ANNOTATION"


async def test_a_thread_begins_at_no_event_that_relates_to_another(tea: World) -> None:
    alice, _, room = await pair(tea)
    root = await alice.say(room, "root")
    reply = await alice.say(room, "reply", **relates(root, "m.thread"))
    answered = await alice.say(room, "answer", **{"m.relates_to": {"m.in_reply_to": {"event_id": root}}})
    body = {"msgtype": "m.text", "body": "nested", **relates(reply, "m.thread")}
    path = {"roomId": room, "eventType": "m.room.message", "txnId": "nested"}
    refused = await alice.ask("PUT", "/rooms/{roomId}/send/{eventType}/{txnId}", body, **path)
    assert (refused.status, refused.errcode) == (400, "M_UNKNOWN")
    await alice.say(room, "begun at a plain answer", **relates(answered, "m.thread"))


async def test_pages_can_be_asked_for_what_others_relate_to(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root, said, liked = [await alice.say(room, text) for text in ("root", "said", "liked")]
    await bob.say(room, "reply", **relates(root, "m.thread"))
    await alice.say(room, "reply", **relates(root, "m.thread"))
    await alice.send(room, "m.reaction", relates(liked, "m.annotation", key="1"))
    await edit(alice, room, said)

    async def page(**wanted: Any) -> set[str]:
        query = {"dir": "b", "limit": 100, "filter": wanted}
        return set(ids((await bob.good("GET", "/rooms/{roomId}/messages", None, query, roomId=room))["chunk"]))

    assert await page(related_by_rel_types=["m.thread"]) == {root}
    assert await page(related_by_rel_types=["m.thread", "m.replace"]) == {root, said}
    assert await page(related_by_senders=[alice.user_id]) == {root, said, liked}
    assert await page(related_by_senders=[bob.user_id]) == {root}
    assert await page(related_by_senders=[bob.user_id], related_by_rel_types=["m.annotation"]) == set()
    for nothing in ({"related_by_senders": ["@no:tea.test"]}, {"related_by_rel_types": []}):
        assert await page(**nothing) == set()
