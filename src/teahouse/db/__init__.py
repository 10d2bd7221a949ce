"""One seam for storage: SQLite embedded, PostgreSQL beside it.

SQL is plain and written once, in the subset both share, with `?` for parameters. Nothing above this package knows
which engine runs. Positions are handed out here, because only the writer knows the order of commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from teahouse.errors import InvalidParam

Row = tuple[Any, ...]
Params = Sequence[Any]

NUL_REFUSED = "A name or text holds a NUL character, which cannot be stored."
BUCKETS = 1024  # rooms and users are spread over this many sets for ever; a shard is a group of them


class Reader(Protocol):
    """Reads of committed rows (or, inside a transaction, of its own rows too)."""

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        """All rows. Every caller bounds the number by a LIMIT or by its key."""

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        """The first row, or None."""


class Transaction(Reader, Protocol):
    """One body of writes: all of it is kept, or nothing.

    Bodies of one process run one after the other, so a body never sees another half done and needs no locks.
    A body awaits nothing but its own transaction.
    """

    async def execute(self, sql: str, *params: Any) -> int:
        """Run one statement; the number of rows it changed."""

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row of parameters, in one round trip."""

    async def attempt(self, write: Callable[[], Awaitable[None]]) -> Exception | None:
        """Do what can be undone alone: None, or the error that undid it. Raises when the whole body is lost."""

    def positions(self, count: int = 1) -> int:
        """Take `count` positions of the log and return the first. They rise in the order of commits; a body that
        fails leaves a gap, which is harmless."""

    def on_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the body is durable and before its caller goes on; in the order of commits.

        Never run when the body or its commit fails. This is the only way to touch caches and wake readers.
        """


class Database(Reader, Protocol):
    """An engine.

    Guarantees: when `transaction()` is left without an exception its writes are on disk (fsync) and visible to every
    later read; bodies that wait together share one commit. When the disk is full the body gets `StorageFull` and
    nothing of it is kept. When the outcome of a commit is unknown the writer stops: every later transaction gets
    `Unavailable` and `failed` is set, for the process to end and start again from what is on disk.
    """

    @property
    def head(self) -> int:
        """The highest position whose commit is done: everything at or below it is visible to reads."""

    @property
    def epoch(self) -> int:
        """The life of the log that positions taken now belong to."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a body; it commits when the block is left, and is undone when the block raises."""

    async def close(self) -> None:
        """Finish running commits and let go of the files or connections."""


def check_texts(values: Params) -> None:
    """Raises InvalidParam for a text that not every engine holds, so that all of them refuse the same.

    JSON may hold U+0000: where it is kept as bytes it is no text here, and stands.
    """
    for value in values:
        if value.__class__ is str and "\0" in value:
            raise InvalidParam(NUL_REFUSED)


def marks(count: int) -> str:
    """`?,?,?` for an IN list of `count` values, count rounded up to a power of two so that few statements are
    prepared; pad the parameters with `padded`."""
    return ",".join("?" * _power(count))


def padded(values: Sequence[Any]) -> list[Any]:
    """`values` with the last one repeated up to the number of `marks(len(values))`; empty matches nothing."""
    if not values:
        return [None]
    return [*values, *([values[-1]] * (_power(len(values)) - len(values)))]


def pairs(count: int) -> str:
    """A table of `count` pairs of whole numbers, columns `column1` and `column2`, to join with; pad the parameters
    with `padded_pairs`. Both engines give a table of values these names."""
    return "VALUES " + ",".join(["(CAST(? AS BIGINT), CAST(? AS BIGINT))"] * _power(count))


def padded_pairs(values: Sequence[tuple[int, int]]) -> list[int]:
    """The parameters of `pairs(len(values))`: some pairs stand there several times."""
    return [number for pair in padded(values) for number in pair]


def _power(count: int) -> int:
    return 1 if count < 1 else 1 << (count - 1).bit_length()
