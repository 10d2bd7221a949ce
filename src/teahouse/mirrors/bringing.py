"""Reading an archive into posts: each once, however often it is brought; a bad line harms no other."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import InvalidParam, StorageFull, TeahouseError, Unavailable
from teahouse.http.messages import Requester
from teahouse.media import MediaService
from teahouse.media.types import DEFAULT_CONTENT_TYPE, Upload
from teahouse.mirrors import import_store, store, wording
from teahouse.mirrors.archive import LINE_MAX_BYTES, Archive
from teahouse.mirrors.service import Known, take_over
from teahouse.mirrors.types import Import, Line, LineMedia, Problem, Report
from teahouse.outbound.fetcher import Fetcher
from teahouse.posts.checking import checked
from teahouse.posts.service import Posts
from teahouse.posts.types import Media, PostContent, Publisher

PICTURE_MAX_BYTES = 20_971_520  # of a picture that is fetched from the web
FETCHING_MAX_MS = 300_000  # spent on fetching in one import; what is left comes with the next one
PROBLEMS_MAX = 100  # told in words; all are counted
PENDING = "mxc://import/pending"  # stands for media while the rest of a post is checked

_decoder = msgspec.json.Decoder(Line)


class Bringing:
    """Publishes what archives hold."""

    def __init__(self, database: Database, clock: Clock, fetcher: Fetcher, media: MediaService, posts: Posts) -> None:
        self._database = database
        self._clock = clock
        self._fetcher = fetcher
        self._media = media
        self._posts = posts

    async def bring(
        self, job: Import, account: Publisher, requester: Requester, archive: Archive, report: Report
    ) -> None:
        """Publish what an archive holds, oldest first; what came of every line is noted in `report` as it comes.

        Every post is counted with the job in its own transaction: after a crash the same job goes on where it was.
        Raises StorageFull and Unavailable half way.
        """
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
                await self._bring(job, account, requester, archive, line, written_ms)
            except Known:
                report.known += 1
            except (StorageFull, Unavailable):
                raise
            except TeahouseError as refusal:
                note(report, number, refusal)
            if any(each.url for each in line.media):
                left_ms -= self._clock.monotonic_ms() - began_ms

    async def _bring(
        self, job: Import, account: Publisher, requester: Requester, archive: Archive, line: Line, written_ms: int
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

        async def noted(tx: Transaction, pos: int) -> bool:
            await import_store.count_added(tx, job.import_no)
            return await store.take(tx, account.account_no, entry_hash, pos)

        await take_over(self._posts, account, requester.user_no, with_media(content, media), written_ms, noted)

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
    report.problems = sorted([*report.problems, Problem(line, refusal.message)], key=lambda each: each.line)
    del report.problems[PROBLEMS_MAX:]


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
