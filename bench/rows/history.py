"""History: pages of 50 backwards to the beginning of a room, and again from its end."""

from __future__ import annotations

from bench.load import Script, play
from bench.matrix import User, messages, read_page
from bench.target import Target
from bench.types import Figure, Row, percentile
from bench.worlds import Room, long_history

PAGE = 50  # events
CONNECTIONS = 8


def _reading(user: User, room: Room, expected: int, wrong: list[str]) -> Script:
    """Counts the messages of each whole walk: every walk must find all of them."""
    while True:
        found, start = 0, ""
        while True:
            page = read_page((yield messages(user, room.room_id, PAGE, start)).body)
            found += sum(event.type == "m.room.message" for event in page.chunk)
            if not page.end or page.end == start:
                break
            start = page.end
        if found != expected:
            wrong.append(f"a walk found {found} messages instead of {expected}")


async def run(target: Target) -> Row:
    size = target.size
    wrong: list[str] = []
    async with target.serving(long_history) as run:
        scripts = [
            _reading(run.world.users[room.members[n % len(room.members)]], room, size.history_messages, wrong)
            for n, room in ((n, run.world.rooms[n % len(run.world.rooms)]) for n in range(CONNECTIONS))
        ]
        measured = await play(run, scripts, size)
    return Row(
        "history",
        f"history, pages of {PAGE}, {CONNECTIONS} connections",
        [
            Figure("rate", measured.rate, "pages/s", "higher", 2_000),
            Figure("p99", percentile(measured.latencies_s, 0.99) * 1000, "ms", "lower"),
        ],
        measured.reading,
        len(measured.latencies_s),
        {"messages_in_each_room": size.history_messages},
        wrong[:3],
    )
