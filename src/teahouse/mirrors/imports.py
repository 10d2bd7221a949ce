"""Bringing along older posts from an archive: each once, however often it is brought; a bad line harms no other."""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import Conflict, InvalidParam, StorageFull, TeahouseError, TooLarge, Unavailable
from teahouse.http.messages import Requester
from teahouse.media import MediaService
from teahouse.media.types import DEFAULT_CONTENT_TYPE, Upload
from teahouse.mirrors import store, wording
from teahouse.mirrors.archive import LINE_MAX_BYTES, Archive
from teahouse.mirrors.service import Known, take_over
from teahouse.mirrors.types import Line, LineMedia, Problem, Report
from teahouse.outbound.fetcher import Fetcher
from teahouse.posts.checking import checked
from teahouse.posts.service import Posts
from teahouse.posts.types import Media, PostContent
from teahouse.public_accounts.accounts import publisher
from teahouse.public_accounts.types import Account

ARCHIVE_MAX_BYTES = 268_435_456  # of an upload: some hundred photographs
PICTURE_MAX_BYTES = 20_971_520  # of a picture that is fetched from the web
FETCHING_MAX_MS = 300_000  # spent on fetching in one import; what is left comes with the next one
IMPORTS_MAX = 2  # under way at once in the whole server
PROBLEMS_MAX = 100  # told in words; all are counted
PENDING = "mxc://import/pending"  # stands for media while the rest of a post is checked

_decoder = msgspec.json.Decoder(Line)


class Imports:
    """Imports of all accounts."""

    def __init__(
        self, database: Database, clock: Clock, fetcher: Fetcher, media: MediaService, posts: Posts, folder: Path
    ) -> None:
        """`folder` is on the disk with the data: archives wait there, without a name, while they are read."""
        self._database = database
        self._clock = clock
        self._fetcher = fetcher
        self._media = media
        self._posts = posts
        self._folder = folder
        self._under_way: set[int] = set()

    async def bring(self, account: Account, requester: Requester, pieces: AsyncIterator[bytes]) -> Report:
        """Publish what an archive holds, oldest first, and say what came of every line.

        Raises InvalidParam and TooLarge for an archive that is not read at all, Conflict while another one of the
        account is, Unavailable while too many are; StorageFull half way, after which the same import goes on.
        """
        if account.account_no in self._under_way:
            raise Conflict("An archive of this account is being read; wait for it.")
        if len(self._under_way) >= IMPORTS_MAX:
            raise Unavailable("Other archives are being read; try again in a few minutes.")
        self._under_way.add(account.account_no)
        try:
            async with received(pieces, self._folder) as file:
                return await self._read(account, requester, await asyncio.to_thread(Archive, file))
        finally:
            self._under_way.discard(account.account_no)

    async def _read(self, account: Account, requester: Requester, archive: Archive) -> Report:
        report = Report()
        good: list[tuple[int, int, Line]] = []
        for number, text in await asyncio.to_thread(archive.lines):
            report.lines += 1
            try:
                line = decoded(text)
                good.append((wording.written_ms(line, self._clock.now_ms()), number, line))
            except InvalidParam as refusal:
                note(report, number, refusal)
        left_ms = FETCHING_MAX_MS
        for written_ms, number, line in sorted(good, key=lambda each: each[:2]):
            began_ms = self._clock.monotonic_ms()
            try:
                if left_ms <= 0 and any(each.url for each in line.media):
                    raise InvalidParam("Its pictures were not fetched in time. Import the archive again to go on.")
                await self._bring(account, requester, archive, line, written_ms)
                report.added += 1
            except Known:
                report.known += 1
            except (StorageFull, Unavailable):
                raise
            except TeahouseError as refusal:
                note(report, number, refusal)
            if any(each.url for each in line.media):
                left_ms -= self._clock.monotonic_ms() - began_ms
        report.problems = sorted(report.problems, key=lambda each: each.line)[:PROBLEMS_MAX]
        return report

    async def _bring(
        self, account: Account, requester: Requester, archive: Archive, line: Line, written_ms: int
    ) -> None:
        """Publish one line; raises Known for one that was brought before."""
        entry_hash = wording.entry_hash(line.id)
        if await store.known(self._database, account.account_no, [entry_hash]):
            raise Known("This became a post before.")
        content = wording.content_of_line(line)
        # Before anything is uploaded, which counts against somebody's quota.
        pending = [Media(PENDING, mimetype(each), each.description, undescribed=True) for each in line.media]
        checked(with_media(content, pending))
        media = [await self._medium(requester, archive, each) for each in line.media]
        await take_over(
            self._posts, publisher(account), requester.user_no, with_media(content, media), written_ms, entry_hash
        )

    async def _medium(self, requester: Requester, archive: Archive, wanted: LineMedia) -> Media:
        """Store a file of a post, from the archive or from the web."""
        kind = mimetype(wanted)
        if wanted.file:
            content = await asyncio.to_thread(archive.media, wanted.file)
        else:
            fetched = await self._fetcher.fetch(wanted.url, PICTURE_MAX_BYTES, "image/*")
            if not fetched.content_type.startswith("image/"):
                raise InvalidParam(f"What stands at {wanted.url[:200]} is no picture.")
            content, kind = fetched.body, fetched.content_type
        name = (wanted.file or wanted.url.partition("?")[0]).rpartition("/")[2][:255]
        url = await self._media.upload(requester, Upload(once(content), kind, name or None))
        return Media(url, kind, wanted.description, name, len(content))


def decoded(text: bytes) -> Line:
    """A line of an archive; raises InvalidParam."""
    if len(text) > LINE_MAX_BYTES:
        raise InvalidParam(f"A line has at most {LINE_MAX_BYTES:,} bytes.")
    try:
        line = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidParam(f"This is no post as JSON: {error}.") from None
    if not line.id or len(line.id) > wording.ID_MAX_CHARACTERS:
        raise InvalidParam(f"'id' has 1 to {wording.ID_MAX_CHARACTERS:,} characters.")
    if any(bool(each.file) == bool(each.url) for each in line.media):
        raise InvalidParam("Media are a 'file' of the archive or a 'url' on the web: one of them.")
    return line


def note(report: Report, line: int, refusal: TeahouseError) -> None:
    """Count a bad line, and say why."""
    report.failed += 1
    report.problems.append(Problem(line, refusal.message))


def mimetype(wanted: LineMedia) -> str:
    """What kind of file it is: as the line says, else by its name. What is fetched says so itself later."""
    if wanted.url:
        return "image/jpeg"
    return wanted.mimetype or mimetypes.guess_type(wanted.file)[0] or DEFAULT_CONTENT_TYPE


def with_media(content: PostContent, media: list[Media]) -> PostContent:
    """The post with its media."""
    return msgspec.structs.replace(content, media=media)


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Content in one piece."""
    yield content


@asynccontextmanager
async def received(pieces: AsyncIterator[bytes], folder: Path) -> AsyncIterator[IO[bytes]]:
    """An upload in a file that is gone when it is closed, also after a crash; raises TooLarge, StorageFull."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            async for piece in pieces:
                if file.tell() + len(piece) > ARCHIVE_MAX_BYTES:
                    raise TooLarge(f"An archive has at most {ARCHIVE_MAX_BYTES:,} bytes.")
                await asyncio.to_thread(file.write, piece)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StorageFull("The disk is full; nothing of the archive was read.") from None
            raise
        yield file
