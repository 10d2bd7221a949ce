"""A real database that counts what it is asked: cost that must not grow is tested in statements and rows, not time.

What comes back is one thing, what an engine reads to find it another: `Counted.taken` counts both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from teahouse.db import Params, Reader, Row, Transaction
from tests.databases import Engine
from tests.reading import meter, settle

READ_SLACK = 1.1  # what is read may differ by this factor: versions of a row that changed lie in indexes for a while …
READ_SLACK_ROWS = 24  # … and short statements differ by a few


@dataclass(frozen=True)
class Cost:
    """What something took: statements sent, rows that came back, rows written, and commits. `read`: what the engine
    did to find them, in units of its own (see `tests/reading.py`); 0 where it was not counted.
    """

    statements: int
    rows: int
    written: int
    commits: int
    read: int = 0

    def __sub__(self, before: Cost) -> Cost:
        return Cost(
            self.statements - before.statements, self.rows - before.rows, self.written - before.written,
            self.commits - before.commits,
        )  # fmt: skip

    def like(self, other: Cost) -> bool:
        """Whether two costs are the same, those of reading within the slack."""
        less, more = sorted((self.read, other.read))
        return replace(self, read=0) == replace(other, read=0) and more <= less * READ_SLACK + READ_SLACK_ROWS


class Counting:
    """Counts the reads of a reader."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self.statements = self.rows = self.written = 0

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        rows = await self._inner.fetch(sql, *params)
        self.statements += 1
        self.rows += len(rows)
        return rows

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        row = await self._inner.fetch_one(sql, *params)
        self.statements += 1
        self.rows += row is not None
        return row


class CountedTransaction(Counting):
    """A body that counts."""

    def __init__(self, inner: Transaction) -> None:
        super().__init__(inner)
        self._body = inner

    async def execute(self, sql: str, *params: Any) -> int:
        changed = await self._body.execute(sql, *params)
        self.statements += 1
        self.written += changed
        return changed

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        listed = list(rows)
        await self._body.execute_many(sql, listed)
        self.statements += 1
        self.written += len(listed)

    async def attempt(self, write: Callable[[], Awaitable[None]]) -> Exception | None:
        return await self._body.attempt(write)

    def positions(self, count: int = 1) -> int:
        return self._body.positions(count)

    def on_commit(self, action: Callable[[], None]) -> None:
        self._body.on_commit(action)


class Counted(Counting):
    """A database that counts. What the writer itself adds to a commit is not counted."""

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self._engine = inner

    @property
    def head(self) -> int:
        return self._engine.head

    @property
    def epoch(self) -> int:
        return self._engine.epoch

    @property
    def failed(self) -> BaseException | None:
        return self._engine.failed

    @property
    def cost(self) -> Cost:
        """Everything since the start."""
        return Cost(self.statements, self.rows, self.written, self._engine.commits)

    async def taken(self, work: Callable[[], Awaitable[Any]]) -> tuple[Cost, Any]:
        """What some work cost, with what was read for it; and its result."""
        async with meter(self._engine) as counted:
            before = self.cost
            result = await work()
            cost = self.cost - before
        return replace(cost, read=counted.read), result

    async def settle(self) -> None:
        """Let the engine take notice of how much there is now, as it does by itself some time after large changes."""
        await settle(self._engine)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        async with self._engine.transaction() as tx:
            counted = CountedTransaction(tx)
            yield counted
            self.statements += counted.statements
            self.rows += counted.rows
            self.written += counted.written

    async def scrub(self) -> bool:
        return await self._engine.scrub()

    async def durability(self) -> dict[str, str]:
        return await self._engine.durability()

    async def close(self) -> None:
        await self._engine.close()
