"""The single writer both engines share: bodies one by one, one commit for all that waited together.

The engine brings six verbs (begin, savepoint, rollback_to, release, commit, rollback); order, grouping and what a
failure means live here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from teahouse.db import Params, Row, Transaction
from teahouse.errors import StorageFull, Unavailable

GROUP_BODIES_MAX = 512  # bodies in one commit: bounds how long the first one waits for the last


class Connection(Protocol):
    """What the writer needs of an engine's connection."""

    async def fetch(self, sql: str, *params: Any) -> list[Row]: ...
    async def fetch_one(self, sql: str, *params: Any) -> Row | None: ...
    async def execute(self, sql: str, *params: Any) -> int: ...
    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None: ...
    async def begin(self) -> None: ...
    async def savepoint(self) -> None: ...
    async def release(self) -> None: ...
    async def undo(self) -> bool:
        """Back to the savepoint; False when the engine has already undone the whole group."""

    async def commit(self) -> None:
        """Make the group durable. Raises StorageFull when it surely was not kept; anything else is unknown."""

    async def rollback(self) -> None: ...


class Body:
    """A `Transaction` on the writer's connection."""

    def __init__(self, writer: Writer, connection: Connection) -> None:
        self._writer = writer
        self._actions: list[Callable[[], None]] = []
        self.fetch = connection.fetch
        self.fetch_one = connection.fetch_one
        self.execute = connection.execute
        self.execute_many = connection.execute_many

    def positions(self, count: int = 1) -> int:
        return self._writer.take(count)

    def on_commit(self, action: Callable[[], None]) -> None:
        self._actions.append(action)

    @property
    def actions(self) -> list[Callable[[], None]]:
        return self._actions


class Group:
    """The bodies of one commit, and the future all of them wait for."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.actions: list[Callable[[], None]] = []
        self.bodies = 0

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # every body may already have gone away; that is no reason to warn


class Writer:
    """Runs bodies in turn and commits them in groups."""

    def __init__(self, connection: Connection, shard: int, fence: int, next_pos: int) -> None:
        self._connection = connection
        self._shard = shard
        self._fence = fence
        self._next_pos = next_pos
        self.head = next_pos - 1
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: Group | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self.failed: BaseException | None = None
        self.commits = 0

    def take(self, count: int) -> int:
        first = self._next_pos
        self._next_pos += count
        return first

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            group = await self._open()
        except BaseException:
            self._turn.release()
            raise
        body = Body(self, self._connection)
        try:
            yield body
            await self._connection.release()
        except BaseException as error:
            await self._undo(group, error)
            self._pass_on(group)
            raise
        group.actions.extend(body.actions)
        group.bodies += 1
        self._pass_on(group)
        # Shielded: the group belongs to all its bodies, one caller going away must not take the commit along.
        await asyncio.shield(group.done)

    async def close(self) -> None:
        async with self._turn:
            self.failed = self.failed or Unavailable("The server is stopping.")

    async def _open(self) -> Group:
        if self.failed is not None:
            raise Unavailable("The store is not accepting writes.")
        group = self._group
        if group is None:
            await self._connection.begin()
            group = self._group = Group()
        try:
            await self._connection.savepoint()
        except BaseException as error:
            await self._undo(group, error)
            raise
        return group

    async def _undo(self, group: Group, error: BaseException) -> None:
        """Undo one body; when the engine threw away the whole group, tell its other bodies."""
        try:
            kept = await self._connection.undo()
        except Exception as broken:
            self.failed = broken
            kept = False
        if not kept:
            self._group = None
            group.fail(error if isinstance(error, StorageFull) else Unavailable("The write was undone; try again."))

    def _pass_on(self, group: Group) -> None:
        """Let the next body join the group, or commit it when none waits."""
        if self._group is None or (self._waiting and group.bodies < GROUP_BODIES_MAX):
            self._turn.release()
            return
        task = asyncio.get_running_loop().create_task(self._finish(group))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def _finish(self, group: Group) -> None:
        """Commit, then run the actions, then answer: in this order, so that nobody hears of what may be lost."""
        head = self._next_pos - 1
        try:
            if group.bodies:
                moved = await self._connection.execute(
                    "UPDATE shards SET next_pos = ? WHERE shard = ? AND fence = ?",
                    self._next_pos, self._shard, self._fence,
                )  # fmt: skip
                if moved != 1:
                    raise Unavailable("Another process has taken over this shard.")
                await self._connection.commit()
                self.commits += 1
            else:
                await self._connection.rollback()
        except StorageFull as error:
            await self._forget(group, error)
        except BaseException as error:
            # Whether the commit reached the disk is unknown: stop here, a restart reads the log and knows.
            self.failed = error
            group.fail(Unavailable("The outcome of the write is unknown; try again."))
        else:
            self.head = head
            for action in group.actions:
                action()
            if not group.done.done():
                group.done.set_result(None)
        finally:
            self._group = None
            self._turn.release()

    async def _forget(self, group: Group, error: StorageFull) -> None:
        try:
            await self._connection.rollback()
        except Exception as broken:
            self.failed = broken
        group.fail(error)
