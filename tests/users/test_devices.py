"""Devices: listed, named, deleted."""

from typing import Any

import pytest

from teahouse.users.sessions import DEVICES_MAX
from tests.users.signing import by_password, login, register, signed_in
from tests.world import World


async def names(tea: World, token: str) -> dict[str, Any]:
    answer = await tea.ask(token, "GET", "/devices")
    return {each["device_id"]: each.get("display_name") for each in answer.json["devices"]}


async def test_a_device_is_renamed_by_its_owner_alone(tea: World) -> None:
    alice, bob = await register(tea, "alice", device_id="PHONE"), await register(tea, "bob")
    path, token = "/devices/{deviceId}", alice["access_token"]
    assert (await tea.ask(token, "PUT", path, {"display_name": "茶"}, deviceId="PHONE")).json == {}
    assert await names(tea, token) == {"PHONE": "茶"}
    for nothing in ({}, {"display_name": None}):
        assert (await tea.ask(token, "PUT", path, nothing, deviceId="PHONE")).json == {}
    assert await names(tea, token) == {"PHONE": "茶"}
    for method, body in (("GET", None), ("PUT", {"display_name": "x"})):
        refused = await tea.ask(bob["access_token"], method, path, body, deviceId="PHONE")
        assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND")
    assert (await tea.ask(token, "GET", path, deviceId="\0")).status == 400


@pytest.mark.parametrize("name", ["x" * 256, "a\0b"])
async def test_a_name_that_cannot_be_kept_is_refused(tea: World, name: str) -> None:
    alice = await register(tea, "alice", device_id="PHONE")
    refused = await tea.ask(
        alice["access_token"], "PUT", "/devices/{deviceId}", {"display_name": name}, deviceId="PHONE"
    )
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_deleting_devices_needs_the_password_and_ends_their_sessions(tea: World) -> None:
    alice = await register(tea, "alice", device_id="PHONE")
    tokens = [
        (await login(tea, "alice", device_id=device)).json["access_token"] for device in ("TABLET", "LAPTOP", "TV")
    ]
    token = alice["access_token"]
    assert (await tea.ask(token, "DELETE", "/devices/{deviceId}", {}, deviceId="TABLET")).status == 401
    assert await signed_in(tea, tokens[0])
    auth = {"auth": by_password()}
    assert (await tea.ask(token, "DELETE", "/devices/{deviceId}", auth, deviceId="TABLET")).json == {}
    body = {"devices": ["LAPTOP", "TV", "TV", "NEVER", "\0"]}
    assert (await tea.ask(token, "POST", "/delete_devices", body)).status == 401
    assert (await tea.ask(token, "POST", "/delete_devices", {**body, **auth})).json == {}
    assert await names(tea, token) == {"PHONE": None}
    assert not any([await signed_in(tea, each) for each in tokens])


async def test_deleting_a_device_deletes_its_keys(tea: World) -> None:
    alice = await register(tea, "alice", device_id="PHONE")
    other = await login(tea, "alice", device_id="TABLET")
    keys = {"user_id": alice["user_id"], "device_id": "TABLET", "algorithms": [], "keys": {}, "signatures": {}}
    uploaded = await tea.ask(other.json["access_token"], "POST", "/keys/upload", {"device_keys": keys})
    assert uploaded.status == 200
    query = {"device_keys": {alice["user_id"]: []}}
    before = await tea.ask(alice["access_token"], "POST", "/keys/query", query)
    assert list(before.json["device_keys"][alice["user_id"]]) == ["TABLET"]
    body = {"auth": by_password()}
    await tea.ask(alice["access_token"], "DELETE", "/devices/{deviceId}", body, deviceId="TABLET")
    after = await tea.ask(alice["access_token"], "POST", "/keys/query", query)
    assert after.json["device_keys"][alice["user_id"]] == {}


async def test_an_account_has_a_limited_number_of_devices(tea: World) -> None:
    alice = await tea.person("alice")
    for number in range(DEVICES_MAX - 1):
        await alice.device(f"D{number}")
    await alice.device("D0")  # a known one may sign in again
    with pytest.raises(Exception, match="at most 200 devices"):
        await alice.device("ONE_MORE")
    body = {"devices": [f"D{number}" for number in range(DEVICES_MAX + 1)]}
    refused = await alice.ask("POST", "/delete_devices", body)
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
