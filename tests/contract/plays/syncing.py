"""Sync: every section, by every filter, first and later."""

import json
from typing import Any

from tests.contract.stage import BAD_BODY, Cast, Person

FILTER = {"room": {"timeline": {"limit": 2}, "state": {"lazy_load_members": True}}, "presence": {"limit": 0}}


def every_section_of_a_sync_appears(cast: Cast) -> None:
    alice, bob, carol = cast.alice, cast.bob, cast.carol
    since = _sync(carol)["next_batch"]
    joined = cast.stage.room(alice, carol)
    left = cast.stage.room(alice, carol)
    carol.good("leaveRoom", roomId=left)
    invited = cast.stage.room(alice)
    alice.good("inviteUser", roomId=invited, body={"user_id": carol.user_id})
    rule = [{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]
    knocked = cast.stage.room(bob, initial_state=rule)
    carol.good("knockRoom", roomIdOrAlias=knocked)
    event_id = alice.say(joined)
    alice.good("postReceipt", roomId=joined, eventId=event_id, receiptType="m.read")
    alice.good("setTyping", roomId=joined, userId=alice.user_id, body={"typing": True, "timeout": 5000})
    carol.good("setRoomTag", userId=carol.user_id, roomId=joined, tag="m.favourite", body={"order": 0.5})
    rooms = _sync(carol, since=since)["rooms"]
    assert joined in rooms["join"]
    assert invited in rooms["invite"]
    assert knocked in rooms["knock"]
    assert left in rooms["leave"]
    assert rooms["join"][joined]["timeline"]["events"][-1]["event_id"] == event_id


def a_sync_takes_filters_by_id_and_inline(cast: Cast) -> None:
    alice = cast.alice
    filter_id = alice.good("defineFilter", userId=alice.user_id, body=FILTER)["filter_id"]
    for given in (filter_id, json.dumps(FILTER)):
        rooms = _sync(alice, filter=given)["rooms"]["join"]
        assert all(len(room["timeline"]["events"]) <= 2 for room in rooms.values())
    _sync(alice, full_state="true")
    _sync(alice, use_state_after="true")
    _sync(alice, set_presence="offline")


def a_later_sync_tells_only_what_is_new(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    since = _sync(cast.bob)["next_batch"]
    event_id = cast.alice.say(room_id)
    timeline = _sync(cast.bob, since=since)["rooms"]["join"][room_id]["timeline"]["events"]
    assert [event["event_id"] for event in timeline] == [event_id]


def a_sync_that_makes_no_sense_is_refused(cast: Cast) -> None:
    cast.alice.bad("sync", 400, BAD_BODY, query={"timeout": "soon"})
    cast.alice.bad("sync", 400, BAD_BODY | {"M_NOT_JSON", "M_UNKNOWN"}, query={"timeout": 0, "filter": "{"})


def _sync(person: Person, **query: str) -> Any:
    return person.good("sync", query={"timeout": "0", **query})


PLAYS = (
    every_section_of_a_sync_appears,
    a_sync_takes_filters_by_id_and_inline,
    a_later_sync_tells_only_what_is_new,
    a_sync_that_makes_no_sense_is_refused,
)
