"""Hints wake those who wait: a group at once, a crowd in turns, and everybody in the end."""

from __future__ import annotations

import asyncio

from teahouse.bus.local import LocalBus
from teahouse.sync.waiters import TURN_S, WOKEN_AT_ONCE, WOKEN_IN_TURN, Waiter, Waiters
from tests.world import World

ROOM = 1
LIMIT_S = 20.0


async def crowd(size: int) -> list[bool]:
    """Which of so many waiting readers a hint has woken before the loop turns again; returns once all are woken."""
    bus = LocalBus()
    waiters = Waiters(bus, lambda room_no, waiting: list(waiting))
    waiting = [Waiter(waiters, number) for number in range(1, size + 1)]
    for waiter in waiting:
        waiters.add(waiter)
    tasks = [asyncio.create_task(waiter.wait(LIMIT_S)) for waiter in waiting]
    await asyncio.sleep(0)
    bus.publish(rooms=(ROOM,))
    at_once = [waiter.hinted for waiter in waiting]
    assert all(await asyncio.gather(*tasks))
    return at_once


async def test_a_group_is_woken_whole() -> None:
    assert all(await crowd(WOKEN_AT_ONCE))


async def test_a_crowd_is_woken_in_turns_and_nobody_is_left_out() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    turns = 3
    at_once = await crowd(WOKEN_AT_ONCE + turns * WOKEN_IN_TURN)
    assert at_once.count(True) == WOKEN_AT_ONCE
    assert loop.time() - began >= turns * TURN_S


async def test_one_who_left_before_their_turn_is_no_trouble() -> None:
    bus = LocalBus()
    waiters = Waiters(bus, lambda room_no, waiting: list(waiting))
    size = WOKEN_AT_ONCE + 2 * WOKEN_IN_TURN
    waiting = [Waiter(waiters, number) for number in range(1, size + 1)]
    for waiter in waiting:
        waiters.add(waiter)
    bus.publish(rooms=(ROOM,))
    waiters.remove(waiting[-1])
    assert await waiting[-2].wait(LIMIT_S)
    assert not waiting[-1].hinted


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
