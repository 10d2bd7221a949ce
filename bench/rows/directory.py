"""The directory of public accounts at two sizes: finding by word, looking up a handle, refusing one that is taken."""

from __future__ import annotations

import itertools

from bench.load import Script, play
from bench.matrix import TEAHOUSE, User
from bench.target import Build, Target
from bench.types import Figure, Row, percentile
from bench.wire import request
from bench.worlds import OWNED, WORDS, directory_of_few, directory_of_many

CONNECTIONS = 4


def _searching(user: User, count: int) -> Script:
    for index in itertools.cycle(range(0, count, 7)):
        yield request("GET", f"{TEAHOUSE}/accounts?search={WORDS[index % len(WORDS)]}%20{index}", user.token)


def _looking_up(user: User, count: int) -> Script:
    for index in itertools.cycle(range(0, count, 7)):
        yield request("GET", f"{TEAHOUSE}/accounts/{WORDS[index % len(WORDS)]}-{index}", user.token)


def _listing(user: User, count: int) -> Script:
    while True:
        yield request("GET", f"{TEAHOUSE}/accounts?limit=20", user.token)


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    worlds: list[tuple[Build, int]] = [(directory_of_few, size.accounts_few), (directory_of_many, size.accounts_many)]
    for build, count in worlds:
        async with target.serving(build) as run:
            people = run.world.users[:CONNECTIONS]
            for name, script in (("search", _searching), ("handle", _looking_up), ("list", _listing)):
                measured = await play(run, [script(user, count) for user in people], size)
                p99 = percentile(measured.latencies_s, 0.99) * 1000
                figures.append(Figure(f"{name} p99 at {count:,}", p99, "ms", "lower"))
    return Row(
        "directory",
        f"find a public account, {OWNED} of each owner",
        figures,
        measured.reading,
        len(measured.latencies_s),
    )
