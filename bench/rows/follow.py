"""Following a public account that few follow, and one that a million follow: it must cost the same.

Each connection is a person who follows and unfollows by turns, so that every request writes.
"""

from __future__ import annotations

from bench.load import Script, play
from bench.matrix import User, follow, unfollow
from bench.target import Build, Target
from bench.types import Figure, Row, percentile
from bench.worlds import channel_of_few, channel_of_many


def _turning(user: User, room_id: str) -> Script:
    there = True
    while True:
        yield unfollow(user, room_id) if there else follow(user, room_id)
        there = not there


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    worlds: list[tuple[Build, int]] = [(channel_of_few, size.followers_few), (channel_of_many, size.followers_many)]
    for build, followers in worlds:
        async with target.serving(build) as run:
            room = run.world.rooms[0]
            people = run.world.users[1 : 1 + size.connections]
            measured = await play(run, [_turning(user, room.room_id) for user in people], size)
        figures += [
            Figure(f"rate at {followers:,}", measured.rate, "follows/s", "higher", 3_000),
            Figure(f"p99 at {followers:,}", percentile(measured.latencies_s, 0.99) * 1000, "ms", "lower"),
        ]
    return Row(
        "follow",
        f"follow or unfollow a public account, {size.connections} connections",
        figures,
        measured.reading,
        len(measured.latencies_s),
    )
