"""Sending: 64 users in 32 rooms of 20, over 32 connections that send again as soon as they are answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bench.audit import complaints
from bench.load import play
from bench.machine import fsyncs_per_s
from bench.talk import event_ids, sender
from bench.target import Run, Target
from bench.types import Figure, Row, percentile
from bench.worlds import rooms_of_twenty

TITLE = "send: {users} users, {rooms} rooms of {members}, {connections} connections"
WATCHED_S = 2.0  # load under strace, after the measured window: it slows the server


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(rooms_of_twenty) as run:
        acknowledged: list[bytes] = []
        scripts = [sender(run.world, n, size.connections, acknowledged) for n in range(size.connections)]
        measured = await play(run, scripts, size)
        durability = run.server.product.durability(run.server.data)
        fsyncs = await _watched(target, run, acknowledged)
        wrong = await complaints(run, event_ids(acknowledged))
    latencies = measured.latencies_s
    return Row(
        "send",
        TITLE.format(users=size.users, rooms=size.rooms, members=size.members, connections=size.connections),
        [
            Figure("rate", measured.rate, "events/s", "higher", 5_000),
            Figure("p50", percentile(latencies, 0.5) * 1000, "ms", "lower"),
            Figure("p99", percentile(latencies, 0.99) * 1000, "ms", "lower", 50),
        ],
        measured.reading,
        len(latencies),
        {
            "acknowledged_and_found": len(acknowledged),
            "fsyncs_per_s_under_strace": fsyncs,
            **{f"durability_{name}": value for name, value in durability.items()},
        },
        wrong,
    )


async def _watched(target: Target, run: Run, acknowledged: list[bytes]) -> float | str:
    """fsyncs per second while the same load goes on: what durability costs, seen from the kernel."""
    size = replace(target.size, warm_up_s=0.5, seconds=WATCHED_S + 1)
    scripts = [sender(run.world, n, size.connections, acknowledged, "s") for n in range(size.connections)]
    async with asyncio.TaskGroup() as group:
        group.create_task(play(run, scripts, size))
        await asyncio.sleep(size.warm_up_s)
        seen = await fsyncs_per_s(run.server.pid, WATCHED_S)
    return "not observed" if seen is None else round(seen, 1)
