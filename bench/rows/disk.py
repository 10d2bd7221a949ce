"""Bytes on disk for each message of 100 bytes: all files of the stopped server, before and after many messages.

Nobody reads them, so what a server keeps for the unread counts of 19 other members is in the figure.
"""

from __future__ import annotations

from bench.audit import complaints
from bench.load import play
from bench.machine import folder_bytes
from bench.matrix import MESSAGE_BYTES
from bench.talk import event_ids, sender
from bench.target import Run, Target
from bench.types import Figure, Row
from bench.worlds import rooms_of_twenty


async def _size_of_stopped(run: Run) -> int:
    await run.server.stop()
    return folder_bytes(run.server.data)


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(rooms_of_twenty) as run:
        acknowledged: list[bytes] = []
        before = await _size_of_stopped(run)
        await run.server.start()
        scripts = [sender(run.world, n, size.connections, acknowledged) for n in range(size.connections)]
        measured = await play(run, scripts, size)
        after = await _size_of_stopped(run)
        await run.server.start()
        wrong = await complaints(run, event_ids(acknowledged))
    return Row(
        "disk",
        f"a {MESSAGE_BYTES}-byte message on disk, indexes included",
        [Figure("size", (after - before) / len(acknowledged), "bytes", "lower", 600)],
        measured.reading,
        len(measured.latencies_s),
        {"messages": len(acknowledged), "before_bytes": before, "after_bytes": after},
        wrong,
    )
