"""Deactivation, by oneself and by staff."""

from typing import Any

import pytest

from teahouse.errors import UserDeactivated
from teahouse.users.types import NewDevice
from tests.users.signing import PASSWORD, by_password, login, register, signed_in
from tests.world import SERVER, World


async def close(tea: World, token: str, **body: Any) -> Any:
    return await tea.ask(token, "POST", "/account/deactivate", {"auth": by_password(), **body})


async def test_closing_needs_the_password_and_is_final(tea: World) -> None:
    alice, second = await register(tea, "alice"), (await login(tea, "alice", refresh_token=True))
    assert await signed_in(tea, second.json["access_token"])
    assert (await tea.ask(alice["access_token"], "POST", "/account/deactivate", {})).status == 401
    done = await close(tea, alice["access_token"])
    assert done.json == {"id_server_unbind_result": "success"}
    for token in (alice["access_token"], second.json["access_token"]):
        assert not await signed_in(tea, token)
    assert (await tea.ask(None, "POST", "/refresh", {"refresh_token": second.json["refresh_token"]})).status == 401
    refused = await login(tea, "alice")
    assert (refused.status, refused.errcode) == (403, "M_USER_DEACTIVATED")
    taken = await tea.ask(None, "GET", "/register/available", None, {"username": "alice"})
    assert taken.errcode == "M_USER_IN_USE"


async def test_who_is_gone_has_left_the_rooms_and_shows_no_profile(tea: World) -> None:
    alice, bob = await register(tea, "alice"), await tea.person("bob")
    room = await bob.create(preset="public_chat")
    await tea.ask(alice["access_token"], "POST", "/rooms/{roomId}/join", {}, roomId=room)
    await close(tea, alice["access_token"])
    joined = await bob.good("GET", "/rooms/{roomId}/joined_members", roomId=room)
    assert set(joined["joined"]) == {bob.user_id}
    gone = await bob.ask("GET", "/profile/{userId}", userId=alice["user_id"])
    assert (gone.status, gone.errcode) == (404, "M_NOT_FOUND")
    assert await tea.database.fetch("SELECT 1 FROM profiles WHERE user_no <> ?", bob.user_no) == []


@pytest.mark.parametrize("erase", [True, False])
async def test_with_erase_nothing_kept_for_the_account_remains(tea: World, erase: bool) -> None:
    alice = await register(tea, "alice")
    token, me = alice["access_token"], alice["user_id"]
    await tea.ask(token, "PUT", "/user/{userId}/account_data/{type}", {"a": 1}, userId=me, type="org.example")
    await tea.ask(token, "POST", "/user/{userId}/filter", {}, userId=me)
    assert (await close(tea, token, erase=erase)).status == 200
    left = [len(await tea.database.fetch(f"SELECT 1 FROM {table}")) for table in ("account_data", "filters")]
    assert left == ([0, 0] if erase else [1, 1])
    for table in ("devices", "access_tokens", "refresh_tokens", "login_tokens", "uia_sessions"):
        assert await tea.database.fetch(f"SELECT 1 FROM {table}") == []


async def test_a_closing_by_staff_is_registered_and_its_reason_told_to_the_person_alone(tea: World) -> None:
    alice = await register(tea, "alice")
    account = await tea.app.accounts.find("alice")
    await tea.app.accounts.close(account.user_no, "Spam in five groups.", "operator olga")
    assert not await signed_in(tea, alice["access_token"])
    told, stranger = await login(tea, "alice"), await login(tea, "alice", "wrong")
    assert (told.errcode, told.json["error"]) == ("M_USER_DEACTIVATED", "Spam in five groups.")
    assert stranger.errcode == "M_USER_DEACTIVATED"
    assert "Spam" not in stranger.json["error"]
    (row,) = await tea.database.fetch("SELECT done_ms, actor, action, subject, reason FROM staff_actions")
    assert row == (tea.clock.now_ms(), "operator olga", "deactivate", f"@alice:{SERVER}", "Spam in five groups.")


async def test_a_login_overtaken_by_closing_is_refused(tea: World) -> None:
    account = await tea.app.accounts.register("alice", PASSWORD)
    await tea.app.accounts.close(account.user_no)
    with pytest.raises(UserDeactivated):
        await tea.app.sessions.login(account, NewDevice(None, None, refreshable=False))
    assert await tea.database.fetch("SELECT 1 FROM devices") == []
