"""Hints wake those who wait: a group at once, a crowd in turns, and everybody in the end."""

from __future__ import annotations

import asyncio

from teahouse.bus.local import LocalBus
from teahouse.sync.waiters import TURN_S, WOKEN_AT_ONCE, WOKEN_IN_TURN, Waiter, Waiters

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
