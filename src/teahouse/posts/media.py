"""Files of public posts: whose they may be, and which of them everybody may have without signing in.

A file is public while a standing post, or an account itself, refers to it. Removing a post leaves its rows, so that
restoring it gives them back; deleting it takes them away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote

from teahouse.db import Database, Transaction
from teahouse.errors import InvalidParam
from teahouse.media import MediaService
from teahouse.media.types import Media as Stored
from teahouse.posts.checking import Upload
from teahouse.posts.types import Fate, Ref

ACCOUNT_ITSELF = 0  # the number under which an account's own picture and cover are kept


class PublicMedia:
    """Public files of this server."""

    def __init__(self, database: Database, media: MediaService, public_url: str) -> None:
        self._database = database
        self._media = media
        self._public_url = public_url.rstrip("/")

    def address(self, url: str, name: str = "") -> str:
        """Where everybody can get a public file, by its `mxc://` address. A thumbnail: with ?width=…&height=…."""
        return f"{self._public_url}/media/{media_id_of(url)}/{quote(name or 'file', safe='')}"

    async def is_public(self, media_id: str) -> bool:
        """Whether something public refers to a media id now."""
        row = await self._database.fetch_one(
            "SELECT 1 FROM public_media m WHERE m.media_id = ? AND (m.number = ? OR EXISTS (SELECT 1 FROM posts p "
            "WHERE p.account_no = m.account_no AND p.number = m.number AND p.fate = ?)) LIMIT 1",
            media_id, ACCOUNT_ITSELF, int(Fate.STANDS),
        )  # fmt: skip
        return row is not None

    async def uploads(
        self, urls: Iterable[str], owners: Collection[int], before: Ref | None = None
    ) -> Mapping[str, Upload]:
        """What the server knows of files that are to become public: each was uploaded by one of `owners`, or is
        public already as part of `before`. What one of several keeps for an audience, the others cannot publish.
        Raises InvalidParam.
        """
        found: dict[str, Upload] = {}
        for url in urls:
            media = await self._media.find(url)
            if media is None or not (
                await self._owned(media, owners) or await self._belongs(media.media_id, before)
            ):
                # One answer for both: whether other people's files exist is nobody's business.
                raise InvalidParam(f"Upload {url} first: there is no such file of the account's staff on this server.")
            found[url] = Upload(media.content_type.partition(";")[0].strip().lower(), media.size_bytes)
        return found

    async def show(self, tx: Transaction, ref: Ref, urls: Iterable[str]) -> None:
        """A post refers to files: from now on everybody may have them."""
        rows = [(media_id_of(url), ref.account_no, ref.number) for url in urls]
        if rows:
            await tx.execute_many(
                "INSERT INTO public_media (media_id, account_no, number) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
            )

    async def hide(self, tx: Transaction, ref: Ref) -> None:
        """A post refers to nothing any more."""
        await tx.execute(
            "DELETE FROM public_media WHERE account_no = ? AND number = ?", ref.account_no, ref.number
        )  # fmt: skip

    async def show_account(self, tx: Transaction, account_no: int, urls: Iterable[str]) -> None:
        """An account's picture and cover are these now, and no others."""
        await self.hide(tx, Ref(account_no, ACCOUNT_ITSELF))
        await self.show(tx, Ref(account_no, ACCOUNT_ITSELF), [url for url in urls if url])

    async def _owned(self, media: Stored, owners: Collection[int]) -> bool:
        """Whether it is the owners' to publish: uploaded by one of them, and if they are several, for no audience."""
        return media.user_no in owners and (len(owners) == 1 or await self._media.is_open(media.media_id))

    async def _belongs(self, media_id: str, before: Ref | None) -> bool:
        if before is None:
            return False
        row = await self._database.fetch_one(
            "SELECT 1 FROM public_media WHERE media_id = ? AND account_no = ? AND number = ?",
            media_id, before.account_no, before.number,
        )  # fmt: skip
        return row is not None


def media_id_of(url: str) -> str:
    """The media id in an `mxc://` address of this server."""
    return url.rpartition("/")[2]
