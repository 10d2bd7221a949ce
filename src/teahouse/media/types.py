"""What the media slice hands around, and its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

MEDIA_ID_BYTES = 18  # randomness of an id; 144 bits, so that ids cannot be guessed
FILE_NAME_MAX_CHARS = 1_024  # of an upload's name; four times what file systems allow
CONTENT_TYPE_MAX_CHARS = 255  # type, subtype and parameters
DEFAULT_CONTENT_TYPE = "application/octet-stream"
WAIT_DEFAULT_MS = 20_000  # for content that was announced; the specification's default
WAIT_MAX_MS = 60_000  # the longest wait a client may ask for
PIECE_BYTES = 262_144  # read or written at once; a step off the event loop each


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What the operator may set."""

    upload_bytes: int = 104_857_600  # one upload, 100 MiB: a few minutes of phone video
    user_bytes: int = 21_474_836_480  # all uploads of one user, 20 GiB: one user cannot fill the disk
    pending_uploads: int = 50  # reserved ids of one user without content; a whole photo album sent at once
    pending_ms: int = 86_400_000  # how long an id stays reserved, 24 hours: the specification's recommendation
    thumbnail_pixels: int = 64_000_000  # decoded pixels of a picture, 256 MB of memory; above it no thumbnail
    thumbnail_timeout_ms: int = 15_000  # for one thumbnail; the worker is stopped after it
    thumbnail_workers: int = 1  # processes that make thumbnails, each up to 1 GiB of memory
    thumbnails_waiting: int = 64  # thumbnails waiting for a worker; beyond it the client is asked to come back


@dataclass(frozen=True, slots=True)
class Stored:
    """Content on the disk."""

    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Media:
    """One media id. Without `sha256` it is reserved until `expires_ms`."""

    media_id: str
    user_no: int
    sha256: bytes | None
    content_type: str
    file_name: str | None
    size_bytes: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sends: the pieces of the content and how it describes them."""

    pieces: AsyncIterator[bytes]
    content_type: str
    file_name: str | None


class Audiences(Protocol):
    """Who may read what, where not everybody signed in who has the id may."""

    async def may_read(self, media_id: str, user_no: int) -> bool:
        """Whether somebody may read the content of an id; True for an id of which nobody has said anything."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something `verify` found: the file concerned, and what is wrong with it."""

    sha256: str
    text: str
