"""Imports of archives as jobs: taken in durably, then read in the background, also after a crash or a restart."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import Conflict, NotFound, StorageFull, TeahouseError, TooLarge, Unavailable
from teahouse.http.messages import Requester
from teahouse.media.folder import sync_folder
from teahouse.mirrors import import_store as store
from teahouse.mirrors.archive import Archive
from teahouse.mirrors.bringing import Bringing
from teahouse.mirrors.types import Import, Report
from teahouse.outbound.mail import heed_cancellation
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.types import Account
from teahouse.rooms.types import Users

ARCHIVE_MAX_BYTES = 268_435_456  # of an upload: some hundred photographs
RECEIVED_MAX = 2  # archives on their way in at once, in the whole server
WAITING_MAX = 8  # archives that wait to be read, in the whole server: two gigabytes of disk
KEPT_MAX = 20  # imports of an account of which is told what they came to
RETRY_S = 60.0  # until an import is gone on with that the server's own trouble stopped
BROKEN = "The server made a mistake when it read this archive. It has been logged; send the archive again later."

log = logging.getLogger("teahouse.mirrors")


class Imports:
    """Imports of all accounts, read one after the other."""

    def __init__(
        self, database: Database, clock: Clock, accounts: Accounts, users: Users, bringing: Bringing, folder: Path
    ) -> None:
        """`folder` is on the disk with the data: archives wait there under names of our own."""
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._users = users
        self._bringing = bringing
        self._folder = folder
        self._receiving: set[int] = set()
        self._arrived = asyncio.Event()
        self._reading: tuple[int, Report] | None = None

    async def open(self) -> None:
        """Make the folder, and clear away what is no archive that waits. Call once, before serving."""
        waiting = {job.file for job in await store.waiting(self._database, WAITING_MAX)}
        await asyncio.to_thread(tidied, self._folder, waiting)

    async def take_in(self, account: Account, requester: Requester, pieces: AsyncIterator[bytes]) -> Import:
        """Take in an archive, to be read in the background: once it is durable, the job.

        Raises InvalidParam and TooLarge for an archive that is not read at all, Conflict while another one of the
        account is, Unavailable while too many are, StorageFull.
        """
        await self._check_room(account.account_no)
        if account.account_no in self._receiving:
            raise Conflict("An archive of this account is being received; wait for it.")
        if len(self._receiving) >= RECEIVED_MAX:
            raise Unavailable("Other archives are being received; try again in a few minutes.")
        self._receiving.add(account.account_no)
        path = self._folder / secrets.token_hex(16)
        kept = False
        try:
            await received(pieces, path)
            lines = await asyncio.to_thread(count_lines, path)
            await self._check_room(account.account_no)
            kept = True  # from here on a crash, or an outcome nobody knows, is for `open` to clear away
            return await self._begin(account, requester.user_no, path.name, lines)
        except StorageFull:
            kept = False
            raise
        finally:
            self._receiving.discard(account.account_no)
            if not kept:
                path.unlink(missing_ok=True)

    async def find(self, account: Account, import_no: int) -> Import:
        """What came of an import so far; raises NotFound."""
        job = await store.find(self._database, account.account_no, import_no)
        if job is None:
            raise NotFound("This account has no such import, or it was long ago.")
        return self._now(job)

    async def newest(self, account: Account) -> list[Import]:
        """An account's imports, the newest first."""
        return [self._now(job) for job in await store.newest(self._database, account.account_no, KEPT_MAX)]

    async def run(self) -> None:
        """Read what waits, until cancelled. What a stop or a crash interrupted waits at the start."""
        while True:
            self._arrived.clear()
            # A full disk must not end the server: the same import goes on later.
            with suppress(StorageFull, Unavailable):
                while jobs := await store.waiting(self._database, 1):
                    await self._run(jobs[0])
            heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._arrived.wait()

    async def _check_room(self, account_no: int) -> None:
        waiting = await store.waiting(self._database, WAITING_MAX)
        if any(job.account_no == account_no for job in waiting):
            raise Conflict("An archive of this account is being read; wait for it.")
        if len(waiting) >= WAITING_MAX:
            raise Unavailable("Other archives are being read; try again in a few minutes.")

    async def _begin(self, account: Account, author_no: int, file: str, lines: int) -> Import:
        async with self._database.transaction() as tx:
            job = Import(
                tx.positions(), account.account_no, author_no, file, "waiting", self._clock.now_ms(), 0, lines
            )  # fmt: skip
            await store.add(tx, job)
            await store.drop_older(tx, account.account_no, KEPT_MAX)
            tx.on_commit(self._arrived.set)
        return job

    async def _run(self, job: Import) -> None:
        """Read one archive to its end, and note what it came to."""
        report = Report(before=job.added)
        self._reading = job.import_no, report
        failure = ""
        try:
            await self._bring(job, report)
        except (StorageFull, Unavailable) as refusal:
            log.warning("An import has to wait: %s", refusal.message)
            raise
        except FileNotFoundError:
            failure = "The archive is no longer there; send it again."
        except TeahouseError as refusal:
            failure = refusal.message
        except Exception:  # one archive must not end the server again at each start
            log.exception("Import %s could not be read", job.import_no)
            failure = BROKEN
        finally:
            self._reading = None
        ended = replace(
            told(job, report), state="failed" if failure else "done", ended_ms=self._clock.now_ms(), failure=failure
        )
        async with self._database.transaction() as tx:
            await store.end(tx, ended)
        (self._folder / job.file).unlink(missing_ok=True)

    async def _bring(self, job: Import, report: Report) -> None:
        account = await self._accounts.at(job.account_no)
        if account is None or await self._accounts.role(job.author_no, job.account_no) != "owner":
            raise NotFound("Who sent this archive owns the account no more; an owner has to send it anew.")
        with await asyncio.to_thread((self._folder / job.file).open, "rb") as file:
            archive = await asyncio.to_thread(Archive, file)
            requester = Requester(await self._users.user_id(job.author_no), job.author_no, "")
            await self._bringing.bring(job, publisher(account), requester, archive, report)

    def _now(self, job: Import) -> Import:
        """An import with what its reading has come to by now."""
        if self._reading is None or self._reading[0] != job.import_no or job.state != "waiting":
            return job
        return replace(told(job, self._reading[1]), state="running")


def told(job: Import, report: Report) -> Import:
    """An import with what a reading of it came to.

    A reading that goes on after a crash meets the lines again that the one before it added.
    """
    known = max(0, report.known - report.before)
    return replace(job, known=known, failed=report.failed, problems=report.problems)


def count_lines(path: Path) -> int:
    """How many lines an archive has; raises InvalidParam and TooLarge for one that is not read at all."""
    with open(path, "rb") as file:
        return len(Archive(file).lines())


async def received(pieces: AsyncIterator[bytes], path: Path) -> None:
    """An upload as a file, durable; raises TooLarge, StorageFull."""
    size_bytes = 0
    try:
        with await asyncio.to_thread(path.open, "xb") as file:
            async for piece in pieces:
                size_bytes += len(piece)
                if size_bytes > ARCHIVE_MAX_BYTES:
                    raise TooLarge(f"An archive has at most {ARCHIVE_MAX_BYTES:,} bytes.")
                await asyncio.to_thread(file.write, piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        await asyncio.to_thread(sync_folder, path.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull("The disk is full; nothing of the archive was read.") from None
        raise


def tidied(folder: Path, waiting: set[str]) -> None:
    """Make a folder, and remove from it what nobody waits for."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in waiting:
            path.unlink()
