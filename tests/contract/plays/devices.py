"""The devices of one person."""

from tests.contract.stage import Cast


def devices_are_listed_and_renamed(cast: Cast) -> None:
    listed = cast.alice.good("getDevices")["devices"]
    assert cast.alice.device_id in [device["device_id"] for device in listed]
    cast.alice.signed_out("getDevices")
    cast.alice.good("updateDevice", deviceId=cast.alice.device_id, body={"display_name": "kettle"})
    assert cast.alice.good("getDevice", deviceId=cast.alice.device_id)["display_name"] == "kettle"
    cast.alice.bad("getDevice", 404, "M_NOT_FOUND", deviceId="NOSUCHDEVICE")
    cast.alice.bad("updateDevice", 404, "M_NOT_FOUND", deviceId="NOSUCHDEVICE", body={"display_name": "x"})


def deleting_devices_asks_for_the_password(cast: Cast) -> None:
    second, third = (cast.stage.signed_in(cast.alice.localpart) for _ in range(2))
    cast.alice.proven("deleteDevice", deviceId=second.device_id)
    second.bad("getTokenOwner", 401, "M_UNKNOWN_TOKEN")
    cast.alice.proven("deleteDevices", {"devices": [third.device_id]})
    third.bad("getTokenOwner", 401, "M_UNKNOWN_TOKEN")


PLAYS = (devices_are_listed_and_renamed, deleting_devices_asks_for_the_password)
