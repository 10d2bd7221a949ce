"""Taking a name among verified accounts, at two sizes of them: each is held against all of them before it is given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from bench.load import Script, play
from bench.matrix import TEAHOUSE, User
from bench.target import Build, Run, Target
from bench.types import Figure, Row, percentile
from bench.wire import request
from bench.worlds import code_of, directory_of_few, directory_of_many, handle_of, name_of

CONNECTIONS = 4
NEW = 10_000_000  # accounts opened here have numbers from this on, which no world has
CONFLICT = 409


def _wish(handle: str, name: str) -> bytes:
    return msgspec.json.encode({"handle": handle, "kind": "media", "name": name})


def _opening(user: User, numbers: Iterator[int]) -> Script:
    for index in numbers:
        yield request("POST", f"{TEAHOUSE}/accounts", user.token, _wish(f"new-{code_of(index)}", name_of(index)))


def _renaming(user: User, numbers: Iterator[int]) -> Script:
    """The same account under one free name after another."""
    first = next(numbers)
    handle = f"own-{code_of(first)}"
    yield request("POST", f"{TEAHOUSE}/accounts", user.token, _wish(handle, name_of(first)))
    for index in numbers:
        body = msgspec.json.encode({"name": name_of(index), "about": {}})
        yield request("PUT", f"{TEAHOUSE}/accounts/{handle}", user.token, body)


async def _refused(run: Run, user: User, count: int) -> list[str]:
    """What is wrong when names with one letter more than verified ones are given away."""
    wrong = []
    for index in range(0, count, max(count // 20, 1)):
        for handle, name in ((f"{handle_of(index)}e", "Nobody"), (f"new-{code_of(index + NEW)}", f"{name_of(index)}e")):
            asked = request("POST", f"{TEAHOUSE}/accounts", user.token, _wish(handle, name))
            answer = await run.connect().ask(asked)
            if answer.status != CONFLICT:
                wrong.append(f"@{handle}, {name}: {answer.status}")
    return wrong


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    wrong: list[str] = []
    worlds: list[tuple[Build, int]] = [(directory_of_few, size.accounts_few), (directory_of_many, size.accounts_many)]
    for build, count in worlds:
        async with target.serving(build) as run:
            wrong += await _refused(run, run.world.users[0], count)
            numbers = itertools.count(2 * NEW)
            people = [await run.api(1).register(f"namer{index}") for index in range(CONNECTIONS)]
            for name, script in (("open", _opening), ("rename", _renaming)):
                measured = await play(run, [script(user, numbers) for user in people], size)
                p50, p99 = (percentile(measured.latencies_s, share) * 1000 for share in (0.5, 0.99))
                figures.append(Figure(f"{name} p50 at {count:,}", p50, "ms", "lower"))
                figures.append(Figure(f"{name} p99 at {count:,}", p99, "ms", "lower"))
    return Row(
        "lookalikes",
        "take a name among verified accounts, none of which it may look like",
        figures,
        measured.reading,
        len(measured.latencies_s),
        {},
        wrong[:3],
    )
