"""The scripts of people who send, as several rows need them."""

from __future__ import annotations

from collections.abc import Generator

from bench.matrix import padded, read_sent, send
from bench.wire import Answer
from bench.worlds import World


def sender(
    world: World, number: int, senders: int, acknowledged: list[bytes], label: str = ""
) -> Generator[bytes, Answer, None]:
    """Sender `number` of `senders`: takes its share of all (room, member) pairs in turn, for ever.

    The bodies of the answers are appended to `acknowledged`; `label` keeps the transactions of loads apart.
    """
    pairs = [(room, member) for k in range(max(len(r.members) for r in world.rooms)) for room in world.rooms
             for member in room.members[k : k + 1]]  # fmt: skip
    mine = pairs[number::senders]
    count = 0
    while True:
        room, member = mine[count % len(mine)]
        txn_id = f"{label}{number}.{count}"
        answer = yield send(world.users[member], room.room_id, txn_id, padded(txn_id))
        acknowledged.append(answer.body)
        count += 1


def event_ids(bodies: list[bytes]) -> list[str]:
    return [read_sent(body).event_id for body in bodies]
