"""Sync with nothing new: `timeout=0` from the newest token, each answer's token used for the next request."""

from __future__ import annotations

from bench.load import Script, play
from bench.matrix import User, read_sync, sync
from bench.target import Target
from bench.types import Figure, Row, percentile
from bench.worlds import rooms_of_twenty


def _asking(user: User) -> Script:
    since, asked = user.since, sync(user, user.since)
    while True:
        answer = yield asked
        shown = read_sync(answer.body)
        if shown.next_batch != since:
            since, asked = shown.next_batch, sync(user, shown.next_batch)


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(rooms_of_twenty) as run:
        users = [run.world.users[n % size.users] for n in range(size.connections)]
        measured = await play(run, map(_asking, users), size)
    return Row(
        "empty_sync",
        f"sync with nothing new, {size.connections} connections",
        [
            Figure("rate", measured.rate, "syncs/s", "higher", 5_000),
            Figure("p99", percentile(measured.latencies_s, 0.99) * 1000, "ms", "lower"),
        ],
        measured.reading,
        len(measured.latencies_s),
    )
