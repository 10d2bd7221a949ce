"""What a person keeps on the server for their own clients: account data, tags, filters."""

from tests.contract.stage import BAD_BODY, Cast


def account_data_is_kept_for_its_owner_alone(cast: Cast) -> None:
    kept = {"userId": cast.alice.user_id, "type": "org.example.tea"}
    cast.alice.bad("getAccountData", 404, "M_NOT_FOUND", userId=cast.alice.user_id, type="org.example.unset")
    cast.alice.good("setAccountData", **kept, body={"leaf": "oolong"})
    assert cast.alice.good("getAccountData", **kept) == {"leaf": "oolong"}
    cast.bob.bad("setAccountData", 403, "M_FORBIDDEN", **kept, body={"leaf": "none"})
    cast.bob.bad("getAccountData", 403, "M_FORBIDDEN", **kept)


def account_data_of_a_room_is_kept_apart(cast: Cast) -> None:
    kept = {"userId": cast.alice.user_id, "roomId": cast.direct_room_id, "type": "org.example.tea"}
    cast.alice.good("setAccountDataPerRoom", **kept, body={"leaf": "green"})
    assert cast.alice.good("getAccountDataPerRoom", **kept) == {"leaf": "green"}
    cast.bob.bad("setAccountDataPerRoom", 403, "M_FORBIDDEN", **kept, body={"leaf": "none"})
    cast.bob.bad("getAccountDataPerRoom", 403, "M_FORBIDDEN", **kept)


def what_the_server_writes_cannot_be_set(cast: Cast) -> None:
    own = {"userId": cast.alice.user_id, "type": "m.push_rules"}
    cast.alice.bad("setAccountData", 405, "M_BAD_JSON", **own, body={"global": {}})


def rooms_are_tagged(cast: Cast) -> None:
    tags = {"userId": cast.alice.user_id, "roomId": cast.direct_room_id}
    cast.alice.good("setRoomTag", **tags, tag="m.favourite", body={"order": 0.25})
    assert cast.alice.good("getRoomTags", **tags)["tags"] == {"m.favourite": {"order": 0.25}}
    cast.bob.bad("setRoomTag", 403, "M_FORBIDDEN", **tags, tag="m.favourite")
    cast.bob.bad("getRoomTags", 403, "M_FORBIDDEN", **tags)
    cast.bob.bad("deleteRoomTag", 403, "M_FORBIDDEN", **tags, tag="m.favourite")
    cast.alice.good("deleteRoomTag", **tags, tag="m.favourite")
    assert cast.alice.good("getRoomTags", **tags)["tags"] == {}


def filters_are_stored_under_an_id(cast: Cast) -> None:
    wanted = {"room": {"timeline": {"limit": 5}, "state": {"lazy_load_members": True}}}
    filter_id = cast.alice.good("defineFilter", userId=cast.alice.user_id, body=wanted)["filter_id"]
    stored = cast.alice.good("getFilter", userId=cast.alice.user_id, filterId=filter_id)
    assert stored["room"]["timeline"]["limit"] == 5
    cast.alice.bad("getFilter", 404, "M_NOT_FOUND", userId=cast.alice.user_id, filterId="999999")
    cast.alice.bad("defineFilter", 400, BAD_BODY, userId=cast.alice.user_id, body={"room": "all of them"})


PLAYS = (
    account_data_is_kept_for_its_owner_alone,
    account_data_of_a_room_is_kept_apart,
    what_the_server_writes_cannot_be_set,
    rooms_are_tagged,
    filters_are_stored_under_an_id,
)
