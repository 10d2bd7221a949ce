"""Bytes on disk for each follower of a public account: the pages of the table of followers and of its index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bench.machine import Meter
from bench.target import Target
from bench.types import Figure, Row
from bench.worlds import channel_of_many

PAGES = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'follows%'"


def _read(database: Path) -> tuple[int, int]:
    """Bytes of the pages, and rows."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (size,) = connection.execute(PAGES).fetchone()
        (rows,) = connection.execute("SELECT count(*) FROM follows").fetchone()
    return size, rows


async def run(target: Target) -> Row:
    async with target.serving(channel_of_many) as run:
        reading = Meter(run.server.pid).read()
        await run.server.stop()
        size_bytes, followers = _read(run.server.data / "teahouse.db")
    return Row(
        "followers_disk",
        "a follower on disk, both directions indexed",
        [Figure("size", size_bytes / followers, "bytes", "lower", 60)],
        reading,
        0,
        {"followers": followers, "bytes": size_bytes},
    )
