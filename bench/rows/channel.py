"""Opening the channel of an account that a million follow: the calls a stock client makes when a room is opened."""

from __future__ import annotations

from urllib.parse import quote

from bench.load import Script, play
from bench.matrix import V3, User, messages
from bench.target import Build, Target
from bench.types import Figure, Row, percentile
from bench.wire import request
from bench.worlds import channel_of_few, channel_of_many

CONNECTIONS = 4  # a page is opened by a person, not by a crowd: latency counts here
PAGE = 20


def _members(user: User, room_id: str) -> bytes:
    return request("GET", f"{V3}/rooms/{quote(room_id)}/members", user.token)


def _opening(user: User, room_id: str) -> Script:
    while True:
        yield messages(user, room_id, PAGE)


def _listing(user: User, room_id: str) -> Script:
    while True:
        yield _members(user, room_id)


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    worlds: list[tuple[Build, int]] = [(channel_of_few, size.followers_few), (channel_of_many, size.followers_many)]
    for build, followers in worlds:
        async with target.serving(build) as run:
            room_id = run.world.rooms[0].room_id
            for name, script in (("open", _opening), ("members", _listing)):
                people = run.world.users[1 : 1 + CONNECTIONS]
                measured = await play(run, [script(user, room_id) for user in people], size)
                p99 = percentile(measured.latencies_s, 0.99) * 1000
                figures.append(Figure(f"{name} p99 at {followers:,}", p99, "ms", "lower", 20))
    return Row(
        "channel",
        "open a public account's channel, and list its members",
        figures,
        measured.reading,
        len(measured.latencies_s),
    )
