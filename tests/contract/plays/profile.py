"""Names, pictures and the profile's other fields."""

from tests.contract.stage import Cast


def a_profile_is_set_read_and_emptied(cast: Cast) -> None:
    alice = cast.alice
    mine = {"userId": alice.user_id}
    alice.good("setProfileField", **mine, keyName="displayname", body={"displayname": "Alice in Tea"})
    alice.good("setProfileField", **mine, keyName="m.tz", body={"m.tz": "Asia/Shanghai"})
    assert alice.good("getProfileField", **mine, keyName="displayname") == {"displayname": "Alice in Tea"}
    assert cast.bob.good("getUserProfile", **mine)["m.tz"] == "Asia/Shanghai"
    alice.good("deleteProfileField", **mine, keyName="m.tz")
    alice.bad("getProfileField", 404, "M_NOT_FOUND", **mine, keyName="m.tz")


def a_profile_is_its_owners_to_change(cast: Cast) -> None:
    hers = {"userId": cast.alice.user_id, "keyName": "displayname"}
    cast.bob.bad("setProfileField", 403, "M_FORBIDDEN", **hers, body={"displayname": "Bob's now"})
    cast.bob.bad("deleteProfileField", 403, "M_FORBIDDEN", **hers)


def nobody_has_no_profile(cast: Cast) -> None:
    nobody = f"@{cast.stage.name('nobody')}:{cast.stage.served.server_name}"
    cast.alice.bad("getUserProfile", (403, 404), {"M_NOT_FOUND", "M_FORBIDDEN"}, userId=nobody)


PLAYS = (a_profile_is_set_read_and_emptied, a_profile_is_its_owners_to_change, nobody_has_no_profile)
