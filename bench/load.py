"""Closed-loop load: each connection plays a script, asking again as soon as it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from time import perf_counter

from bench.machine import Meter, Reading
from bench.target import Run
from bench.types import Size
from bench.wire import Answer, Connection, accepted

Script = Generator[bytes, Answer, None]  # yields requests, is sent their accepted answers


@dataclass
class Measured:
    """What happened inside the window."""

    reading: Reading
    latencies_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies_s) / self.reading.seconds


class _Clock:
    """Shared by the scripts of one load."""

    def __init__(self) -> None:
        self.measuring = False
        self.over = False


async def play(run: Run, scripts: Iterable[Script], size: Size) -> Measured:
    """Warm up, then measure for `size.seconds`. Requests in flight at the end are waited for and not counted."""
    clock = _Clock()
    latencies: list[float] = []
    async with asyncio.TaskGroup() as group:
        for script in scripts:
            group.create_task(_drive(run.connect(), script, clock, latencies))
        await asyncio.sleep(size.warm_up_s)
        meter = Meter(run.server.pid)
        clock.measuring = True
        await asyncio.sleep(size.seconds)
        clock.measuring = False
        reading = meter.read()
        clock.over = True
    return Measured(reading, latencies)


async def _drive(connection: Connection, script: Script, clock: _Clock, latencies: list[float]) -> None:
    asked = next(script)
    while not clock.over:
        counted = clock.measuring
        began = perf_counter()
        answer = await connection.ask(asked)
        if counted and clock.measuring:
            latencies.append(answer.arrived - began)
        accepted(answer, asked)
        try:
            asked = script.send(answer)
        except StopIteration:
            return


async def fill(run: Run, scripts: Iterable[Script], seconds: float) -> None:
    """Play until every script has ended, or for so long; unmeasured."""
    clock = _Clock()
    async with asyncio.TaskGroup() as group:
        playing = [group.create_task(_drive(run.connect(), script, clock, [])) for script in scripts]
        await asyncio.wait(playing, timeout=seconds)
        clock.over = True
