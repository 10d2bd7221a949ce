"""Replies in threads, edits and reactions, and reading them back."""

from tests.contract.stage import BAD_BODY, HIDDEN, Cast


def relations_of_an_event_are_listed(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    parent = cast.alice.say(room_id)
    annotation = {"rel_type": "m.annotation", "event_id": parent, "key": "🍵"}
    reaction = cast.bob.send(room_id, {"m.relates_to": annotation}, "m.reaction")
    cast.bob.bad(
        "sendMessage",
        400,
        "M_DUPLICATE_ANNOTATION",
        roomId=room_id,
        eventType="m.reaction",
        txnId=cast.stage.name("txn"),
        body={"m.relates_to": annotation},
    )
    place = {"roomId": room_id, "eventId": parent}
    narrowed = {"relType": "m.annotation", "eventType": "m.reaction"}
    wanted = (
        ("getRelatingEvents", place),
        ("getRelatingEventsWithRelType", {**place, "relType": "m.annotation"}),
        ("getRelatingEventsWithRelTypeAndEventType", {**place, **narrowed}),
    )
    for operation_id, path in wanted:
        chunk = cast.alice.good(operation_id, **path)["chunk"]
        assert [event["event_id"] for event in chunk] == [reaction]
        cast.mallory.bad(operation_id, (403, 404), HIDDEN, **path)


def an_edit_is_bundled_with_what_it_edits(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    event_id = cast.alice.say(room_id, "tow cups")
    edited = {
        "msgtype": "m.text",
        "body": "* two cups",
        "m.new_content": {"msgtype": "m.text", "body": "two cups"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }
    edit = cast.alice.send(room_id, edited)
    event = cast.bob.good("getOneRoomEvent", roomId=room_id, eventId=event_id)
    assert event["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit


def threads_are_listed_by_their_roots(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    root = cast.alice.say(room_id, "a long talk")
    for text in ("first", "second"):
        reply = {"rel_type": "m.thread", "event_id": root}
        cast.bob.send(room_id, {"msgtype": "m.text", "body": text, "m.relates_to": reply})
    threads = cast.alice.good("getThreadRoots", roomId=room_id, query={"include": "all", "limit": 5})["chunk"]
    assert [event["event_id"] for event in threads] == [root]
    assert threads[0]["unsigned"]["m.relations"]["m.thread"]["count"] == 2
    assert cast.alice.good("getThreadRoots", roomId=room_id, query={"include": "participated"})["chunk"]
    cast.mallory.bad("getThreadRoots", (403, 404), HIDDEN, roomId=room_id)
    cast.alice.bad("getThreadRoots", 400, BAD_BODY, roomId=room_id, query={"include": "some"})


PLAYS = (
    relations_of_an_event_are_listed,
    an_edit_is_bundled_with_what_it_edits,
    threads_are_listed_by_their_roots,
)
