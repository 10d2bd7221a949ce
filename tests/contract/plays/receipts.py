"""Having read, being about to write, being there: receipts, markers, typing, presence."""

from tests.contract.stage import BAD_BODY, HIDDEN, Cast


def receipts_say_how_far_one_has_read(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    event_id = cast.alice.say(room_id)
    place = {"roomId": room_id, "eventId": event_id}
    for body in ({}, {"thread_id": "main"}):
        cast.bob.good("postReceipt", **place, receiptType="m.read", body=body)
    cast.bob.good("postReceipt", **place, receiptType="m.read.private")
    cast.bob.bad("postReceipt", 400, BAD_BODY, **place, receiptType="m.read", body={"thread_id": ""})
    cast.mallory.bad("postReceipt", (403, 404), HIDDEN, **place, receiptType="m.read")


def markers_move_with_reading(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    event_id = cast.alice.say(room_id)
    cast.bob.good("setReadMarker", roomId=room_id, body={"m.fully_read": event_id, "m.read": event_id})
    cast.bob.bad("setReadMarker", 400, BAD_BODY, roomId=room_id, body={"m.read": 7})
    cast.mallory.bad("setReadMarker", (403, 404), HIDDEN, roomId=room_id, body={"m.read": event_id})


def typing_is_for_oneself(cast: Cast) -> None:
    place = {"roomId": cast.direct_room_id, "userId": cast.alice.user_id}
    cast.alice.good("setTyping", **place, body={"typing": True, "timeout": 1000})
    cast.alice.good("setTyping", **place, body={"typing": False})
    cast.bob.bad("setTyping", 403, "M_FORBIDDEN", **place, body={"typing": False})


def presence_is_set_by_oneself_and_seen_by_contacts(cast: Cast) -> None:
    place = {"userId": cast.alice.user_id}
    cast.alice.good("setPresence", **place, body={"presence": "online", "status_msg": "steeping"})
    assert cast.bob.good("getPresence", **place)["presence"] in {"online", "offline", "unavailable"}
    cast.bob.bad("setPresence", 403, "M_FORBIDDEN", **place, body={"presence": "offline"})
    cast.mallory.bad("getPresence", (403, 404), HIDDEN, **place)


PLAYS = (
    receipts_say_how_far_one_has_read,
    markers_move_with_reading,
    typing_is_for_oneself,
    presence_is_set_by_oneself_and_seen_by_contacts,
)
