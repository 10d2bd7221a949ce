"""Inviting, joining, knocking, leaving, and being shown out."""

from tests.contract.stage import HIDDEN, Cast


def inviting_and_joining(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice)
    cast.mallory.bad("inviteUser", 403, "M_FORBIDDEN", roomId=room_id, body={"user_id": cast.bob.user_id})
    cast.bob.bad("joinRoomById", 403, "M_FORBIDDEN", roomId=room_id)
    cast.bob.bad("joinRoom", 403, "M_FORBIDDEN", roomIdOrAlias=room_id)
    for guest in (cast.bob, cast.carol):
        cast.alice.good("inviteUser", roomId=room_id, body={"user_id": guest.user_id, "reason": "tea"})
    assert cast.bob.good("joinRoomById", roomId=room_id)["room_id"] == room_id
    assert cast.carol.good("joinRoom", roomIdOrAlias=room_id)["room_id"] == room_id


def a_public_room_is_joined_by_its_alias(cast: Cast) -> None:
    localpart = cast.stage.name("parlour")
    room_id = cast.stage.room(cast.alice, preset="public_chat", room_alias_name=localpart)
    alias = f"#{localpart}:{cast.stage.served.server_name}"
    assert cast.mallory.good("joinRoom", roomIdOrAlias=alias)["room_id"] == room_id


def a_restricted_room_is_joined_through_the_other(cast: Cast) -> None:
    parlour = cast.stage.room(cast.alice, cast.bob)
    rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": parlour}]}
    room_id = cast.stage.room(cast.alice, initial_state=[{"type": "m.room.join_rules", "content": rule}])
    cast.mallory.bad("joinRoomById", 403, "M_FORBIDDEN", roomId=room_id)
    cast.bob.good("joinRoomById", roomId=room_id)


def knocking_waits_at_the_door(cast: Cast) -> None:
    rule = [{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]
    room_id = cast.stage.room(cast.alice, initial_state=rule)
    assert cast.carol.good("knockRoom", roomIdOrAlias=room_id, body={"reason": "tea?"})["room_id"] == room_id
    closed = cast.stage.room(cast.alice)
    cast.carol.bad("knockRoom", 403, "M_FORBIDDEN", roomIdOrAlias=closed)


def leaving_and_forgetting(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob)
    cast.bob.bad("forgetRoom", 400, "M_UNKNOWN", roomId=room_id)
    cast.bob.good("leaveRoom", roomId=room_id, body={"reason": "the kettle"})
    cast.bob.good("forgetRoom", roomId=room_id)
    cast.mallory.bad("leaveRoom", (403, 404), HIDDEN, roomId=room_id)


def showing_people_out(cast: Cast) -> None:
    room_id = cast.stage.room(cast.alice, cast.bob, cast.carol)
    carol = {"user_id": cast.carol.user_id}
    for operation_id in ("kick", "ban"):
        cast.bob.bad(operation_id, 403, "M_FORBIDDEN", roomId=room_id, body=carol)
    cast.alice.good("kick", roomId=room_id, body={**carol, "reason": "spilling"})
    cast.alice.good("ban", roomId=room_id, body=carol)
    cast.carol.bad("joinRoomById", 403, "M_FORBIDDEN", roomId=room_id)
    cast.bob.bad("unban", 403, "M_FORBIDDEN", roomId=room_id, body=carol)
    cast.alice.good("unban", roomId=room_id, body=carol)


PLAYS = (
    inviting_and_joining,
    a_public_room_is_joined_by_its_alias,
    a_restricted_room_is_joined_through_the_other,
    knocking_waits_at_the_door,
    leaving_and_forgetting,
    showing_people_out,
)
