"""Nothing that was acknowledged is missing, and nothing is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.matrix import messages, read_page
from bench.target import Run
from bench.wire import each

PAGE = 100  # events of a page
READERS = 8
NAMED = 3  # event ids named in a complaint


async def stored(run: Run) -> Counter[str]:
    """Event ids of all messages of the world's rooms, found by paging to the beginning of each."""
    found: Counter[str] = Counter()
    api = run.api(READERS)

    async def walk(index: int, _: int) -> None:
        room = run.world.rooms[index]
        reader = run.world.users[room.members[0]]
        start = ""
        while True:
            page = read_page(await api.call(messages(reader, room.room_id, PAGE, start)))
            found.update(event.event_id for event in page.chunk if event.type == "m.room.message")
            if not page.end or page.end == start:
                return
            start = page.end

    await each(range(len(run.world.rooms)), READERS, walk)
    api.close()
    return found


async def complaints(run: Run, acknowledged: Sequence[str]) -> list[str]:
    """What is wrong with the stored messages after a load. Ends the server, for its own proof of its data.

    `acknowledged` are the event ids answered during the load; those of the world are added here.
    """
    expected = Counter(acknowledged)
    for event_ids in run.world.sent.values():
        expected.update(event_ids)
    found = await stored(run)
    wrong = []
    for what, events in (
        ("acknowledged twice under one event id", +Counter({e: n - 1 for e, n in expected.items()})),
        ("acknowledged but missing", expected - found),
        ("stored more than once", +Counter({e: n - 1 for e, n in found.items()})),
        ("stored but never acknowledged", Counter(found.keys()) - Counter(expected.keys())),
    ):
        if events:
            wrong.append(f"{len(events)} messages {what}: {', '.join(list(events)[:NAMED])}")
    await run.server.stop()
    verified = run.server.product.verify(run.server.data)
    if verified is not None and not verified.ok:
        wrong.append(f"verify failed: {verified.text}")
    elif verified is not None and verified.messages != len(expected):
        wrong.append(f"verify counted {verified.messages} messages, acknowledged were {len(expected)}: {verified.text}")
    return wrong
