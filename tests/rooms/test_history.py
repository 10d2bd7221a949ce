"""Reading a room back: pages, single events, context, relations, threads, members."""

from typing import Any

from tests.world import Person, World

MESSAGES = "/rooms/{roomId}/messages"
RELATIONS = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}"
THREADS = "/_matrix/client/v1/rooms/{roomId}/threads"


def ids(events: Any) -> list[str]:
    return [event["event_id"] for event in events]


def relates(event_id: str, rel_type: str, **more: Any) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": rel_type, "event_id": event_id, **more}}


async def all_pages(reader: Person, room_id: str, **query: Any) -> list[str]:
    """Every event that paging shows, page by page until there is no further token."""
    found: list[str] = []
    token = None
    while True:
        page = await reader.good("GET", MESSAGES, None, {**query, "from": token}, roomId=room_id)
        found += ids(page["chunk"])
        assert page.get("end") != page["start"] or not page["chunk"]
        token = page.get("end")
        if token is None or (not page["chunk"] and query["dir"] == "f"):
            return found


async def test_paging_shows_every_event_once_in_both_directions(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    other = await alice.create(preset="public_chat")
    sent = []
    for number in range(23):
        sent.append(await alice.say(room, str(number)))
        await alice.say(other)
    await bob.join(room)
    backwards = await all_pages(bob, room, dir="b", limit=4)
    forwards = await all_pages(bob, room, dir="f", limit=5)
    assert forwards == list(reversed(backwards))
    assert [event_id for event_id in forwards if event_id in sent] == sent
    assert len(set(forwards)) == len(forwards)


async def test_a_page_stops_at_its_other_end_and_honours_its_filter(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    first = await alice.say(room, "one")
    token = (await alice.sync())["next_batch"]
    second = await alice.say(room, "two")
    await alice.send(room, "com.example.tea", {})
    query = {"dir": "b", "limit": 10, "to": token}
    assert ids((await alice.good("GET", MESSAGES, None, query, roomId=room))["chunk"])[1:] == [second]
    query = {"dir": "b", "limit": 100, "filter": {"types": ["m.room.message"]}}
    assert ids((await alice.good("GET", MESSAGES, None, query, roomId=room))["chunk"]) == [second, first]


async def test_context_gives_the_events_around_one_and_the_state_there(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(name="before")
    sent = [await alice.say(room, str(number)) for number in range(5)]
    await alice.set(room, "m.room.name", {"name": "after"})
    path = {"roomId": room, "eventId": sent[2]}
    found = await alice.good("GET", "/rooms/{roomId}/context/{eventId}", None, {"limit": 3}, **path)
    assert found["event"]["event_id"] == sent[2]
    assert ids(found["events_before"]) == [sent[1], sent[0]]
    assert ids(found["events_after"]) == [sent[3]]
    assert [e["content"]["name"] for e in found["state"] if e["type"] == "m.room.name"] == ["before"]
    bare = await alice.good("GET", "/rooms/{roomId}/context/{eventId}", None, {"limit": 0}, **path)
    assert (bare["events_before"], bare["events_after"]) == ([], [])
    query = {"dir": "b", "from": found["start"]}
    assert ids((await alice.good("GET", MESSAGES, None, query, roomId=room))["chunk"])[0] != sent[0]
    query = {"dir": "f", "from": found["end"], "limit": 1}
    assert ids((await alice.good("GET", MESSAGES, None, query, roomId=room))["chunk"]) == [sent[4]]


async def test_relations_are_listed_by_kind_paged_and_followed_to_grandchildren(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    root = await alice.say(room, "root")
    replies = [await bob.say(room, f"reply {n}", **relates(root, "m.thread")) for n in range(3)]
    like = await bob.send(room, "m.reaction", relates(root, "m.annotation", key="👍"))
    grandchild = await alice.send(room, "m.reaction", relates(replies[0], "m.annotation", key="🍵"))
    path = {"roomId": room, "eventId": root}
    everything = await alice.good("GET", RELATIONS, None, None, **path)
    assert ids(everything["chunk"]) == [like, *reversed(replies)]
    threads = await alice.good("GET", f"{RELATIONS}/m.thread", None, {"dir": "f"}, **path)
    assert ids(threads["chunk"]) == replies
    reactions = await alice.good("GET", f"{RELATIONS}/m.annotation/m.reaction", None, None, **path)
    assert ids(reactions["chunk"]) == [like]
    deep = await alice.good("GET", RELATIONS, None, {"recurse": True}, **path)
    assert set(ids(deep["chunk"])) == {like, grandchild, *replies}
    assert deep["recursion_depth"] >= 2
    page = await alice.good("GET", RELATIONS, None, {"limit": 3}, **path)
    rest = await alice.good("GET", RELATIONS, None, {"limit": 3, "from": page["next_batch"]}, **path)
    assert ids(page["chunk"]) + ids(rest["chunk"]) == [like, *reversed(replies)]
    assert "next_batch" not in rest


async def test_bundles_tell_of_edits_threads_and_references(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    root = await alice.say(room, "root")
    reply = await bob.say(room, "reply", **relates(root, "m.thread"))
    edit = await alice.say(
        room, "* better", **relates(root, "m.replace"), **{"m.new_content": {"msgtype": "m.text", "body": "better"}}
    )
    forged = await bob.say(
        room, "* worse", **relates(root, "m.replace"), **{"m.new_content": {"msgtype": "m.text", "body": "worse"}}
    )
    reference = await bob.send(room, "com.example.note", relates(root, "m.reference"))
    path = {"roomId": room, "eventId": root}
    event = await bob.good("GET", "/rooms/{roomId}/event/{eventId}", None, None, **path)
    relations = event["unsigned"]["m.relations"]
    assert event["content"]["body"] == "root"
    assert relations["m.replace"]["event_id"] == edit
    assert forged not in str(relations)
    assert relations["m.reference"] == {"chunk": [{"event_id": reference}]}
    assert relations["m.thread"]["latest_event"]["event_id"] == reply
    assert relations["m.thread"]["count"] == 1
    assert relations["m.thread"]["current_user_participated"] is True
    await alice.redact(room, edit)
    await bob.redact(room, reply)
    event = await bob.good("GET", "/rooms/{roomId}/event/{eventId}", None, None, **path)
    assert set(event["unsigned"]["m.relations"]) == {"m.reference"}


async def test_threads_are_listed_newest_first_and_by_participation(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    roots = [await alice.say(room, f"root {n}") for n in range(3)]
    for root in (*roots, roots[0]):
        await alice.say(room, "reply", **relates(root, "m.thread"))
    await bob.say(room, "mine", **relates(roots[1], "m.thread"))
    found = await bob.good("GET", THREADS, None, None, roomId=room)
    assert ids(found["chunk"]) == [roots[1], roots[0], roots[2]]
    own = await bob.good("GET", THREADS, None, {"include": "participated"}, roomId=room)
    assert ids(own["chunk"]) == [roots[1]]
    started = await alice.good("GET", THREADS, None, {"include": "participated"}, roomId=room)
    assert set(ids(started["chunk"])) == set(roots)
    page = await bob.good("GET", THREADS, None, {"limit": 2}, roomId=room)
    rest = await bob.good("GET", THREADS, None, {"limit": 2, "from": page["next_batch"]}, roomId=room)
    assert ids(page["chunk"]) + ids(rest["chunk"]) == [roots[1], roots[0], roots[2]]


async def test_members_are_listed_now_and_then_and_by_membership(tea: World) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await alice.create(preset="public_chat")
    before = (await alice.sync())["next_batch"]
    await bob.join(room)
    await alice.invite(room, carol)

    async def listed(**query: Any) -> dict[str, str]:
        found = await alice.good("GET", "/rooms/{roomId}/members", None, query, roomId=room)
        return {event["state_key"]: event["content"]["membership"] for event in found["chunk"]}

    assert await listed() == {alice.user_id: "join", bob.user_id: "join", carol.user_id: "invite"}
    assert await listed(membership="invite") == {carol.user_id: "invite"}
    assert await listed(not_membership="join") == {carol.user_id: "invite"}
    assert await listed(at=before) == {alice.user_id: "join"}
    joined = await alice.good("GET", "/rooms/{roomId}/joined_members", roomId=room)
    assert joined["joined"] == {p.user_id: {"display_name": n} for p, n in ((alice, "alice"), (bob, "bob"))}


async def test_one_who_left_reads_the_state_as_it_was_then(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", name="then")
    await bob.join(room)
    await bob.leave(room)
    after = await alice.set(room, "m.room.name", {"name": "now"})
    late = await alice.say(room, "late")
    path = {"roomId": room, "eventType": "m.room.name"}
    name = await bob.good("GET", "/rooms/{roomId}/state/{eventType}/", **path)
    assert name == {"name": "then"}
    state = await bob.good("GET", "/rooms/{roomId}/state", roomId=room)
    assert after not in ids(state)
    assert late not in await all_pages(bob, room, dir="b", limit=100)
    for event_id in (after, late):
        answer = await bob.ask("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=event_id)
        assert answer.status == 404


async def test_a_retried_send_is_stored_once_and_a_redaction_of_it_too(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    path = {"roomId": room, "eventType": "m.room.message", "txnId": "same"}
    send = "/rooms/{roomId}/send/{eventType}/{txnId}"
    body = {"msgtype": "m.text", "body": "once"}
    first = await alice.good("PUT", send, body, **path)
    assert await alice.good("PUT", send, body, **path) == first
    await tea.restart()
    assert await alice.good("PUT", send, body, **path) == first
    redact = {"roomId": room, "eventId": first["event_id"], "txnId": "same"}
    gone = await alice.good("PUT", "/rooms/{roomId}/redact/{eventId}/{txnId}", {}, **redact)
    assert await alice.good("PUT", "/rooms/{roomId}/redact/{eventId}/{txnId}", {}, **redact) == gone
    second = await (await alice.device("SECOND")).good("PUT", send, body, **path)
    assert second != first
    shown = await all_pages(alice, room, dir="b", limit=100)
    assert shown[:3] == [second["event_id"], gone["event_id"], first["event_id"]]


async def test_a_redacted_event_keeps_its_place_and_loses_its_content(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    event_id = await bob.say(room, "secret words")
    topic = await alice.set(room, "m.room.topic", {"topic": "secret topic"})
    redaction = await bob.redact(room, event_id)
    await alice.redact(room, topic)
    event = await alice.good("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=event_id)
    assert event["content"] == {}
    assert event["unsigned"]["redacted_because"]["event_id"] == redaction
    state = await alice.good("GET", "/rooms/{roomId}/state", roomId=room)
    assert next(e for e in state if e["type"] == "m.room.topic")["content"] == {}
    again = await alice.ask("PUT", "/rooms/{roomId}/redact/{eventId}/{txnId}", {}, roomId=room, eventId="$x", txnId="1")
    assert again.status == 404
    stored = [bytes(row[0]) for row in await tea.database.fetch("SELECT event FROM events LIMIT 1000")]
    assert not any(b"secret" in event for event in stored)


async def test_a_page_reads_as_many_events_as_it_shows(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat")
    for _ in range(40):
        await alice.say(room)
    for limit in (1, 5, 20):  # the first reads what stays in memory too
        before = tea.counted.cost
        page = await alice.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": limit}, roomId=room)
        assert len(page["chunk"]) == limit
        assert limit == 1 or (tea.counted.cost - before).rows == limit
