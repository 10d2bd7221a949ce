"""Hints wake those who wait: a group at once, a crowd in turns, and everybody in the end."""

from __future__ import annotations

import asyncio

from teahouse.bus.local import LocalBus
from teahouse.sync.waiters import ANSWERED_AT_ONCE, WOKEN_AT_ONCE, Waiter, Waiters
from tests.world import World

ROOM = 1
LIMIT_S = 20.0


class Crowd:
    """So many readers of a room, each with a parked poll that ends when it is woken `looks` times."""

    def __init__(self, size: int, looks: int = 1) -> None:
        self.bus = LocalBus()
        self.waiters = Waiters(self.bus, lambda room_no, waiting: list(waiting))
        self._size = size
        self._looks = looks
        self.under_way = 0  # polls that were woken and have not ended or parked again
        self.most_under_way = 0
        self.ended: list[int] = []

    async def poll(self, number: int) -> None:
        """One reader's poll; to look takes a turn of the loop."""
        with Waiter(self.waiters, number) as waiter:
            for _ in range(self._looks):
                assert await waiter.wait(LIMIT_S)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                await asyncio.sleep(0)
                self.under_way -= 1
        self.ended.append(number)

    async def woken(self, hints: int = 1) -> None:
        """Returns once everybody has been woken."""
        tasks = [asyncio.create_task(self.poll(number)) for number in range(1, self._size + 1)]
        await asyncio.sleep(0)
        for _ in range(hints):
            self.bus.publish(rooms=(ROOM,))
        while self._looks > hints and len(self.ended) < self._size:
            await asyncio.sleep(0)
            self.bus.publish(rooms=(ROOM,))
        await asyncio.gather(*tasks)


async def test_a_group_is_woken_whole() -> None:
    crowd = Crowd(WOKEN_AT_ONCE)
    await crowd.woken()
    assert crowd.most_under_way == WOKEN_AT_ONCE


async def test_a_crowd_is_woken_in_turns_in_the_order_of_waiting_and_nobody_is_left_out() -> None:
    crowd = Crowd(WOKEN_AT_ONCE + 3 * ANSWERED_AT_ONCE)
    await crowd.woken()
    assert crowd.most_under_way == ANSWERED_AT_ONCE
    assert crowd.ended == list(range(1, WOKEN_AT_ONCE + 3 * ANSWERED_AT_ONCE + 1))


async def test_those_who_found_nothing_and_parked_again_hold_nobody_up() -> None:
    crowd = Crowd(2 * WOKEN_AT_ONCE, looks=3)
    async with asyncio.timeout(LIMIT_S):
        await crowd.woken()
    assert len(crowd.ended) == 2 * WOKEN_AT_ONCE


async def test_a_group_does_not_wait_for_a_crowd() -> None:
    bus = LocalBus()
    group, everybody = range(1, 11), range(1, 2 * WOKEN_AT_ONCE)
    waiters = Waiters(bus, lambda room_no, waiting: list(everybody if room_no == ROOM else group))
    parked = {number: Waiter(waiters, number) for number in reversed(everybody)}
    for waiter in parked.values():
        waiters.add(waiter)
    bus.publish(rooms=(ROOM,))
    late = [parked[number] for number in group]
    for waiter in late:
        waiter.hinted = False
    bus.publish(rooms=(ROOM + 1,))
    assert all(waiter.hinted for waiter in late)


async def test_one_who_left_before_their_turn_is_no_trouble() -> None:
    bus = LocalBus()
    waiters = Waiters(bus, lambda room_no, waiting: list(waiting))
    waiting = [Waiter(waiters, number) for number in range(2 * WOKEN_AT_ONCE)]
    for waiter in waiting:
        waiters.add(waiter)
    bus.publish(rooms=(ROOM,))
    assert [waiter.hinted for waiter in waiting].count(True) == ANSWERED_AT_ONCE
    for waiter in waiting[:-1]:
        waiters.remove(waiter)
    assert await waiting[-1].wait(LIMIT_S)


async def test_a_poll_that_comes_when_nothing_has_happened_parks_without_a_look(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    since = (await bob.sync())["next_batch"]
    before = tea.counted.cost
    parked = asyncio.create_task(bob.sync(since, timeout=20_000))
    while not len(tea.app.waiters):
        await asyncio.sleep(0)
    assert (tea.counted.cost - before).statements == 0
    said = await alice.say(room)
    timeline = (await parked)["rooms"]["join"][room]["timeline"]["events"]
    assert [event["event_id"] for event in timeline] == [said]


async def test_what_waits_for_a_device_is_given_to_a_poll_from_the_present(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    messages = {bob.user_id: {bob.device_id: {"n": 1}}}
    since = (await bob.sync())["next_batch"]
    await alice.good("PUT", "/sendToDevice/{eventType}/{txnId}", {"messages": messages}, eventType="a.b", txnId="1")
    async with asyncio.timeout(LIMIT_S / 2):
        answer = await bob.sync(since, timeout=int(LIMIT_S * 1_000))
        again = await bob.sync(since, timeout=int(LIMIT_S * 1_000))  # the answer got lost
    assert answer["to_device"]["events"] == again["to_device"]["events"]
