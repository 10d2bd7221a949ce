"""Access and refresh tokens, from their making to their end."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any

import pytest

from teahouse.errors import StorageFull, UnknownToken
from teahouse.http.messages import Requester
from teahouse.users import sessions
from teahouse.users.sessions import digest
from tests.users.signing import by_password, login, register, signed_in
from tests.world import Answer, World

LIFE_MS = 60 * 60_000


async def refresh(tea: World, token: str) -> Answer:
    return await tea.ask(None, "POST", "/refresh", {"refresh_token": token})


async def pair(tea: World, name: str = "alice", **body: Any) -> Any:
    return await register(tea, name, refresh_token=True, **body)


async def test_tokens_are_stored_as_hashes_only(tea: World) -> None:
    made = await pair(tea)
    for table, token in (("access_tokens", made["access_token"]), ("refresh_tokens", made["refresh_token"])):
        ((stored,),) = await tea.database.fetch(f"SELECT token_hash FROM {table}")
        assert bytes(stored) == digest(token)


async def test_what_a_client_leaves_open_may_be_null(tea: World) -> None:
    await register(tea, "alice", inhibit_login=None, refresh_token=None, device_id=None)
    answer = await login(tea, "alice", refresh_token=None, device_id=None, initial_device_display_name=None)
    assert answer.status == 200
    assert "refresh_token" not in answer.json


async def test_only_who_can_refresh_gets_a_token_that_expires(tea: World) -> None:
    made = await pair(tea)
    assert made["expires_in_ms"] == LIFE_MS
    plain = await login(tea, "alice")
    assert "refresh_token" not in plain.json
    tea.clock.pass_ms(LIFE_MS)
    expired = await tea.ask(made["access_token"], "GET", "/account/whoami")
    assert (expired.status, expired.errcode, expired.json["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", True)
    assert await signed_in(tea, plain.json["access_token"])
    again = await refresh(tea, made["refresh_token"])
    assert await signed_in(tea, again.json["access_token"])


async def test_a_refresh_ends_the_old_access_token_and_stays_on_the_device(tea: World) -> None:
    made = await pair(tea, device_id="PHONE")
    assert await signed_in(tea, made["access_token"])
    again = await refresh(tea, made["refresh_token"])
    assert again.status == 200
    assert set(again.json) == {"access_token", "refresh_token", "expires_in_ms"}
    assert not await signed_in(tea, made["access_token"])
    who = await tea.ask(again.json["access_token"], "GET", "/account/whoami")
    assert who.json == {"user_id": made["user_id"], "device_id": "PHONE", "is_guest": False}


async def test_the_old_refresh_token_stays_good_while_the_answer_may_be_lost(tea: World) -> None:
    made = await pair(tea)
    lost = await refresh(tea, made["refresh_token"])
    again = await refresh(tea, made["refresh_token"])
    assert again.status == 200
    assert (await refresh(tea, lost.json["refresh_token"])).status == 401
    assert await signed_in(tea, again.json["access_token"])


async def test_the_old_refresh_token_ends_when_the_new_access_token_is_used(tea: World) -> None:
    made = await pair(tea)
    again = await refresh(tea, made["refresh_token"])
    assert await signed_in(tea, again.json["access_token"])
    refused = await refresh(tea, made["refresh_token"])
    assert (refused.status, refused.errcode) == (401, "M_UNKNOWN_TOKEN")
    assert await signed_in(tea, again.json["access_token"])
    await tea.app.sessions.write_seen()
    await tea.restart()
    assert (await refresh(tea, made["refresh_token"])).status == 401
    assert (await refresh(tea, again.json["refresh_token"])).status == 200


async def test_the_old_refresh_token_ends_when_the_new_one_is_used(tea: World) -> None:
    made = await pair(tea)
    second = await refresh(tea, made["refresh_token"])
    third = await refresh(tea, second.json["refresh_token"])
    assert third.status == 200
    assert (await refresh(tea, made["refresh_token"])).status == 401


async def test_writing_down_what_is_in_use_never_revokes_the_pair_just_given_out(tea: World) -> None:
    made = await pair(tea)
    second = await refresh(tea, made["refresh_token"])
    assert await signed_in(tea, second.json["access_token"])
    third, _ = await asyncio.gather(refresh(tea, second.json["refresh_token"]), tea.app.sessions.write_seen())
    assert third.status == 200
    again = await refresh(tea, second.json["refresh_token"])  # the third answer was lost
    assert again.status == 200


async def test_signing_out_ends_the_session_and_its_device(tea: World) -> None:
    first, second = await pair(tea), (await login(tea, "alice")).json
    assert await signed_in(tea, first["access_token"])
    assert (await tea.ask(first["access_token"], "POST", "/logout")).json == {}
    assert not await signed_in(tea, first["access_token"])
    assert (await refresh(tea, first["refresh_token"])).status == 401
    devices = (await tea.ask(second["access_token"], "GET", "/devices")).json["devices"]
    assert [each["device_id"] for each in devices] == [second["device_id"]]
    refused = await tea.ask(first["access_token"], "POST", "/logout")
    assert (refused.status, refused.errcode, refused.json["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", False)


async def test_signing_out_everywhere_ends_every_session(tea: World) -> None:
    first, second, other = await pair(tea), (await login(tea, "alice")).json, await pair(tea, "bob")
    assert (await tea.ask(first["access_token"], "POST", "/logout/all")).json == {}
    assert not await signed_in(tea, first["access_token"])
    assert not await signed_in(tea, second["access_token"])
    assert await signed_in(tea, other["access_token"])


async def test_a_new_password_signs_the_other_devices_out_unless_told_not_to(tea: World) -> None:
    first, second = await register(tea, "alice"), (await login(tea, "alice")).json
    body = {"new_password": "a cup of sencha", "auth": by_password(), "logout_devices": False}
    assert (await tea.ask(first["access_token"], "POST", "/account/password", body)).status == 200
    assert await signed_in(tea, second["access_token"])
    body = {"new_password": "a bowl of matcha", "auth": by_password("a cup of sencha")}
    assert (await tea.ask(first["access_token"], "POST", "/account/password", body)).status == 200
    assert not await signed_in(tea, second["access_token"])
    assert await signed_in(tea, first["access_token"])
    assert (await login(tea, "alice", "a cup of sencha")).status == 403
    assert (await login(tea, "alice", "a bowl of matcha")).status == 200


async def test_the_last_use_of_a_device_is_written_now_and_then_and_not_while_answering(tea: World) -> None:
    alice = await register(tea, "alice")
    commits, began_ms = tea.database.commits, tea.clock.now_ms()
    for _ in range(3):
        assert await signed_in(tea, alice["access_token"])
    assert tea.database.commits == commits
    await tea.app.sessions.write_seen()
    (device,) = (await tea.ask(alice["access_token"], "GET", "/devices")).json["devices"]
    assert (device["last_seen_ts"], device["last_seen_ip"]) == (began_ms, "127.0.0.1")
    tea.clock.pass_ms(599_999)
    assert await signed_in(tea, alice["access_token"])
    await tea.app.sessions.write_seen()
    assert tea.database.commits == commits + 1
    tea.clock.pass_ms(1)
    assert await signed_in(tea, alice["access_token"])
    await tea.app.sessions.write_seen()
    (device,) = (await tea.ask(alice["access_token"], "GET", "/devices")).json["devices"]
    assert device["last_seen_ts"] == began_ms + 600_000


class Overtaken:
    """A database whose answer about an access token arrives late: after `overtake` has run."""

    def __init__(self, database: Any, overtake: Callable[[], Awaitable[Any]]) -> None:
        self._database = database
        self._overtake = overtake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch_one(self, sql: str, *params: Any) -> Any:
        found = await self._database.fetch_one(sql, *params)
        if "access_tokens" in sql:
            await self._overtake()
        return found


async def test_a_sign_out_that_overtakes_a_look_up_still_ends_the_session(tea: World) -> None:
    alice = await tea.person("alice")
    kept = tea.app.sessions
    late = Overtaken(tea.database, lambda: kept.delete(alice.user_no, [alice.device_id]))
    kept.database = late  # type: ignore[assignment]
    await kept.requester(alice.token)  # was asked before the sign-out
    kept.database = tea.database
    with pytest.raises(UnknownToken):
        await kept.requester(alice.token)


class Full:
    """A database on a full disk."""

    def __init__(self) -> None:
        self.tried = asyncio.Semaphore(0)

    def transaction(self) -> Any:
        self.tried.release()
        raise StorageFull("The disk is full.")


async def test_a_full_disk_ends_neither_reading_nor_the_server(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WRITE_SEEN_EVERY_S", 0)
    alice, full = await tea.person("alice"), Full()
    kept = tea.app.sessions
    kept.database, database = full, kept.database  # type: ignore[assignment]
    writing = asyncio.create_task(kept.run())
    for _ in range(2):
        kept.seen(Requester(alice.user_id, alice.user_no, alice.device_id), "192.0.2.1")
        await asyncio.wait_for(full.tried.acquire(), 10)
        tea.clock.pass_ms(sessions.SEEN_EVERY_MS)
    await asyncio.sleep(0)
    assert not writing.done()
    kept.database = database
    assert await signed_in(tea, alice.token)
    writing.cancel()


async def test_knowing_a_token_again_reads_nothing_and_is_quick(tea: World) -> None:
    alice = await register(tea, "alice")
    token = alice["access_token"]
    first = await tea.app.sessions.requester(token)
    fastest_ns = 1_000_000
    for _ in range(5):
        began = perf_counter_ns()
        for _ in range(1_000):
            await tea.app.sessions.requester(token)
        fastest_ns = min(fastest_ns, (perf_counter_ns() - began) // 1_000)
    assert await tea.app.sessions.requester(token) is first
    assert fastest_ns < 10_000  # 2 µs on a quiet machine; a read would cost more than ten times as much
