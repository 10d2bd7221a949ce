"""Bytes on disk for each follower of a public account, both directions indexed: the same world with few and many."""

from __future__ import annotations

from bench.machine import Meter, folder_bytes
from bench.target import Run, Target
from bench.types import Figure, Row
from bench.worlds import channel_of_few, channel_of_many


async def _size_of_stopped(run: Run) -> int:
    await run.server.stop()
    return folder_bytes(run.server.data)


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(channel_of_few) as run:
        few = await _size_of_stopped(run)
    async with target.serving(channel_of_many) as run:
        reading = Meter(run.server.pid).read()
        many = await _size_of_stopped(run)
    more = size.followers_many - size.followers_few
    return Row(
        "followers_disk",
        "a follower on disk, both directions indexed",
        [Figure("size", (many - few) / more, "bytes", "lower", 60)],
        reading,
        0,
        {"few_bytes": few, "many_bytes": many},
    )
