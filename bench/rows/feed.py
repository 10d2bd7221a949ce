"""The home feed of somebody who follows thousands of accounts, at sizes a hundred times apart: it must cost the same.

The pages are merged when they are asked for; the first one after a start also reads the accounts into memory, and is
given apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import msgspec

from bench.load import Script, play
from bench.matrix import TEAHOUSE, User
from bench.target import Build, Run, Target
from bench.types import Figure, Row, percentile
from bench.wire import accepted, request
from bench.worlds import feed_of_few, feed_of_many

PAGE = 20  # posts
PAGES = 11  # of one walk
PAGE_MS = 30  # the design, for 2,000 followed accounts


class Post(msgspec.Struct):
    account: str
    number: int


class Feed(msgspec.Struct):
    posts: Sequence[Post]
    newer_since: str
    next_batch: str = ""


_read = msgspec.json.Decoder(Feed).decode


def _page(user: User, start: str = "") -> bytes:
    query = f"limit={PAGE}" + (f"&from={start}" if start else "")
    return request("GET", f"{TEAHOUSE}/feed?{query}", user.token)


def _first(user: User, wrong: list[str]) -> Script:
    while True:
        feed = _read((yield _page(user)).body)
        if len(feed.posts) != PAGE:
            wrong.append(f"a first page of {len(feed.posts)}")


def _walking(user: User, wrong: list[str]) -> Script:
    while True:
        seen: list[tuple[str, int]] = []
        start = _read((yield _page(user)).body).next_batch
        for _ in range(PAGES - 1):
            if not start:
                break
            feed = _read((yield _page(user, start)).body)
            seen += [(post.account, post.number) for post in feed.posts]
            start = feed.next_batch
        if len(set(seen)) != len(seen):
            wrong.append("a walk that repeats a post")


def _newer(user: User, wrong: list[str]) -> Script:
    since = _read((yield _page(user)).body).newer_since
    while True:
        body = (yield request("GET", f"{TEAHOUSE}/feed/newer?since={since}", user.token)).body
        if msgspec.json.decode(body) != {"count": 0, "more": False}:
            wrong.append("something newer where nothing was written")


async def _cold_ms(run: Run) -> float:
    asked = _page(run.world.users[0])
    began = perf_counter()
    answer = await run.connect().ask(asked)
    accepted(answer, asked)
    return (answer.arrived - began) * 1000


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    wrong: list[str] = []
    worlds: list[tuple[Build, int]] = [(feed_of_few, size.followed), (feed_of_many, size.followed * size.posts_of_each)]
    for build, posts in worlds:
        async with target.serving(build) as run:
            reader = run.world.users[0]
            figures.append(Figure(f"first page after a start, {posts:,} posts", await _cold_ms(run), "ms", "lower"))
            for name, script in (("first page", _first), ("later pages", _walking), ("newer", _newer)):
                measured = await play(run, [script(reader, wrong)], size)
                p50, p99 = (percentile(measured.latencies_s, share) * 1000 for share in (0.5, 0.99))
                figures.append(Figure(f"{name} p50, {posts:,} posts", p50, "ms", "lower", PAGE_MS))
                figures.append(Figure(f"{name} p99, {posts:,} posts", p99, "ms", "lower"))
    return Row(
        "feed",
        f"home feed of {size.followed:,} followed accounts, pages of {PAGE}",
        figures,
        measured.reading,
        len(measured.latencies_s),
        {"posts_of_each_account": size.posts_of_each},
        wrong[:3],
    )
