"""Proving oneself again before something grave."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from teahouse.users.uia import UserInteractive
from tests.databases import Place
from tests.users.signing import PASSWORD, by_password, login, register, signed_in
from tests.world import Answer, World, world

CHANGE = "/account/password"
NEW = "a cup of sencha"


async def sessions(tea: World) -> int:
    row = await tea.database.fetch_one("SELECT count(*) FROM uia_sessions")
    assert row is not None
    return int(row[0])


async def change(tea: World, token: str, auth: Any = None, new: str = NEW) -> Answer:
    body: dict[str, Any] = {"new_password": new}
    return await tea.ask(token, "POST", CHANGE, body if auth is None else {**body, "auth": auth})


async def test_without_auth_the_flows_are_asked_for(tea: World) -> None:
    alice = await register(tea, "alice")
    asked = await change(tea, alice["access_token"])
    assert asked.status == 401
    assert asked.json == {
        "flows": [{"stages": ["m.login.password"]}],
        "params": {},
        "completed": [],
        "session": asked.json["session"],
    }
    done = await change(tea, alice["access_token"], by_password(session=asked.json["session"]))
    assert (done.status, done.json) == (200, {})
    assert await sessions(tea) == 0


async def test_a_wrong_password_may_be_tried_again_in_the_same_session(tea: World) -> None:
    alice = await register(tea, "alice")
    wrong = await change(tea, alice["access_token"], by_password("wrong"))
    assert (wrong.status, wrong.errcode, wrong.json["completed"]) == (401, "M_FORBIDDEN", [])
    assert wrong.json["flows"] == [{"stages": ["m.login.password"]}]
    right = await change(tea, alice["access_token"], by_password(session=wrong.json["session"]))
    assert right.status == 200


async def test_the_password_must_be_the_requesters_own(tea: World) -> None:
    alice = await register(tea, "alice")
    await register(tea, "bob", password="bob's own password")
    for user in ("bob", f"{alice['user_id'].replace('alice', 'bob')}"):
        identifier = {"type": "m.id.user", "user": user}
        refused = await change(tea, alice["access_token"], by_password("bob's own password", identifier=identifier))
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        again = await change(tea, alice["access_token"], by_password(PASSWORD, identifier=identifier))
        assert again.status == 403
    for user in ("alice", "Alice", alice["user_id"]):
        identifier = {"type": "m.id.user", "user": user}
        assert (await change(tea, alice["access_token"], by_password(identifier=identifier), PASSWORD)).status == 200


@pytest.mark.parametrize("auth", ["text", [], 5])
async def test_auth_must_be_an_object(tea: World, auth: Any) -> None:
    alice = await register(tea, "alice")
    refused = await change(tea, alice["access_token"], auth)
    assert (refused.status, refused.errcode) == (400, "M_BAD_JSON")


@pytest.mark.parametrize("stage", ["m.login.dummy", "m.login.registration_token", "org.example.unknown"])
async def test_a_stage_of_no_flow_proves_nothing(tea: World, stage: str) -> None:
    alice = await register(tea, "alice")
    refused = await change(tea, alice["access_token"], {"type": stage, "token": "leaf"})
    assert (refused.status, refused.errcode, refused.json["completed"]) == (401, "M_FORBIDDEN", [])


async def test_the_stages_of_a_flow_come_in_its_order(place: Place, tmp_path: Path) -> None:
    settings = {"registration": "token", "accounts__terms_url": "https://tea.test/terms"}
    async with world(place, tmp_path / "data", **settings) as tea:
        await tea.app.accounts.make_token("leaf", None, None)
        body = {"username": "alice", "password": PASSWORD}
        asked = await tea.ask(None, "POST", "/register", body)
        assert asked.json["flows"] == [{"stages": ["m.login.registration_token", "m.login.terms"]}]
        session = asked.json["session"]
        terms = {"type": "m.login.terms", "session": session}
        early = await tea.ask(None, "POST", "/register", {**body, "auth": terms})
        assert (early.status, early.errcode, early.json["completed"]) == (401, "M_FORBIDDEN", [])
        token = {"type": "m.login.registration_token", "token": "leaf", "session": session}
        first = await tea.ask(None, "POST", "/register", {**body, "auth": token})
        assert (first.status, first.errcode, first.json["completed"]) == (401, None, ["m.login.registration_token"])
        assert (await tea.ask(None, "POST", "/register", {**body, "auth": terms})).status == 200


@pytest.mark.parametrize("session", ["unknown", "a b", "\0", 7, "x" * 10_000])
async def test_an_unknown_session_begins_a_new_one(tea: World, session: Any) -> None:
    alice = await register(tea, "alice")
    asked = await change(tea, alice["access_token"], {"session": session})
    assert asked.status == 401
    assert asked.json["session"] != session
    assert asked.errcode is None


async def test_a_session_survives_a_restart(tea: World) -> None:
    alice = await register(tea, "alice")
    asked = await change(tea, alice["access_token"])
    await tea.restart()
    done = await change(tea, alice["access_token"], by_password(session=asked.json["session"]))
    assert done.status == 200


async def test_a_session_expires(tea: World) -> None:
    alice = await register(tea, "alice")
    asked = await change(tea, alice["access_token"])
    interactive = UserInteractive(tea.database, tea.clock)
    session = await interactive.session(asked.json["session"])
    assert session is not None
    tea.clock.pass_ms(900_000)
    assert await interactive.session(asked.json["session"]) is None
    again = await change(tea, alice["access_token"], {"session": asked.json["session"]})
    assert again.json["session"] != asked.json["session"]
    assert await sessions(tea) == 1  # the old one was swept away


async def test_a_session_serves_only_the_request_it_was_begun_for(tea: World) -> None:
    alice, bob = await register(tea, "alice"), await register(tea, "bob")
    asked = await change(tea, alice["access_token"])
    auth = by_password(session=asked.json["session"])
    others: list[tuple[str, str, dict[str, Any]]] = [
        (alice["access_token"], CHANGE, {"new_password": "another password"}),
        (alice["access_token"], "/account/deactivate", {}),
        (bob["access_token"], CHANGE, {"new_password": NEW}),
    ]
    for token, path, body in others:
        refused = await tea.ask(token, "POST", path, {**body, "auth": auth})
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await login(tea, "alice")).status == 200
    assert (await change(tea, alice["access_token"], auth)).status == 200


async def test_a_proof_given_elsewhere_counts_once(tea: World) -> None:
    alice = await register(tea, "alice")
    asked = await change(tea, alice["access_token"])
    auth = {"session": asked.json["session"]}
    interactive = UserInteractive(tea.database, tea.clock)
    session = await interactive.session(asked.json["session"])
    assert session is not None

    async def agree(proof: Any) -> None: ...

    await interactive.prove(session, "m.login.password", agree, {}, "127.0.0.1")
    answers = await asyncio.gather(*(change(tea, alice["access_token"], auth) for _ in range(3)))
    assert sorted(answer.status for answer in answers)[0] == 200
    assert [answer.status for answer in answers].count(200) == 1
    assert await signed_in(tea, alice["access_token"])


async def test_a_password_in_the_first_request_is_enough_and_writes_no_session(tea: World) -> None:
    alice = await register(tea, "alice")
    commits = tea.database.commits
    assert (await change(tea, alice["access_token"], by_password())).status == 200
    assert tea.database.commits - commits == 1
