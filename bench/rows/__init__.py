"""The rows of the table. A row is a file with a title and `async def run(target) -> Row`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.rows import (
    channel,
    directory,
    disk,
    empty_sync,
    feed,
    first_sync,
    follow,
    followers_disk,
    group,
    history,
    idle,
    lookalikes,
    publish,
    send,
    startup,
)
from bench.target import Target
from bench.types import Row

EVERYONE = ("synapse", "teahouse")
OURS = ("teahouse",)  # public accounts: the peer has none


@dataclass(frozen=True)
class Spec:
    name: str
    run: Callable[[Target], Awaitable[Row]]
    products: tuple[str, ...] = EVERYONE  # that are asked for it by default


ROWS = (
    Spec("send", send.run),
    Spec("group", group.run),
    # The peer's figure in the design is without receipts, which are the heavier load.
    Spec("group_receipts", group.run_with_receipts, OURS),
    Spec("first_sync", first_sync.run),
    Spec("empty_sync", empty_sync.run),
    Spec("history", history.run),
    Spec("idle", idle.run),
    Spec("disk", disk.run),
    Spec("startup", startup.run),
    Spec("follow", follow.run, OURS),
    Spec("publish", publish.run, OURS),
    Spec("channel", channel.run, OURS),
    Spec("followers_disk", followers_disk.run, OURS),
    Spec("directory", directory.run, OURS),
    Spec("lookalikes", lookalikes.run, OURS),
    Spec("feed", feed.run, OURS),
)
