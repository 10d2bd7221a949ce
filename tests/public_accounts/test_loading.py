"""Followers in bulk: the same rows and counts as of those who follow by themselves, small on the disk."""

from __future__ import annotations

import random
from pathlib import Path

import httpx
import pytest

from teahouse.errors import InvalidParam, NotFound
from teahouse.public_accounts import loading
from teahouse.public_accounts.types import Follow
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, FOLLOW, newsroom, opened
from tests.serving import ServedTeahouse
from tests.world import World

BYTES_MAX = {"sqlite": 60, "postgres": 150}  # of one follower, both directions indexed


async def test_made_up_followers_are_rows_like_any_other(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH_USERS", 40)
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    loaded = await tea.app.loading.synthetic("daily", 100)
    assert loaded.followers == 100
    for _ in range(2):
        shown = await reader.good("GET", ACCOUNT, handle="daily")
        assert shown["followers"] == 101
        await tea.restart()
    rows = await tea.database.fetch("SELECT user_no, since FROM follows")
    assert len({row[1] for row in rows}) == 101
    users = await tea.database.fetch("SELECT user_no FROM users")
    assert {row[0] for row in rows} <= {row[0] for row in users}
    days = await tea.database.fetch("SELECT sum(came) FROM follower_days")
    assert days[0][0] == 101
    since = (await reader.sync())["next_batch"]
    await account.publish("Still heard.")
    assert account.room_id in (await reader.sync(since))["rooms"]["join"]


async def test_a_list_is_followed_by_those_it_names_and_by_nobody_who_left(tea: World, tmp_path: Path) -> None:
    account, reader = await newsroom(tea)
    left, new = await tea.person("left"), await tea.person("new")
    for person in (reader, left):
        await person.join(account.room_id)
    await left.leave(account.room_id)
    since = (await new.sync())["next_batch"]
    path = tmp_path / "list"
    path.write_text(f"# those of the old system\n{reader.user_id}\n\nleft\nnew\n@new:tea.test\nnobody\nnö\n")
    loaded = await tea.app.loading.listed("daily", path)
    assert (loaded.followers, loaded.before, loaded.unknown, loaded.examples) == (1, 2, 2, ["nobody", "nö"])
    assert account.room_id in (await new.sync(since))["rooms"]["join"]
    assert (await new.good("GET", ACCOUNT, handle="daily"))["following"]
    assert not (await left.good("GET", ACCOUNT, handle="daily"))["following"]
    assert (await new.good("GET", ACCOUNT, handle="daily"))["followers"] == 2
    assert (await tea.app.loading.listed("daily", path)).followers == 0


async def test_nobody_is_made_to_follow_more_than_one_may(
    tea: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "FOLLOWS_MAX", 1)
    account, reader = await newsroom(tea)
    await opened(account.owner, "weekly", name="Other words")
    await reader.good("PUT", FOLLOW, {}, handle="weekly")
    (tmp_path / "list").write_text("reader-daily\n")
    loaded = await tea.app.loading.listed("daily", tmp_path / "list")
    assert (loaded.followers, loaded.full) == (0, 1)


async def test_what_cannot_be_loaded_is_refused(tea: World, tmp_path: Path) -> None:
    await newsroom(tea)
    with pytest.raises(NotFound):
        await tea.app.loading.synthetic("nobody", 1)
    for count in (0, -1, loading.SYNTHETIC_MAX + 1):
        with pytest.raises(InvalidParam):
            await tea.app.loading.synthetic("daily", count)
    with pytest.raises(InvalidParam):
        await tea.app.loading.listed("daily", tmp_path / "missing")
    (tmp_path / "list").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidParam):
        await tea.app.loading.listed("daily", tmp_path / "list")


@pytest.mark.parametrize("running", [True, False])
def test_the_command_works_beside_a_running_server_and_without_one(tmp_path: Path, running: bool) -> None:
    server = ServedTeahouse(tmp_path / "data")
    server.start(recorded=False)
    try:
        server.register("owner", "correct horse")
        login = {"type": "m.login.password", "user": "owner", "password": "correct horse"}
        token = httpx.post(f"{server.url}/_matrix/client/v3/login", json=login).json()["access_token"]
        wish = {"handle": "daily", "kind": "media", "name": "The Daily Leaf"}
        made = httpx.post(f"{server.url}{ACCOUNTS}", json=wish, headers={"Authorization": f"Bearer {token}"})
        assert made.status_code == 200
        if not running:
            server.stop()
        done = server.command("accounts", "load-followers", "daily", "--synthetic", "5000")
        assert "5,000 follow now" in done.stdout
        path = tmp_path / "list"
        path.write_text("owner\nnobody\n")
        done = server.command("accounts", "load-followers", "@daily", str(path))
        assert (done.returncode, "1 follow now" in done.stdout, "no user nobody" in done.stderr) == (1, True, True)
        assert '"problems": 0' in server.command("verify").stdout
    finally:
        server.kill()


@pytest.mark.parametrize("order", ["as loaded", "at random"])
async def test_a_follower_takes_few_bytes_on_disk(tea: World, order: str) -> None:
    """The rows and their index, whether followers came one after the other or in any order of their numbers."""
    account, _ = await newsroom(tea)
    count = 30_000
    numbers = [(1 << 22 | place) << 10 | place % 1_024 for place in range(count)]  # as after four million events
    if order == "at random":
        random.Random(1).shuffle(numbers)
    found = await tea.app.public_accounts.require(account.handle)
    for first in range(0, count, 1_000):
        some = numbers[first : first + 1_000]
        async with tea.database.transaction() as tx:
            start = (1 << 22) + first
            ties = [
                (number, Follow(found.account_no, found.room_no, pos, 0, 1_750_000_000, 0, pos))
                for pos, number in enumerate(some, start)
            ]
            await loading.store.put_follows(tx, ties)
    if tea.place.file is not None:
        sql = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('follows', 'follows_account')"
    else:
        sql = "SELECT pg_total_relation_size('follows')"
    [[size]] = await tea.database.fetch(sql)
    assert size / count <= BYTES_MAX["sqlite" if tea.place.file is not None else "postgres"], size / count
