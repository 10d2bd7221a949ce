"""First sync: a new device of a user in 200 rooms, none of whose messages are read."""

from __future__ import annotations

from time import perf_counter

from bench.machine import Meter
from bench.matrix import Sync, read_sync, sync
from bench.target import Target
from bench.types import Figure, Row, percentile
from bench.wire import accepted
from bench.worlds import unread_rooms

TIMELINE = 10  # events of each room
FILTER = f'{{"room":{{"timeline":{{"limit":{TIMELINE}}}}}}}'
SAMPLES_MAX = 150  # each a device, of which one user has at most 200


async def run(target: Target) -> Row:
    size = target.size
    async with target.serving(unread_rooms) as run:
        api = run.api(1)
        connection = run.connect()
        took_s: list[float] = []
        wrong: list[str] = []
        bytes_of_answer = 0
        meter = Meter(run.server.pid)
        sync_cpu_s = 0.0
        while len(took_s) < SAMPLES_MAX and perf_counter() - meter.began < size.seconds:
            device = await api.login(run.world.users[0])
            asked = sync(device, filters=FILTER)
            one = Meter(run.server.pid)
            answer = await connection.ask(asked)
            took_s.append(answer.arrived - one.began)
            sync_cpu_s += one.read().server_cpu_s
            bytes_of_answer = len(accepted(answer, asked))
            wrong += _complaints(read_sync(answer.body), size.unread_rooms, size.unread_messages)
        reading = meter.read()._replace(server_cpu_s=sync_cpu_s)
        api.close()
    return Row(
        "first_sync",
        f"first sync, {size.unread_rooms} rooms with unread",
        [
            Figure("p50", percentile(took_s, 0.5) * 1000, "ms", "lower", 80),
            Figure("first", took_s[0] * 1000, "ms", "lower"),
            Figure("slowest", max(took_s) * 1000, "ms", "lower"),
        ],
        reading,
        len(took_s),
        {"samples": len(took_s), "answer_bytes": bytes_of_answer},
        wrong[:3],
    )


def _complaints(shown: Sync, rooms: int, messages: int) -> list[str]:
    if len(shown.rooms.join) != rooms:
        return [f"{len(shown.rooms.join)} rooms instead of {rooms}"]
    short = [r for r, room in shown.rooms.join.items() if len(room.timeline.events) != min(TIMELINE, messages)]
    read = [r for r, room in shown.rooms.join.items() if room.unread_notifications.notification_count != messages]
    wrong = [f"{len(short)} rooms with a timeline that is not of {min(TIMELINE, messages)} events"] if short else []
    return wrong + ([f"{len(read)} rooms whose unread count is not {messages}"] if read else [])
