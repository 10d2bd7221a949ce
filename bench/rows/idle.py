"""Connected idle users: resident memory for each parked long-poll, in a server that was just started."""

from __future__ import annotations

import asyncio
from time import perf_counter

from bench.machine import Meter, rss_bytes
from bench.matrix import LIVE_FILTER, User, read_sync, sync
from bench.target import Run, Target
from bench.types import Figure, Row
from bench.wire import accepted
from bench.worlds import idle_users

PARK_MS = 600_000  # longer than the row
WARM_USERS = 10  # syncs before memory is read, so that code and schemas are loaded
PARKED_S = 1.0  # a request this old waits
REST_S = 2.0  # the server is looked at for so long
AT_REST = 0.05  # of a core: less than this is housekeeping
PARK_LIMIT_S = 300.0


async def _wait(run: Run, user: User, since: str, parked_at: dict[str, float]) -> None:
    connection = run.connect()
    while True:
        asked = sync(user, since, PARK_MS, LIVE_FILTER)
        parked_at[user.user_id] = perf_counter()
        since = read_sync(accepted(await connection.ask(asked), asked)).next_batch


async def _settled(pid: int, parked_at: dict[str, float], users: int) -> int:
    """Wait until every user's request waits and the server is at rest; how many wait.

    A request that is merely queued looks the same from here as one that is parked: only a server that has stopped
    working has read them all.
    """
    for _ in range(int(PARK_LIMIT_S / REST_S)):
        meter = Meter(pid)
        await asyncio.sleep(REST_S)
        reading = meter.read()
        waiting = _waiting(parked_at)
        if waiting == users and reading.server_cpu_s < AT_REST * reading.seconds:
            return waiting
    return _waiting(parked_at)


def _waiting(parked_at: dict[str, float]) -> int:
    return sum(perf_counter() - at > PARKED_S for at in parked_at.values())


async def run(target: Target) -> Row:
    size = target.size
    parked_at: dict[str, float] = {}
    async with target.serving(idle_users) as run:
        users = run.world.users
        warm = run.connect()
        for user in users[:WARM_USERS]:
            for _ in range(3):
                accepted(await warm.ask(sync(user, user.since, 0, LIVE_FILTER)))
        before = rss_bytes(run.server.pid)
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(_wait(run, user, user.since, parked_at)) for user in users]
            await _settled(run.server.pid, parked_at, len(users))
            meter = Meter(run.server.pid)
            await asyncio.sleep(size.seconds)
            reading = meter.read()
            parked = _waiting(parked_at)
            after = rss_bytes(run.server.pid)
            for task in waiting:
                task.cancel()
    return Row(
        "idle",
        f"connected idle user, {len(users)} parked",
        [
            Figure("memory", (after - before) / len(users) / 1024, "KB", "lower", 30),
            Figure("idle processor", 100 * reading.server_cpu_s / reading.seconds, "% of a core", "lower"),
        ],
        reading,
        len(users),
        {"rss_before_mb": round(before / 1024**2, 1), "rss_after_mb": round(after / 1024**2, 1)},
        [] if parked == len(users) else [f"only {parked} of {len(users)} parked"],
    )
