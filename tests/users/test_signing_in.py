"""Signing in by password and by token; guessing is slow; closed accounts."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from argon2 import extract_parameters
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.errors import LimitExceeded, WrongPassword
from teahouse.users import passwords
from teahouse.users.accounts import TRIES_AT_ONCE_MAX
from teahouse.users.passwords import Passwords
from teahouse.users.types import NewDevice
from tests.clock import ManualClock
from tests.databases import Place
from tests.users.signing import PASSWORD, by_password, login, register, signed_in
from tests.world import SERVER, World, world

GET_TOKEN = "/_matrix/client/v1/login/get_token"


async def test_one_signs_in_by_name_or_by_id(tea: World) -> None:
    await register(tea, "alice", inhibit_login=True)
    for name in ("alice", f"@alice:{SERVER}", "Alice"):
        answer = await login(tea, name)
        assert answer.status == 200
        assert answer.json["user_id"] == f"@alice:{SERVER}"
        assert await signed_in(tea, answer.json["access_token"])
    body = {"type": "m.login.password", "user": "alice", "password": PASSWORD}  # as older clients do
    assert (await tea.ask(None, "POST", "/login", body)).status == 200


@pytest.mark.parametrize("name", ["bob", "@alice:elsewhere.test", "@alice", "", "\0", "茶", "a" * 10_000])
async def test_a_wrong_name_and_a_wrong_password_get_one_answer(tea: World, name: str) -> None:
    await register(tea, "alice", inhibit_login=True)
    wrong_name, wrong_password = await login(tea, name), await login(tea, "alice", "wrong")
    assert wrong_name == wrong_password
    assert (wrong_name.status, wrong_name.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_BAD_JSON"),
        ({"type": "m.login.sso"}, "M_UNKNOWN"),
        ({"type": "m.login.password"}, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice"}, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice", "password": 5}, "M_BAD_JSON"),
        ({"type": "m.login.password", "identifier": {"type": "m.id.phone"}, "password": "x"}, "M_BAD_JSON"),
        ({"type": "m.login.password", "identifier": "alice", "password": "x"}, "M_BAD_JSON"),
        ({"type": "m.login.password", "identifier": {"type": "m.id.user"}, "password": "x"}, "M_BAD_JSON"),
        ({"type": "m.login.token"}, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice", "password": PASSWORD, "device_id": "a b"}, "M_INVALID_PARAM"),
    ],
)
async def test_a_login_of_the_wrong_shape_is_refused(tea: World, body: dict[str, Any], errcode: str) -> None:
    refused = await tea.ask(None, "POST", "/login", body)
    assert (refused.status, refused.errcode) == (400, errcode)


@pytest.mark.parametrize(
    "named",
    [
        {"identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "alice@tea.test"}},
        {"identifier": {"medium": "email", "address": "alice@tea.test"}},
        {"identifier": {"type": "m.id.phone", "country": "CN", "phone": "123"}},
        {"medium": "email", "address": "alice@tea.test"},
    ],
)
async def test_nobody_signs_in_by_an_address(tea: World, named: dict[str, Any]) -> None:
    await register(tea, "alice")
    refused = await tea.ask(None, "POST", "/login", {"type": "m.login.password", "password": PASSWORD, **named})
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_no_device_is_called_like_a_key_of_its_user(tea: World) -> None:
    alice = await register(tea, "alice")
    key = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode().rstrip("=")
    master = {"user_id": alice["user_id"], "usage": ["master"], "keys": {f"ed25519:{key}": key}}
    body = {"master_key": master}
    assert (await tea.ask(alice["access_token"], "POST", "/keys/device_signing/upload", body)).status == 200
    refused = await login(tea, "alice", device_id=key)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await login(tea, "alice", device_id="PHONE")).status == 200


async def test_a_login_tells_where_the_server_is_when_it_knows(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", public_url="https://tea.test") as tea:
        await register(tea, "alice")
        answer = await login(tea, "alice")
        assert answer.json["well_known"] == {"m.homeserver": {"base_url": "https://tea.test"}}


async def test_the_flows_name_password_and_token(tea: World) -> None:
    flows = (await tea.ask(None, "GET", "/login")).json["flows"]
    assert flows == [{"type": "m.login.password"}, {"type": "m.login.token", "get_login_token": True}]


async def test_a_login_on_a_known_device_ends_its_earlier_session_and_keeps_its_name(tea: World) -> None:
    first = await register(tea, "alice", device_id="PHONE", initial_device_display_name="Phone")
    assert await signed_in(tea, first["access_token"])
    again = await login(tea, "alice", device_id="PHONE", initial_device_display_name="Other")
    assert not await signed_in(tea, first["access_token"])
    device = await tea.ask(again.json["access_token"], "GET", "/devices/{deviceId}", deviceId="PHONE")
    assert device.json["display_name"] == "Phone"


async def test_guessing_waits_longer_each_time_for_the_account_and_for_the_address(
    place: Place, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with world(place, tmp_path / "data", clock, **{"rate_limits__enabled": True}) as tea:
        await tea.app.accounts.register("alice", PASSWORD)
        await tea.app.accounts.register("bob", PASSWORD)
        guess = tea.app.accounts.login_by_password
        for _ in range(5):
            with pytest.raises(Exception, match="wrong"):
                await guess("alice", "wrong", "192.0.2.1")
        with pytest.raises(Exception, match="wrong"):
            await guess("alice", "wrong", "192.0.2.1")
        for user, address in (("alice", "192.0.2.2"), ("Alice", "192.0.2.2"), ("bob", "192.0.2.1")):
            with pytest.raises(LimitExceeded):
                await guess(user, PASSWORD, address)
        await guess("bob", PASSWORD, "192.0.2.2")
        clock.pass_ms(1_000)
        await guess("alice", PASSWORD, "192.0.2.2")


async def test_guesses_in_user_interactive_authentication_count_too(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", **{"rate_limits__enabled": True}) as tea:
        alice = await register(tea, "alice")
        statuses = []
        for _ in range(7):
            body = {"new_password": "a cup of sencha", "auth": by_password("wrong")}
            statuses.append((await tea.ask(alice["access_token"], "POST", "/account/password", body)).status)
        assert statuses == [401] * 6 + [429]
        assert (await login(tea, "alice")).status == 429


async def test_guesses_at_one_account_are_not_checked_all_at_once(full_cost: None, tea: World) -> None:
    await tea.app.accounts.register("alice", PASSWORD)
    guesses = [
        tea.app.accounts.login_by_password("alice", "wrong", f"192.0.2.{number}")
        for number in range(TRIES_AT_ONCE_MAX + 3)
    ]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 3
    await tea.app.accounts.login_by_password("alice", PASSWORD, "192.0.2.1")


async def test_passwords_wait_for_a_thread_up_to_a_limit(
    full_cost: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 2)
    checked = Passwords(8)
    stored = await checked.hash(PASSWORD)
    outcomes = await asyncio.gather(*(checked.matches(stored, PASSWORD) for _ in range(3)), return_exceptions=True)
    assert [outcome for outcome in outcomes if outcome is True] == [True, True]
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 1
    assert await checked.matches(stored, PASSWORD)
    assert not await checked.matches(stored, PASSWORD + "x" * 2_000)
    assert not await checked.matches(None, "nobody")
    assert not await checked.matches("no hash", PASSWORD)
    checked.close()


async def test_a_name_that_nobody_has_costs_as_much_to_check_as_one_that_somebody_has(full_cost: None) -> None:
    checked = Passwords(8)
    stored = await checked.hash(PASSWORD)
    assert extract_parameters(checked._nobody) == extract_parameters(stored)
    assert not await checked.matches(None, PASSWORD)
    checked.close()


async def test_a_password_is_stored_as_argon2id_only(full_cost: None, tea: World) -> None:
    await tea.app.accounts.register("alice", PASSWORD)
    (row,) = await tea.database.fetch("SELECT password FROM users")
    assert row[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106, its second recommendation
    assert PASSWORD not in row[0]


async def test_a_login_overtaken_by_a_new_password_is_refused(tea: World) -> None:
    account = await tea.app.accounts.register("alice", PASSWORD)
    verified = await tea.app.accounts.login_by_password("alice", PASSWORD, "192.0.2.1")
    await tea.app.accounts.change_password(account.user_no, "a cup of sencha", None, logout=True)
    assert (await login(tea, "alice")).status == 403
    with pytest.raises(WrongPassword):
        await tea.app.sessions.login(verified, NewDevice(None, None, refreshable=False))


async def get_token(tea: World, access_token: str) -> str:
    answer = await tea.ask(access_token, "POST", GET_TOKEN, {"auth": by_password()})
    assert answer.status == 200
    assert answer.json["expires_in_ms"] == 120_000
    return str(answer.json["login_token"])


async def by_token(tea: World, token: str) -> Any:
    return await tea.ask(None, "POST", "/login", {"type": "m.login.token", "token": token})


async def test_a_login_token_needs_the_password_and_serves_once(tea: World) -> None:
    alice = await register(tea, "alice")
    assert (await tea.ask(alice["access_token"], "POST", GET_TOKEN, {})).status == 401
    token = await get_token(tea, alice["access_token"])
    first, second = await asyncio.gather(by_token(tea, token), by_token(tea, token))
    assert sorted((first.status, second.status)) == [200, 403]
    made = first if first.status == 200 else second
    assert made.json["user_id"] == alice["user_id"]
    assert made.json["device_id"] != alice["device_id"]
    assert (await by_token(tea, "unknown")).errcode == "M_FORBIDDEN"


async def test_a_login_token_expires_and_ends_with_a_new_password(tea: World) -> None:
    alice = await register(tea, "alice")
    late = await get_token(tea, alice["access_token"])
    tea.clock.pass_ms(120_000)
    assert (await by_token(tea, late)).status == 403
    void = await get_token(tea, alice["access_token"])
    assert len(await tea.database.fetch("SELECT 1 FROM login_tokens")) == 1  # the late one was swept away
    body = {"new_password": "a cup of sencha", "auth": by_password()}
    assert (await tea.ask(alice["access_token"], "POST", "/account/password", body)).status == 200
    assert (await by_token(tea, void)).status == 403
