"""A group of 500: everyone long-polls, five messages a second, and each must reach each reader once.

Latency is from the start of a send to the arrival of the sync answer that shows the message, one value for each
reader and message. With receipts, every reader also acknowledges what it sees: a newer receipt replaces one that
waits for its connection, as clients do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from bench.audit import complaints
from bench.machine import Meter
from bench.matrix import LIVE_FILTER, PARK_MS, Api, User, padded, read_receipt, read_sent, read_sync, send, sync
from bench.target import Run, Target
from bench.types import Figure, Row, percentile
from bench.wire import accepted
from bench.worlds import one_group

SENDERS = 50  # members who speak in turn
SENDING = 32  # connections for sends, so that a slow answer holds up no later message
FIRST_UNCOUNTED = 5  # messages before latencies count: caches fill
SETTLE_S = 2.0  # for long-polls to be parked before the first message
ARRIVE_LIMIT_S = 60.0  # after the last message
LOOK_S = 0.05


class Reader:
    """One member: reads by long-poll, and acknowledges what it reads when asked to."""

    def __init__(self, run: Run, user: User, room_id: str, receipts: bool) -> None:
        self._user = user
        self._room_id = room_id
        self._polling = run.connect()
        self._receipting = run.connect() if receipts else None
        self._newest: str | None = None  # event id that waits to be acknowledged
        self._wake = asyncio.Event()
        self.arrivals: list[tuple[int, float]] = []  # number of the message, time its answer arrived
        self.answers = 0
        self.gaps = 0
        self.receipts = 0

    async def read(self) -> None:
        since = self._user.since
        while True:
            asked = sync(self._user, since, PARK_MS, LIVE_FILTER)
            answer = await self._polling.ask(asked)
            shown = read_sync(accepted(answer, asked))
            since = shown.next_batch
            self.answers += 1
            room = shown.rooms.join.get(self._room_id)
            if room is None:
                continue
            self.gaps += room.timeline.limited
            for event in room.timeline.events:
                if event.type == "m.room.message":
                    self.arrivals.append((int(event.content.body.split(" ", 1)[0]), answer.arrived))
                    self._newest = event.event_id
                    self._wake.set()

    async def acknowledge(self) -> None:
        while self._receipting is not None:
            await self._wake.wait()
            self._wake.clear()
            if self._newest is not None:
                asked = read_receipt(self._user, self._room_id, self._newest)
                self._newest = None
                accepted(await self._receipting.ask(asked), asked)
                self.receipts += 1


class Talk:
    """The messages, sent by the clock whether or not the server keeps up."""

    def __init__(self, run: Run, users: Sequence[User], room_id: str, count: int, interval_s: float) -> None:
        self._api = Api(run.server.port, SENDING)
        self._wishes = [send(users[n % SENDERS % len(users)], room_id, f"g{n}", padded(f"{n} ")) for n in range(count)]
        self._interval_s = interval_s
        self.begun = [0.0] * count
        self.event_ids = [""] * count
        self.answered_s: list[float] = []

    async def go(self) -> None:
        start = perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(len(self._wishes)):
                await asyncio.sleep(max(0.0, start + number * self._interval_s - perf_counter()))
                group.create_task(self._send(number))
        self._api.close()

    async def _send(self, number: int) -> None:
        self.begun[number] = perf_counter()
        body = await self._api.call(self._wishes[number])
        self.answered_s.append(perf_counter() - self.begun[number])
        self.event_ids[number] = read_sent(body).event_id


async def run(target: Target) -> Row:
    return await _run(target, receipts=False)


async def run_with_receipts(target: Target) -> Row:
    return await _run(target, receipts=True)


async def _run(target: Target, receipts: bool) -> Row:
    size = target.size
    count = int(size.group_seconds * size.group_messages_per_s)
    async with target.serving(one_group) as run:
        room = run.world.rooms[0]
        readers = [Reader(run, run.world.users[member], room.room_id, receipts) for member in room.members]
        talk = Talk(run, run.world.users, room.room_id, count, 1 / size.group_messages_per_s)
        async with asyncio.TaskGroup() as group:
            living = [group.create_task(life) for r in readers for life in (r.read(), r.acknowledge())]
            await _parked(readers)
            meter = Meter(run.server.pid)
            await talk.go()
            spoken = meter.read()
            await _arrived(readers, count)
            reading = meter.read()
            for task in living:
                task.cancel()
        wrong = _delivered(readers, count) + await complaints(run, talk.event_ids)
    latencies = [at - talk.begun[n] for r in readers for n, at in r.arrivals if n >= FIRST_UNCOUNTED]
    name = "group_receipts" if receipts else "group"
    return Row(
        name,
        f"group of {size.group}, all long-polling{' and sending receipts' if receipts else ''}, "
        f"{size.group_messages_per_s:g} messages/s",
        [
            Figure("p50", percentile(latencies, 0.5) * 1000, "ms", "lower", 25),
            Figure("p99", percentile(latencies, 0.99) * 1000, "ms", "lower", 120),
            Figure("send p50", percentile(talk.answered_s, 0.5) * 1000, "ms", "lower"),
        ],
        reading,
        sum(len(r.arrivals) for r in readers),
        {
            "messages": count,
            "talk_s": round(spoken.seconds, 1),
            "deliveries": sum(len(r.arrivals) for r in readers),
            "sync_answers": sum(r.answers for r in readers),
            "receipts": sum(r.receipts for r in readers),
            "max_ms": round(max(latencies) * 1000, 1),
        },
        wrong,
    )


async def _parked(readers: Sequence[Reader]) -> None:
    """Wait until no reader has been answered for a while: all are caught up and wait."""
    before = -1
    for _ in range(int(ARRIVE_LIMIT_S / SETTLE_S)):
        answers = sum(reader.answers for reader in readers)
        if answers == before:
            return
        before = answers
        await asyncio.sleep(SETTLE_S)


async def _arrived(readers: Sequence[Reader], count: int) -> None:
    """Wait until every reader has as many messages as were sent, or time is up."""
    for _ in range(int(ARRIVE_LIMIT_S / LOOK_S)):
        if all(len(reader.arrivals) >= count for reader in readers):
            return
        await asyncio.sleep(LOOK_S)


def _delivered(readers: Sequence[Reader], count: int) -> list[str]:
    """What is wrong with what the readers saw: all of it, once, in one order, without gaps."""
    wrong = []
    orders = {tuple(number for number, _ in reader.arrivals) for reader in readers}
    lost = sum(count - len({n for n, _ in reader.arrivals}) for reader in readers)
    doubled = sum(len(reader.arrivals) - len({n for n, _ in reader.arrivals}) for reader in readers)
    gaps = sum(reader.gaps for reader in readers)
    if lost:
        wrong.append(f"{lost} deliveries lost")
    if doubled:
        wrong.append(f"{doubled} deliveries doubled")
    if gaps:
        wrong.append(f"{gaps} limited timelines")
    if len(orders) > 1 and not lost and not doubled:
        wrong.append(f"{len(orders)} different orders among the readers")
    return wrong
