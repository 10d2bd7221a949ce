"""Counting keeps no reader waiting, and costs as many statements for many readers as for few."""

import pytest

from teahouse.analytics import readings
from teahouse.errors import StorageFull
from tests.analytics.press import crowd, mark, of_post, read
from tests.counting import Cost
from tests.public_accounts.newsroom import POST, newsroom
from tests.world import World


async def idle(tea: World) -> None:
    """Write nothing but when asked to, so that what is counted is what the test did."""

    async def asleep() -> None:
        return

    tea.alter = lambda app: setattr(app.readings, "run", asleep)
    await tea.restart()


async def test_a_sync_writes_nothing(tea: World) -> None:
    await idle(tea)
    account, _ = await newsroom(tea)
    [person] = await crowd(tea, account, 1)
    for number in range(3):
        await account.publish(f"{number}")
    before = tea.counted.cost
    await person.sync()
    cost = tea.counted.cost - before
    assert (cost.written, cost.commits) == (0, 0)


async def test_writing_costs_the_same_however_many_read(tea: World) -> None:
    await idle(tea)
    account, _ = await newsroom(tea)
    costs: list[Cost] = []
    people = await crowd(tea, account, 24)
    for many in (3, 24):
        post = await account.publish()
        number = str(post["number"])
        for person in people[:many]:
            await person.sync()
            await mark(person, account, post["event_id"])
            await person.good("GET", POST, handle="daily", number=number)
        before = tea.counted.cost
        await tea.app.readings.write()
        costs.append(tea.counted.cost - before)
    assert costs[1].statements - costs[0].statements <= 24  # the second reading meets both posts' rows
    assert costs[1].commits == costs[0].commits == 1
    again = []
    for many in (6, 24):
        post = await account.publish()
        for person in people[:many]:
            await person.good("GET", POST, handle="daily", number=str(post["number"]))
        before = tea.counted.cost
        await tea.app.readings.write()
        again.append(tea.counted.cost - before)
    assert (again[0].statements, again[0].written, again[0].commits) == (
        again[1].statements, again[1].written, again[1].commits,
    )  # fmt: skip


async def test_publishing_and_reading_cost_the_same_with_more_followers(tea: World) -> None:
    await idle(tea)
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 3)
    costs = []
    for turn in range(3):
        token = (await people[0].sync())["next_batch"]
        before = tea.counted.cost
        post = await account.publish("Again.")
        published = tea.counted.cost
        await people[0].sync(token)
        await mark(people[0], account, post["event_id"])
        costs.append((published - before, tea.counted.cost - published))
        await crowd(tea, account, 8, f"more{turn}")
    assert costs[1] == costs[2]


async def test_what_cannot_be_written_waits_and_counts_nobody_twice(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await idle(tea)
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 6)
    post = await account.publish()
    for person in people:
        await person.sync()
        await mark(person, account, post["event_id"])

    async def full(*_: object) -> None:
        raise StorageFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(readings.store, "put", full)
        with pytest.raises(StorageFull):
            await tea.app.readings.write()
    assert (await of_post(account, 1))["post"]["read"] == read(6, 6)


async def test_memory_for_readings_is_bounded(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await idle(tea)
    monkeypatch.setattr(readings, "GATHERED_MAX", 5)
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 7)
    await account.publish()
    for person in people:
        await person.good("GET", POST, handle="daily", number="1")
    assert (await of_post(account, 1))["post"]["read"] == read(opens=5)
    for person in people[5:]:
        await person.good("GET", POST, handle="daily", number="1")
    assert (await of_post(account, 1))["post"]["read"] == read(opens=7)
