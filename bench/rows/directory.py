"""The directory of public accounts at two sizes: finding by word, looking up a handle, listing."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import quote

import msgspec

from bench.load import Script, play
from bench.matrix import TEAHOUSE, V3, User
from bench.target import Build, Target
from bench.types import Figure, Row, percentile
from bench.wire import request
from bench.worlds import WORDS, code_of, directory_of_few, directory_of_many, handle_of, name_of

CONNECTIONS = 4


class PublicRooms(msgspec.Struct):
    next_batch: str = ""


def _searching(user: User, count: int) -> Script:
    for index in itertools.cycle(range(0, count, 7)):
        yield request("GET", f"{TEAHOUSE}/accounts?search={quote(name_of(index))}", user.token)


def _looking_up(user: User, count: int) -> Script:
    for index in itertools.cycle(range(0, count, 7)):
        yield request("GET", f"{TEAHOUSE}/accounts/{handle_of(index)}", user.token)


def _listing(user: User, count: int) -> Script:
    while True:
        yield request("GET", f"{TEAHOUSE}/accounts?limit=20", user.token)


def _browsing(user: User, count: int) -> Script:
    """What a stock client's list of public rooms asks for: a first page, the next one, and a search."""
    for word in itertools.cycle(WORDS):
        page = msgspec.json.decode((yield _public_rooms(user, {})).body, type=PublicRooms)
        yield _public_rooms(user, {"since": page.next_batch} if page.next_batch else {})
        yield _public_rooms(user, {"filter": {"generic_search_term": word[1:-1]}})
        yield _public_rooms(user, {"filter": {"generic_search_term": code_of(count // 2)[1:]}})


def _public_rooms(user: User, wish: dict[str, Any]) -> bytes:
    return request("POST", f"{V3}/publicRooms", user.token, msgspec.json.encode({"limit": 20, **wish}))


SCRIPTS = (("search", _searching), ("handle", _looking_up), ("list", _listing), ("public rooms", _browsing))


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    worlds: list[tuple[Build, int]] = [(directory_of_few, size.accounts_few), (directory_of_many, size.accounts_many)]
    for build, count in worlds:
        async with target.serving(build) as run:
            people = run.world.users[:CONNECTIONS]
            for name, script in SCRIPTS:
                measured = await play(run, [script(user, count) for user in people], size)
                p99 = percentile(measured.latencies_s, 0.99) * 1000
                figures.append(Figure(f"{name} p99 at {count:,}", p99, "ms", "lower"))
    return Row(
        "directory",
        "find a public account, and its channel in the public directory",
        figures,
        measured.reading,
        len(measured.latencies_s),
    )
