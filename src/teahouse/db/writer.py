"""The single writer both engines share: bodies one by one, one commit for all that waited together.

The engine brings six verbs (begin, savepoint, release, undo, commit, rollback); order, grouping and what a failure
means live here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from teahouse.db import Params, Row, Transaction
from teahouse.errors import StorageFull, Unavailable

GROUP_BODIES_MAX = 512  # bodies in one commit: bounds how long the first one waits for the last


class Connection(Protocol):
    """What the writer needs of an engine's connection.

    The verbs without a result run to their end even when the caller is cancelled meanwhile, and raise that after it.
    """

    async def fetch(self, sql: str, *params: Any) -> list[Row]: ...
    async def fetch_one(self, sql: str, *params: Any) -> Row | None: ...
    async def execute(self, sql: str, *params: Any) -> int: ...
    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None: ...
    async def begin(self) -> None:
        """Begin a group, with a savepoint for its first body."""

    async def savepoint(self) -> None: ...
    async def release(self) -> None: ...
    async def undo(self) -> bool:
        """Back to the savepoint; False when the engine has already undone the whole group. Raises when the
        connection is lost."""

    async def commit(self) -> None:
        """Make the group durable. Raises StorageFull when it surely was not kept; anything else is unknown."""

    async def rollback(self) -> None: ...


class Body:
    """A `Transaction` on the writer's connection."""

    def __init__(self, writer: Writer, connection: Connection) -> None:
        self._writer = writer
        self._connection = connection
        self._actions: list[Callable[[], None]] = []
        self.fetch = connection.fetch
        self.fetch_one = connection.fetch_one
        self.execute = connection.execute
        self.execute_many = connection.execute_many

    async def attempt(self, write: Callable[[], Awaitable[None]]) -> Exception | None:
        actions = len(self._actions)
        await self._connection.savepoint()
        try:
            await write()
        except Exception as error:
            if not await self._connection.undo():
                raise
            del self._actions[actions:]
            return error
        await self._connection.release()
        return None

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
    """Runs bodies in turn and commits them in groups.

    Turns are taken in the order of asking. A group's commit asks for its turn when the group begins, so the group
    holds the bodies that waited by then, and is committed even when some of those go away.
    """

    def __init__(self, connection: Connection, shard: int, fence: int, next_pos: int) -> None:
        self._connection = connection
        self._shard = shard
        self._fence = fence
        self._next_pos = next_pos
        self.head = next_pos - 1
        self._turn = asyncio.Lock()
        self._group: Group | None = None
        self._committing: set[asyncio.Task[None]] = set()
        self.failed: BaseException | None = None
        self.commits = 0

    def take(self, count: int) -> int:
        first = self._next_pos
        self._next_pos += count
        return first

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self._take_turn()
        try:
            group = await self._open()
            body = Body(self, self._connection)
            try:
                yield body
            except BaseException as error:
                await self._undo(group, error)
                raise
            await self._keep(group, body)
        finally:
            self._turn.release()
        # Shielded: the group belongs to all its bodies, one caller going away must not take the commit along.
        await asyncio.shield(group.done)

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Keep bodies out while the block runs; whatever was begun is committed."""
        await self._turn.acquire()
        while self._group is not None:
            begun = self._group
            self._turn.release()
            await asyncio.wait({begun.done})
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Refuse what comes from now on, and finish what is under way."""
        async with self._turn:
            self.failed = self.failed or Unavailable("The server is stopping.")
        if self._committing:
            await asyncio.wait(self._committing)

    async def _take_turn(self) -> None:
        """Wait for a turn in which a group is open to one more body, or none is."""
        await self._turn.acquire()
        while self._group is not None and self._group.bodies >= GROUP_BODIES_MAX:
            full = self._group
            self._turn.release()
            await asyncio.wait({full.done})
            await self._turn.acquire()

    async def _open(self) -> Group:
        """Join the open group, or begin one."""
        if self.failed is not None:
            raise Unavailable("The store is not accepting writes.")
        group = self._group
        try:
            if group is not None:
                await self._connection.savepoint()
                return group
            group = self._group = Group()
            task = asyncio.get_running_loop().create_task(self._commit(group))
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
            await self._connection.begin()
        except BaseException as error:
            assert group is not None
            await self._undo(group, error)
            raise
        return group

    async def _keep(self, group: Group, body: Body) -> None:
        """Make a finished body part of its group."""
        cancelled = None
        try:
            await self._connection.release()
        except asyncio.CancelledError as error:
            cancelled = error  # too late: the body is whole
        except BaseException as error:
            await self._undo(group, error)
            raise
        group.actions.extend(body.actions)
        group.bodies += 1
        if cancelled is not None:
            raise cancelled

    async def _undo(self, group: Group, error: BaseException) -> None:
        """Undo one body; when the engine threw away the whole group, tell its other bodies."""
        undoing = asyncio.get_running_loop().create_task(self._connection.undo())
        cancelled = None
        while not undoing.done():
            try:
                await asyncio.wait({undoing})
            except asyncio.CancelledError as late:
                cancelled = late
        broken = undoing.exception()
        if broken is not None:
            self.failed = broken
        if broken is not None or not undoing.result():
            self._group = None
            group.fail(error if isinstance(error, StorageFull) else Unavailable("The write was undone; try again."))
        if cancelled is not None:  # whoever takes the body's error for an answer must hear that they are to stop
            raise cancelled

    async def _commit(self, group: Group) -> None:
        """Commit, then run the actions, then answer: in this order, so that nobody hears of what may be lost."""
        async with self._turn:
            if self._group is not group:
                return
            try:
                await self._make_durable(group)
            except StorageFull as error:
                await self._forget(group, error)
            except BaseException as error:
                # Whether the commit reached the disk is unknown: stop here, a restart reads the log and knows.
                self.failed = error
                group.fail(Unavailable("The outcome of the write is unknown; try again."))
            else:
                self._acknowledge(group)
            finally:
                self._group = None

    async def _make_durable(self, group: Group) -> None:
        if not group.bodies:
            await self._connection.rollback()
            return
        moved = await self._connection.execute(
            "UPDATE shards SET next_pos = ? WHERE shard = ? AND fence = ?", self._next_pos, self._shard, self._fence
        )
        if moved != 1:
            # Let go of what the new owner may need.
            await self._connection.rollback()
            raise Unavailable("Another process has taken over this shard.")
        await self._connection.commit()
        self.commits += 1
        self.head = self._next_pos - 1

    def _acknowledge(self, group: Group) -> None:
        try:
            for action in group.actions:
                action()
        except Exception as error:
            # The group is on disk, but what is in memory may no longer match it: stop, a restart reads the log.
            self.failed = error
        group.done.set_result(None)

    async def _forget(self, group: Group, error: StorageFull) -> None:
        try:
            await self._connection.rollback()
        except Exception as broken:
            self.failed = broken
        group.fail(error)
