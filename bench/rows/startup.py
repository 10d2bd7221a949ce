"""Start-up: from the start of the process to its first answer and to the first sync, with few and with many events."""

from __future__ import annotations

from time import perf_counter

from bench.load import Script, fill
from bench.machine import Reading, cpu_s
from bench.matrix import sync
from bench.talk import sender
from bench.target import Run, Target
from bench.types import Figure, Row, percentile
from bench.wire import Answer, accepted
from bench.worlds import rooms_of_twenty

STARTS = 5


async def _start(run: Run) -> tuple[float, float]:
    """Seconds to the first answer and to the first user's sync."""
    user = run.world.users[0]
    began = perf_counter()
    await run.server.start()
    asked = sync(user, user.since)
    answer: Answer = await run.connect().ask(asked)
    accepted(answer, asked)
    return run.server.start_s, answer.arrived - began


async def _starts(run: Run) -> tuple[float, float]:
    """The median of a few starts after graceful stops; files are in the page cache."""
    seen = []
    for _ in range(STARTS):
        await run.server.stop()
        seen.append(await _start(run))
    return percentile([ready for ready, _ in seen], 0.5), percentile([synced for _, synced in seen], 0.5)


def _until(script: Script, acknowledged: list[bytes], events: int) -> Script:
    """The script, ended once so many events are acknowledged by all."""
    asked = next(script)
    while len(acknowledged) < events:
        asked = script.send((yield asked))


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(rooms_of_twenty) as run:
        few_ready, few_synced = await _starts(run)
        acknowledged: list[bytes] = []
        scripts = [
            _until(sender(run.world, n, size.connections, acknowledged), acknowledged, size.startup_events)
            for n in range(size.connections)
        ]
        await fill(run, scripts, size.startup_load_s)
        ready, synced = await _starts(run)
        reading = Reading(synced, cpu_s(run.server.pid), 0.0)  # of the last start
    return Row(
        "startup",
        f"start after {size.startup_load_s:g} s of sending",
        [
            Figure("messages in the log", len(acknowledged), "messages", "higher"),
            Figure("first answer", ready, "s", "lower", 3),
            Figure("first sync", synced, "s", "lower"),
        ],
        reading,
        1,
        {
            "first_answer_without_messages_s": round(few_ready, 3),
            "first_sync_without_messages_s": round(few_synced, 3),
        },
    )
