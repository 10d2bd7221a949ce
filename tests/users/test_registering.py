"""Making an account: flows, names, registration tokens, terms."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from teahouse.errors import Forbidden, InvalidParam, UserInUse
from tests.clock import ManualClock
from tests.databases import Place
from tests.users.signing import DUMMY, PASSWORD, VALIDITY, login, register, signed_in
from tests.users.test_interactive_authentication import sessions
from tests.world import SERVER, World, world

TOKEN = "m.login.registration_token"


async def test_an_open_server_asks_for_nothing_but_a_name_and_a_password(tea: World) -> None:
    asked = await tea.ask(None, "POST", "/register", {"username": "alice", "password": PASSWORD})
    assert asked.status == 401
    assert asked.json["flows"] == [{"stages": ["m.login.dummy"]}]
    assert asked.json["completed"] == []
    made = await register(tea, "alice", device_id="PHONE", initial_device_display_name="Alice's phone")
    assert made["user_id"] == f"@alice:{SERVER}"
    assert made["device_id"] == "PHONE"
    assert "refresh_token" not in made
    assert "expires_in_ms" not in made
    assert await signed_in(tea, made["access_token"])
    devices = (await tea.ask(made["access_token"], "GET", "/devices")).json["devices"]
    assert [(each["device_id"], each["display_name"]) for each in devices] == [("PHONE", "Alice's phone")]


async def test_without_a_name_one_is_made_up(tea: World) -> None:
    first = await tea.ask(None, "POST", "/register", {"password": PASSWORD, "auth": DUMMY})
    second = await tea.ask(None, "POST", "/register", {"password": PASSWORD, "auth": DUMMY})
    assert first.status == second.status == 200
    assert first.json["user_id"] != second.json["user_id"]
    assert (await login(tea, first.json["user_id"])).status == 200


async def test_with_inhibit_login_there_is_no_session(tea: World) -> None:
    made = await register(tea, "alice", inhibit_login=True)
    assert made == {"user_id": f"@alice:{SERVER}"}
    assert await tea.database.fetch("SELECT device_id FROM devices") == []


@pytest.mark.parametrize("name", ["al ice", "alice:tea.test", "ali\0ce", "茶", "", "a" * 250])
async def test_a_name_outside_the_grammar_is_refused_before_authentication(tea: World, name: str) -> None:
    refused = await tea.ask(None, "POST", "/register", {"username": name, "password": PASSWORD})
    assert (refused.status, refused.errcode) == (400, "M_INVALID_USERNAME")


async def test_a_name_that_is_taken_is_refused_before_authentication(tea: World) -> None:
    free = await tea.ask(None, "GET", "/register/available", None, {"username": "alice"})
    assert free.json == {"available": True}
    await register(tea, "alice")
    for method, path, body, query in (
        ("POST", "/register", {"username": "alice", "password": PASSWORD}, None),
        ("GET", "/register/available", None, {"username": "alice"}),
    ):
        refused = await tea.ask(None, method, path, body, query)
        assert (refused.status, refused.errcode) == (400, "M_USER_IN_USE")


async def test_of_two_who_want_a_name_at_once_one_gets_it(tea: World) -> None:
    wishes = [tea.app.accounts.register("alice", PASSWORD) for _ in range(4)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(outcome, UserInUse) for outcome in outcomes) == 3


async def test_a_registration_refused_for_its_device_makes_no_account(tea: World) -> None:
    for wrong in ({"device_id": "a b"}, {"device_id": ""}, {"initial_device_display_name": "x" * 256}):
        body = {"username": "alice", "password": PASSWORD, "auth": DUMMY, **wrong}
        refused = await tea.ask(None, "POST", "/register", body)
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
    assert await tea.database.fetch("SELECT 1 FROM users") == []


async def test_weak_passwords_are_refused(tea: World) -> None:
    for password in ("short", "x" * 2_000):
        refused = await tea.ask(None, "POST", "/register", {"username": "alice", "password": password, "auth": DUMMY})
        assert (refused.status, refused.errcode) == (400, "M_WEAK_PASSWORD")


async def test_there_are_no_guests(tea: World) -> None:
    refused = await tea.ask(None, "POST", "/register", {}, {"kind": "guest"})
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_a_closed_server_registers_nobody_and_tells_nothing_of_tokens(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", registration="closed") as tea:
        refused = await tea.ask(None, "POST", "/register", {"username": "alice", "password": PASSWORD, "auth": DUMMY})
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert (await tea.ask(None, "GET", VALIDITY, None, {"token": "leaf"})).status == 403
        await tea.app.accounts.register("alice", PASSWORD)  # the operator still can
        assert (await login(tea, "alice")).status == 200


async def use(tea: World, name: str, token: str, **auth: Any) -> Any:
    body = {"username": name, "password": PASSWORD, "auth": {"type": TOKEN, "token": token, **auth}}
    return await tea.ask(None, "POST", "/register", body)


async def valid(tea: World, token: str) -> bool:
    answer = await tea.ask(None, "GET", VALIDITY, None, {"token": token})
    assert answer.status == 200
    return bool(answer.json["valid"])


async def test_a_registration_token_lets_in_as_many_as_it_says(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", registration="token") as tea:
        await tea.app.accounts.make_token("leaf", 2, None)
        assert await valid(tea, "leaf")
        assert not await valid(tea, "bud")
        assert not await valid(tea, "le af")
        assert (await use(tea, "alice", "leaf")).status == 200
        wrong = await use(tea, "bob", "bud")
        assert (wrong.status, wrong.errcode) == (401, "M_FORBIDDEN")
        assert wrong.json["flows"] == [{"stages": [TOKEN]}]
        assert (await use(tea, "bob", "leaf", session=wrong.json["session"])).status == 200
        assert not await valid(tea, "leaf")
        assert (await use(tea, "carol", "leaf")).status == 401
        (token,) = await tea.app.accounts.tokens()
        assert (token.uses, token.uses_allowed) == (2, 2)


async def test_a_registration_token_expires(place: Place, tmp_path: Path) -> None:
    clock = ManualClock()
    async with world(place, tmp_path / "data", clock, registration="token") as tea:
        await tea.app.accounts.make_token("leaf", None, clock.now_ms() + 1_000)
        assert await valid(tea, "leaf")
        clock.pass_ms(1_000)
        assert not await valid(tea, "leaf")
        assert (await use(tea, "alice", "leaf")).status == 401


async def test_who_passed_the_token_stage_keeps_the_place_until_the_session_expires(
    place: Place, tmp_path: Path
) -> None:
    clock = ManualClock()
    terms = "https://tea.test/terms"
    async with world(place, tmp_path / "data", clock, registration="token", accounts__terms_url=terms) as tea:
        await tea.app.accounts.make_token("leaf", 1, None)
        first = await use(tea, "alice", "leaf")
        assert (first.status, first.json["completed"]) == (401, [TOKEN])
        assert first.json["flows"] == [{"stages": [TOKEN, "m.login.terms"]}]
        policy = first.json["params"]["m.login.terms"]["policies"]["terms_of_service"]
        assert policy["en"]["url"] == terms
        assert not await valid(tea, "leaf")
        assert (await use(tea, "bob", "leaf")).json["completed"] == []
        agreed = {"type": "m.login.terms", "session": first.json["session"]}
        made = await tea.ask(None, "POST", "/register", {"username": "alice", "password": PASSWORD, "auth": agreed})
        assert made.status == 200
        assert not await valid(tea, "leaf")

        await tea.app.accounts.make_token("bud", 1, None)
        await use(tea, "carol", "bud")
        assert not await valid(tea, "bud")
        clock.pass_ms(900_000)
        assert await valid(tea, "bud")


async def test_a_token_used_up_meanwhile_makes_no_account(tea: World) -> None:
    await tea.app.accounts.make_token("leaf", 1, None)
    outcomes = await asyncio.gather(
        *(tea.app.accounts.register(name, PASSWORD, token="leaf") for name in ("alice", "bob", "carol")),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Forbidden) for outcome in outcomes) == 2
    assert len(await tea.app.accounts.page("", 10)) == 1


async def test_the_operators_first_token_makes_an_administrator(tea: World) -> None:
    await tea.app.accounts.make_token("leaf", 1, None, makes_admin=True)
    assert not await tea.app.accounts.has_admin()
    assert (await tea.app.accounts.register("alice", PASSWORD, token="leaf")).admin
    assert await tea.app.accounts.has_admin()


@pytest.mark.parametrize("word", ["le af", "x" * 65, "茶"])
async def test_a_token_outside_the_grammar_is_refused(tea: World, word: str) -> None:
    with pytest.raises(InvalidParam):
        await tea.app.accounts.make_token(word, None, None)


async def test_clients_may_ask_for_the_flows_before_they_ask_for_a_name(tea: World) -> None:
    asked = await tea.ask(None, "POST", "/register", {})
    auth = DUMMY | {"session": asked.json["session"]}
    made = await tea.ask(None, "POST", "/register", {"username": "alice", "password": PASSWORD, "auth": auth})
    assert made.status == 200
    assert await sessions(tea) == 0
