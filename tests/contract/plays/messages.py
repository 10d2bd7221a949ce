"""Sending, redacting, and reading what was said."""

from tests.contract.stage import BAD_BODY, HIDDEN, Cast


def a_message_is_sent_once_per_transaction(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    place = {"roomId": room_id, "eventType": "m.room.message", "txnId": cast.stage.name("txn")}
    said = {"msgtype": "m.text", "body": "two cups"}
    first = cast.alice.good("sendMessage", **place, body=said)
    assert cast.alice.good("sendMessage", **place, body=said) == first
    cast.mallory.bad("sendMessage", 403, "M_FORBIDDEN", **place, body=said)
    cast.alice.bad("sendMessage", 400, "M_NOT_JSON", **{**place, "txnId": "broken"}, content=b"{")
    event = cast.bob.good("getOneRoomEvent", roomId=room_id, eventId=first["event_id"])
    assert event["content"] == said


def history_is_paged_both_ways(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    event_ids = [cast.alice.say(room_id, f"cup {number}") for number in range(5)]
    newest = cast.bob.good("getRoomEvents", roomId=room_id, query={"dir": "b", "limit": 3})
    assert [event["event_id"] for event in newest["chunk"]] == event_ids[:1:-1]
    older = cast.bob.good("getRoomEvents", roomId=room_id, query={"dir": "b", "limit": 2, "from": newest["end"]})
    assert [event["event_id"] for event in older["chunk"]] == event_ids[1::-1]
    cast.bob.good("getRoomEvents", roomId=room_id, query={"dir": "f"})
    cast.mallory.bad("getRoomEvents", 403, "M_FORBIDDEN", roomId=room_id, query={"dir": "b"})
    cast.bob.bad("getRoomEvents", 400, BAD_BODY | {"M_UNKNOWN"}, roomId=room_id, query={"dir": "sideways"})


def context_surrounds_an_event(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    before, event_id, after = (cast.alice.say(room_id, text) for text in ("one", "two", "three"))
    around = cast.bob.good("getEventContext", roomId=room_id, eventId=event_id, query={"limit": 2})
    assert around["event"]["event_id"] == event_id
    assert [event["event_id"] for event in around["events_before"] + around["events_after"]] == [before, after]
    alone = cast.bob.good("getEventContext", roomId=room_id, eventId=event_id, query={"limit": 0})
    assert alone["event"]["event_id"] == event_id
    cast.mallory.bad("getEventContext", (403, 404), HIDDEN, roomId=room_id, eventId=event_id)
    cast.mallory.bad("getOneRoomEvent", (403, 404), HIDDEN, roomId=room_id, eventId=event_id)


def a_redacted_message_is_emptied(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    event_id = cast.alice.say(room_id)
    place = {"roomId": room_id, "eventId": event_id}
    cast.bob.bad("redactEvent", 403, "M_FORBIDDEN", **place, txnId=cast.stage.name("txn"))
    cast.alice.good("redactEvent", **place, txnId=cast.stage.name("txn"), body={"reason": "cold"})
    event = cast.bob.good("getOneRoomEvent", **place)
    assert event["content"] == {}
    assert event["unsigned"]["redacted_because"]["content"]["reason"] == "cold"


PLAYS = (
    a_message_is_sent_once_per_transaction,
    history_is_paged_both_ways,
    context_surrounds_an_event,
    a_redacted_message_is_emptied,
)
