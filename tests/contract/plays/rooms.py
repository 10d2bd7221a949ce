"""Making rooms, their state, and who is in them."""

from tests.contract.stage import BAD_BODY, HIDDEN, Cast


def every_preset_makes_a_room(cast: Cast) -> None:
    for preset in ("private_chat", "trusted_private_chat", "public_chat"):
        initial_state = [{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}]
        fields = {"preset": preset, "topic": "tea", "initial_state": initial_state}
        room_id = cast.alice.good("createRoom", body=fields)["room_id"]
        kept = cast.alice.good(
            "getRoomStateWithKey", roomId=room_id, eventType="m.room.history_visibility", stateKey=""
        )
        assert kept == {"history_visibility": "joined"}
    cast.alice.bad("createRoom", 400, "M_UNSUPPORTED_ROOM_VERSION", body={"room_version": "tea"})
    cast.alice.bad("createRoom", 400, BAD_BODY, body={"invite": "everyone"})


def every_room_version_offered_can_be_had(cast: Cast) -> None:
    offered = cast.alice.good("getCapabilities")["capabilities"]["m.room_versions"]["available"]
    for version in sorted({"10", "11", "12"} & set(offered)):
        room_id = cast.alice.good("createRoom", body={"room_version": version, "preset": "private_chat"})["room_id"]
        created = cast.alice.good("getRoomStateWithKey", roomId=room_id, eventType="m.room.create", stateKey="")
        assert created["room_version"] == version


def state_is_set_and_read(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    place = {"roomId": room_id, "eventType": "m.room.topic", "stateKey": ""}
    cast.alice.good("setRoomStateWithKey", **place, body={"topic": "leaves"})
    assert cast.bob.good("getRoomStateWithKey", **place)["topic"] == "leaves"
    event = cast.bob.good("getRoomStateWithKey", **place, query={"format": "event"})
    assert event["content"]["topic"] == "leaves"
    assert "m.room.topic" in [event["type"] for event in cast.bob.good("getRoomState", roomId=room_id)]
    cast.bob.bad("setRoomStateWithKey", 403, "M_FORBIDDEN", **place, body={"topic": "mine"})
    cast.alice.bad("getRoomStateWithKey", 404, "M_NOT_FOUND", roomId=room_id, eventType="org.unset", stateKey="x")
    cast.mallory.bad("getRoomState", 403, "M_FORBIDDEN", roomId=room_id)


def members_are_seen_by_members(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    members = cast.bob.good("getMembersByRoom", roomId=room_id, query={"membership": "join"})["chunk"]
    assert {member["state_key"] for member in members} == {cast.alice.user_id, cast.bob.user_id}
    joined = cast.bob.good("getJoinedMembersByRoom", roomId=room_id)["joined"]
    assert set(joined) == {cast.alice.user_id, cast.bob.user_id}
    assert room_id in cast.bob.good("getJoinedRooms")["joined_rooms"]
    cast.mallory.bad("getMembersByRoom", 403, "M_FORBIDDEN", roomId=room_id)
    cast.mallory.bad("getJoinedMembersByRoom", 403, "M_FORBIDDEN", roomId=room_id)
    cast.bob.signed_out("getJoinedRooms")


def a_room_is_upgraded_by_its_owner(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob, room_version="10")
    cast.bob.bad("upgradeRoom", 403, "M_FORBIDDEN", roomId=room_id, body={"new_version": "11"})
    cast.alice.bad("upgradeRoom", 400, "M_UNSUPPORTED_ROOM_VERSION", roomId=room_id, body={"new_version": "tea"})
    replacement = cast.alice.good("upgradeRoom", roomId=room_id, body={"new_version": "11"})["replacement_room"]
    tombstone = {"roomId": room_id, "eventType": "m.room.tombstone", "stateKey": ""}
    assert cast.alice.good("getRoomStateWithKey", **tombstone)["replacement_room"] == replacement


def aliases_lead_to_rooms(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, preset="public_chat")
    alias = f"#{cast.stage.name('alias')}:{cast.stage.served.server_name}"
    cast.alice.bad("getRoomIdByAlias", 404, "M_NOT_FOUND", roomAlias=alias)
    cast.alice.good("setRoomAlias", roomAlias=alias, body={"room_id": room_id})
    assert cast.bob.good("getRoomIdByAlias", roomAlias=alias)["room_id"] == room_id
    assert cast.alice.good("getLocalAliases", roomId=room_id)["aliases"] == [alias]
    cast.alice.bad("setRoomAlias", 409, {"M_UNKNOWN", "M_ROOM_IN_USE"}, roomAlias=alias, body={"room_id": room_id})
    private = cast.stage.room(cast.alice)
    cast.mallory.bad("getLocalAliases", 403, "M_FORBIDDEN", roomId=private)
    cast.alice.good("deleteRoomAlias", roomAlias=alias)
    cast.alice.bad("deleteRoomAlias", 404, "M_NOT_FOUND", roomAlias=alias)


def the_directory_lists_what_is_published(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, preset="public_chat")
    cast.alice.good("setRoomVisibilityOnDirectory", roomId=room_id, body={"visibility": "public"})
    assert cast.bob.good("getRoomVisibilityOnDirectory", roomId=room_id) == {"visibility": "public"}
    cast.mallory.bad("setRoomVisibilityOnDirectory", (403, 404), HIDDEN, roomId=room_id, body={"visibility": "private"})
    cast.alice.bad("getRoomVisibilityOnDirectory", 404, "M_NOT_FOUND", roomId="!nosuchroom:example.org")
    listed = cast.bob.good("getPublicRooms")["chunk"]
    assert room_id in [room["room_id"] for room in listed]
    cast.bob.good("queryPublicRooms", body={"limit": 1, "filter": {"generic_search_term": "room"}})
    cast.bob.bad("getPublicRooms", 400, BAD_BODY, query={"limit": "many"})
    cast.bob.bad("queryPublicRooms", 400, "M_NOT_JSON", content=b"{")


PLAYS = (
    every_preset_makes_a_room,
    every_room_version_offered_can_be_had,
    state_is_set_and_read,
    members_are_seen_by_members,
    a_room_is_upgraded_by_its_owner,
    aliases_lead_to_rooms,
    the_directory_lists_what_is_published,
)
