"""Publishing, following and opening a channel cost the same at any number of followers: statements, rows, bytes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from teahouse.analytics import readings
from teahouse.posts.types import Ref
from tests.counting import Cost
from tests.public_accounts.newsroom import ACCOUNT, POST, Account, newsroom, timeline
from tests.world import Answer, Person, World

FEW, MANY = 10, 1_000  # a factor of 100 apart
ROOM = "/rooms/{roomId}"
PAGE = "/@{handle}"
LIVE = '{"room":{"timeline":{"limit":100},"state":{"lazy_load_members":true}}}'


@pytest.fixture(autouse=True)
def readings_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who read what is written a second later, which may fall into the measuring of something else."""
    monkeypatch.setattr(readings, "WRITTEN_EVERY_S", 3_600.0)


async def ready(tea: World, handle: str, followers: int) -> tuple[Account, Person, str]:
    """An account of so many followers, one of them connected, with everything in memory that lasts."""
    account, reader = await newsroom(tea, handle)
    await tea.app.loading.synthetic(handle, followers)
    await reader.join(account.room_id)
    await account.publish("The first leaves.")
    since = (await reader.sync(filter=LIVE))["next_batch"]
    return account, reader, since


async def measured(tea: World, work: Callable[[], Awaitable[Any]]) -> tuple[Cost, int]:
    """What some work cost, and the size of its answer without what differs in length by chance."""
    cost, answer = await tea.counted.taken(work)
    return cost, len(json.dumps(answer.json if isinstance(answer, Answer) else answer))


async def costs(tea: World, handle: str, followers: int) -> dict[str, tuple[Cost, int]]:
    """Everything that people do with an account of so many followers."""
    account, reader, since = await ready(tea, handle, followers)
    passer = await tea.person(f"passer-{handle}")
    await passer.sync()
    await tea.counted.settle()
    room = {"roomId": account.room_id}
    page = {"dir": "b"}
    post = Ref((await tea.app.public_accounts.require(handle)).account_no, 2)
    return {
        "publish": await measured(tea, lambda: account.publish("The second leaves.")),
        "news": await measured(tea, lambda: reader.sync(since, filter=LIVE)),
        "first sync": await measured(tea, lambda: reader.sync(filter=LIVE)),
        "follow": await measured(tea, lambda: passer.join(account.room_id)),
        "unfollow": await measured(tea, lambda: passer.leave(account.room_id)),
        "history": await measured(tea, lambda: reader.good("GET", f"{ROOM}/messages", None, page, **room)),
        "members": await measured(tea, lambda: reader.good("GET", f"{ROOM}/members", **room)),
        "account": await measured(tea, lambda: reader.good("GET", ACCOUNT, handle=handle)),
        "page": await measured(tea, lambda: tea.ask(None, "GET", PAGE, handle=handle)),
        "post": await measured(tea, lambda: reader.good("GET", POST, handle=handle, number="1")),
        "remove": await measured(tea, lambda: tea.app.removals.remove(post)),
        "restore": await measured(tea, lambda: tea.app.removals.restore(post)),
        "delete": await measured(tea, lambda: account.owner.good("DELETE", POST, handle=handle, number="2")),
    }  # fmt: skip


async def test_cost_does_not_know_the_number_of_followers(tea: World) -> None:
    await costs(tea, "warm", 1)  # what the first of all accounts brings into memory
    few, many = await costs(tea, "few", FEW), await costs(tea, "max", MANY)
    for name, (cost, size) in few.items():
        assert cost.like(many[name][0]), (name, cost, many[name][0])
        assert abs(size - many[name][1]) <= len(str(MANY)) * 4, name  # the numbers of followers themselves are longer


async def test_a_post_asks_the_database_for_each_connected_follower_only_what_is_their_own(tea: World) -> None:
    account, reader, _ = await ready(tea, "daily", 1)
    parked = [reader, *[await tea.person(f"parked{number}") for number in range(20)]]
    since = {}
    for person in parked:
        await person.join(account.room_id)
        since[person.user_id] = (await person.sync(filter=LIVE))["next_batch"]

    async def reached(people: list[Person]) -> int:
        """Statements of a post and of all that these people get of it, once they have met one."""
        for _ in range(2):
            polls = [
                asyncio.create_task(each.sync(since[each.user_id], filter=LIVE, timeout=20_000)) for each in people
            ]
            while len(tea.app.waiters) < len(people):
                await asyncio.sleep(0)
            before = tea.counted.cost
            await account.publish("Tea is served.")
            for person, answer in zip(people, await asyncio.gather(*polls), strict=True):
                since[person.user_id] = answer["next_batch"]
                assert len(timeline(answer, account.room_id)) == 1
            statements = (tea.counted.cost - before).statements
        return statements

    one = await reached(parked[:1])
    for person in parked:  # the others catch up
        since[person.user_id] = (await person.sync(since[person.user_id], filter=LIVE))["next_batch"]
    assert await reached(parked) - one <= len(parked) - 1  # what they did with posts themselves
