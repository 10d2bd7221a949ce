"""Uploads, and reading them back.

A media id stands for content that never changes. Anyone signed in who has the id may read it, unless one of the
`audiences` says otherwise; ids cannot be guessed.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import (
    CannotOverwriteMedia,
    Forbidden,
    LimitExceeded,
    NotFound,
    NotYetUploaded,
    StorageFull,
    TooLarge,
)
from teahouse.http.messages import Requester
from teahouse.matrix import identifiers
from teahouse.media import store
from teahouse.media.folder import Folder, Incoming, hash_of, read_piece
from teahouse.media.ranges import Part
from teahouse.media.thumbnails import Picture, Thumbnails, Wanted, box
from teahouse.media.types import (
    MEDIA_ID_BYTES,
    PIECE_BYTES,
    WAIT_MAX_MS,
    Audiences,
    Media,
    MediaLimits,
    Problem,
    Stored,
    Upload,
)

PLACING_LOCKS = 64  # uploads of different content that may take their names at the same time
NOBODY = 0  # no user's number: in the audience of nothing
RETRY_AFTER_MS = 60_000  # told to a user with too many reserved ids


class MediaService:
    """The content repository."""

    def __init__(self, database: Database, folder: Path, clock: Clock, limits: MediaLimits, server_name: str) -> None:
        self._database = database
        self._folder = Folder(folder)
        self._clock = clock
        self._server_name = server_name
        self._thumbnails = Thumbnails(self._folder, limits)
        self._placing = [asyncio.Lock() for _ in range(PLACING_LOCKS)]
        self._awaited: dict[str, set[asyncio.Future[None]]] = {}
        self.limits = limits
        self.audiences: list[Audiences] = []

    async def open(self) -> None:
        """Create the folders and clear away uploads that a stop interrupted. Call once, before serving."""
        await asyncio.to_thread(self._folder.prepare)

    async def close(self) -> None:
        """End the thumbnail workers."""
        await self._thumbnails.close()

    async def create(self, requester: Requester) -> tuple[str, int]:
        """Reserve a media id: its `mxc://` URI, and until when (ms) content may come."""
        now_ms = self._clock.now_ms()
        expires_ms = now_ms + self.limits.pending_ms
        media_id = new_media_id()
        async with self._database.transaction() as tx:
            if await store.pending(tx, requester.user_no, now_ms) >= self.limits.pending_uploads:
                raise LimitExceeded("Too many of your uploads were announced only.", retry_after_ms=RETRY_AFTER_MS)
            await store.reserve(tx, media_id, requester.user_no, now_ms, expires_ms)
        return self._uri(media_id), expires_ms

    async def upload(self, requester: Requester, upload: Upload) -> str:
        """Store content under a new id: its `mxc://` URI, once everything is durable.

        Raises TooLarge, Forbidden beyond the user's quota, StorageFull.
        """
        media_id = new_media_id()
        await self._receive(requester, media_id, upload)
        return self._uri(media_id)

    async def upload_to(self, requester: Requester, server_name: str, media_id: str, upload: Upload) -> None:
        """Store content under a reserved id of the requester.

        Raises NotFound for an id that was not reserved or has expired, Forbidden for another user's,
        CannotOverwriteMedia when content is there, and what `upload` raises.
        """
        self._check_reserved(requester, await self._media(server_name, media_id))
        await self._receive(requester, media_id, upload)
        self._arrived(media_id)

    async def content(self, requester: Requester, server_name: str, media_id: str, timeout_ms: int) -> Media:
        """What an id stands for, waiting up to `timeout_ms` for content that was announced.

        Raises NotFound for an unknown, expired or foreign id and for what is not for the requester, NotYetUploaded
        when the content does not come in time.
        """
        media = await self._media(server_name, media_id)
        if media is not None and media.sha256 is None:
            await self._wait(server_name, media_id, min(timeout_ms, WAIT_MAX_MS) / 1_000)
            media = await self._media(server_name, media_id)
            if media is not None and media.sha256 is None:
                raise NotYetUploaded("The content has not been uploaded yet.")
        if media is None or not await self._may_read(requester.user_no, media_id):
            raise NotFound("There is no such media.")
        return media

    async def find(self, content_uri: str) -> Media | None:
        """The content of an `mxc://` URI of this server; None when it has none, or not yet."""
        server_name, _, media_id = content_uri.removeprefix("mxc://").partition("/")
        media = await self._media(server_name, media_id)
        return None if media is None or media.sha256 is None else media

    async def erase(self, media_id: str) -> None:
        """Remove an id for good, and its content with its thumbnails unless another id stands for the same."""
        media = await self._media(self._server_name, media_id)
        if media is None:
            return
        # Not beside an upload of the same content, which would find the file there and then lose it.
        async with self._placing[(media.sha256 or b"\0")[0] % PLACING_LOCKS]:
            async with self._database.transaction() as tx:
                unused = await store.drop(tx, media)
            if unused and media.sha256 is not None:
                await asyncio.to_thread(self._folder.remove, media.sha256)

    async def read(self, media: Media, part: Part | None = None) -> AsyncIterator[bytes]:
        """The content or a part of it, piece by piece. Raises NotFound at once when the file is gone."""
        assert media.sha256 is not None
        return await self._pieces(self._folder.path(media.sha256), part)

    async def thumbnail(
        self, media: Media, size: tuple[int, int], *, crop: bool, animated: bool
    ) -> tuple[str, AsyncIterator[bytes]]:
        """A picture made small: content type and pieces. Raises CannotThumbnail, TooLarge, LimitExceeded."""
        assert media.sha256 is not None
        width, height = box(*size)
        picture: Picture = await self._thumbnails.picture(Wanted(media.sha256, width, height, crop, animated))
        return picture.content_type, await self._pieces(picture.path)

    async def files(self) -> AsyncIterator[Path]:
        """Every content file there is, for a backup: content only grows, so copy it after the database."""
        async for stored in self._stored():
            yield self._folder.path(stored.sha256)

    async def verify(self) -> AsyncIterator[Problem]:
        """Read all content again and say what is missing or damaged, and which files nothing refers to."""
        known: set[str] = set()
        async for stored in self._stored():
            name = stored.sha256.hex()
            known.add(name)
            path = self._folder.path(stored.sha256)
            if not path.exists():
                yield Problem(name, "the file is missing")
            elif await asyncio.to_thread(hash_of, path) != stored.sha256:
                yield Problem(name, "the file does not have the content it is named after")
        for name in await asyncio.to_thread(lambda: list(self._folder.names())):
            if name not in known:
                yield Problem(name, "nothing refers to the file")

    async def _receive(self, requester: Requester, media_id: str, upload: Upload) -> None:
        incoming = self._folder.incoming()
        try:
            room_bytes = self.limits.user_bytes - await store.used_bytes(self._database, requester.user_no)
            await self._take_in(incoming, upload, room_bytes)
            stored = await asyncio.to_thread(incoming.finish)
            # One at a time for the same content: a failed one must not remove the file of one that succeeds.
            async with self._placing[stored.sha256[0] % PLACING_LOCKS]:
                await asyncio.to_thread(incoming.place)
                await self._record(requester, media_id, upload, stored)
        finally:
            # Not in a thread: a cancelled request must not leave its file behind.
            incoming.discard()

    async def _take_in(self, incoming: Incoming, upload: Upload, room_bytes: int) -> None:
        waiting = bytearray()
        async for piece in upload.pieces:
            waiting += piece
            size_bytes = incoming.size_bytes + len(waiting)
            if size_bytes > self.limits.upload_bytes:
                raise TooLarge(f"An upload has at most {self.limits.upload_bytes} bytes.")
            if size_bytes > room_bytes:
                raise self._over_quota()
            if len(waiting) >= PIECE_BYTES:
                await asyncio.to_thread(incoming.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(incoming.write, bytes(waiting))

    async def _record(self, requester: Requester, media_id: str, upload: Upload, stored: Stored) -> None:
        now_ms = self._clock.now_ms()
        media = Media(
            media_id, requester.user_no, stored.sha256, upload.content_type, upload.file_name, stored.size_bytes, None
        )
        try:
            async with self._database.transaction() as tx:
                earlier = await store.media(tx, media_id)
                if earlier is not None:
                    self._check_reserved(requester, earlier)
                if await store.used_bytes(tx, requester.user_no) + stored.size_bytes > self.limits.user_bytes:
                    raise self._over_quota()
                await store.add_file(tx, stored, now_ms)
                await store.add(tx, media, now_ms)
        except (StorageFull, Forbidden, NotFound, CannotOverwriteMedia):
            # The row was surely not kept; where the outcome is unknown the file stays.
            if not await store.has_file(self._database, stored.sha256):
                await asyncio.to_thread(self._folder.remove, stored.sha256)
            raise

    async def is_open(self, media_id: str) -> bool:
        """Whether any signed-in user who has the id may read it: nothing keeps it for an audience."""
        return await self._may_read(NOBODY, media_id)

    async def _may_read(self, user_no: int, media_id: str) -> bool:
        for each in self.audiences:
            if not await each.may_read(media_id, user_no):
                return False
        return True

    async def _media(self, server_name: str, media_id: str) -> Media | None:
        if server_name != self._server_name or not identifiers.opaque(media_id):
            return None
        media = await store.media(self._database, media_id)
        if media is None or (media.expires_ms is not None and media.expires_ms <= self._clock.now_ms()):
            return None
        return media

    def _check_reserved(self, requester: Requester, media: Media | None) -> None:
        if media is None or (media.expires_ms is not None and media.expires_ms <= self._clock.now_ms()):
            raise NotFound("There is no such media id, or it has expired.")
        if media.user_no != requester.user_no:
            raise Forbidden("This media id is another user's.")
        if media.sha256 is not None:
            raise CannotOverwriteMedia("This media id already has content.")

    async def _wait(self, server_name: str, media_id: str, timeout_s: float) -> None:
        """Wait until content arrives or the time is up."""
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(media_id, set())
        waiting.add(arrived)
        try:
            # Registered before reading, so that content that arrives in between is not missed.
            media = await self._media(server_name, media_id)
            if media is not None and media.sha256 is None:
                await asyncio.wait((arrived,), timeout=timeout_s)
        finally:
            waiting.discard(arrived)
            if not waiting:
                self._awaited.pop(media_id, None)

    def _arrived(self, media_id: str) -> None:
        for arrived in self._awaited.get(media_id, ()):
            if not arrived.done():
                arrived.set_result(None)

    async def _stored(self) -> AsyncIterator[Stored]:
        after = b""
        while page := await store.files_after(self._database, after):
            for stored in page:
                yield stored
            after = page[-1].sha256

    async def _pieces(self, path: Path, part: Part | None = None) -> AsyncIterator[bytes]:
        """The pieces of a file, or of a part of it; a missing one is refused before the answer begins."""
        if not await asyncio.to_thread(path.exists):
            raise NotFound("The content is no longer there.")

        async def pieces() -> AsyncIterator[bytes]:
            left = None if part is None else part.length
            with await asyncio.to_thread(path.open, "rb") as file:
                if part is not None:
                    file.seek(part.first)
                while piece := await asyncio.to_thread(read_piece, file, left):
                    if left is not None:
                        left -= len(piece)
                    yield piece

        return pieces()

    def _over_quota(self) -> Forbidden:
        return Forbidden(f"All your uploads together have at most {self.limits.user_bytes} bytes.")

    def _uri(self, media_id: str) -> str:
        return f"mxc://{self._server_name}/{media_id}"


def new_media_id() -> str:
    """A random id of the characters that the specification allows."""
    return base64.urlsafe_b64encode(secrets.token_bytes(MEDIA_ID_BYTES)).decode()
