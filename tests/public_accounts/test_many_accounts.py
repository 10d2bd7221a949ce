"""How many accounts one person follows and owns is held where it is written, and coming and going leaves no heap."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teahouse.public_accounts import followers
from tests.clock import ManualClock
from tests.databases import Place
from tests.posts.test_removal import TABLES
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, FOLLOW, newsroom, opened
from tests.world import Person, World, world

STAFF = f"{ACCOUNT}/staff/{{userId}}"


async def many(tea: World, *handles: str) -> None:
    """Accounts of different owners."""
    for handle in handles:
        await opened(await tea.person(f"owner-{handle}"), handle, name=f"The {handle}")


async def standing(tea: World, person: Person) -> int:
    sql = "SELECT count(*) FROM follows WHERE user_no = ? AND until IS NULL"
    row = await tea.database.fetch_one(sql, person.user_no)
    assert row is not None
    return int(row[0])


async def test_following_many_accounts_at_once_stops_at_the_limit(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "FOLLOWS_MAX", 2)
    handles = ["green", "black", "white", "amber"]
    await many(tea, *handles)
    reader = await tea.person("reader")
    answers = await asyncio.gather(*(reader.ask("PUT", FOLLOW, {}, handle=handle) for handle in handles))
    assert sorted(answer.status for answer in answers) == [200, 200, 403, 403]
    assert await standing(tea, reader) == 2
    refused = next(answer for answer in answers if answer.status == 403)
    assert refused.json["error"] == "You can follow at most 2 accounts."
    # One that was followed before counts like any other.
    followed = [handle for handle, answer in zip(handles, answers, strict=True) if answer.status == 200]
    other = next(handle for handle in handles if handle not in followed)
    await reader.good("DELETE", FOLLOW, handle=followed[0])
    await reader.good("PUT", FOLLOW, {}, handle=other)
    assert (await reader.ask("PUT", FOLLOW, {}, handle=followed[0])).status == 403
    await reader.good("PUT", FOLLOW, {"alerts": True}, handle=followed[1])  # which is no new one
    assert await standing(tea, reader) == 2


@pytest.fixture
async def two_each(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server where one person owns two accounts."""
    async with world(place, tmp_path / "data", clock, public_accounts__owned_max=2) as made:
        yield made


async def test_opening_many_accounts_at_once_stops_at_the_limit(two_each: World) -> None:
    tea = two_each
    owner = await tea.person("owner")
    bodies = [{"handle": name, "kind": "media", "name": f"The {name}"} for name in ("green", "black", "white", "amber")]
    answers = await asyncio.gather(*(owner.ask("POST", ACCOUNTS, body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [200, 200, 403, 403]
    sql = "SELECT count(*) FROM account_staff WHERE user_no = ? AND role = 'owner'"
    assert await tea.database.fetch_one(sql, owner.user_no) == (2,)
    personal = {"handle": "owner", "kind": "person", "name": "Owner"}
    assert (await owner.ask("POST", ACCOUNTS, personal)).status == 403
    account = await opened(await tea.person("other"), "daily")
    await account.owner.good("PUT", STAFF, {"role": "editor"}, handle="daily", userId=owner.user_id)
    refused = await account.owner.ask("PUT", STAFF, {"role": "owner"}, handle="daily", userId=owner.user_id)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_following_and_unfollowing_for_ever_keeps_one_row(tea: World) -> None:
    account, reader = await newsroom(tea)
    topic = (await account.owner.good("POST", f"{ACCOUNT}/topics", {"name": "Green"}, handle="daily"))["place"]

    async def come_and_go() -> dict[str, int]:
        await reader.good("PUT", FOLLOW, {"alerts": True}, handle="daily")
        await reader.good("PUT", f"{ACCOUNT}/follow/topics", {"alerts": [topic]}, handle="daily")
        await reader.leave(account.room_id)
        await reader.good("POST", "/rooms/{roomId}/forget", {}, roomId=account.room_id)
        rows = {}
        for table in TABLES:
            counted = await tea.database.fetch_one(f"SELECT count(*) FROM {table}")
            assert counted is not None
            rows[table] = int(counted[0])
        return rows

    once = await come_and_go()
    for _ in range(10):
        assert await come_and_go() == once
    assert len(await tea.app.followers.ties(reader.user_no)) == once["follows"] == 1
