"""Content on the disk: named by its hash, so that equal content is there once, and durable before anyone is told.

Blocking; the service calls it in a thread. Layout below the media folder:

    files/ab/cd…          content, by the hexadecimal SHA-256: two letters, then the rest
    thumbnails/ab/cd…     made from content, may be deleted at any time
    incoming/             uploads under way; emptied at start
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from teahouse.errors import StorageFull
from teahouse.media.types import PIECE_BYTES, Stored

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Incoming:
    """One upload on its way to the disk. Call `discard` at the end: it removes what was not placed."""

    def __init__(self, path: Path, folder: Folder) -> None:
        self._path = path
        self._folder = folder
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.size_bytes = 0

    def write(self, piece: bytes) -> None:
        """Append; raises StorageFull."""
        try:
            if self._file is None:
                self._file = open(self._path, "xb")  # noqa: SIM115 - finish or discard closes it
            self._file.write(piece)
        except OSError as error:
            raise _refusal(error) from error
        self._hash.update(piece)
        self.size_bytes += len(piece)

    def finish(self) -> Stored:
        """Make the content durable, not yet under its name; raises StorageFull."""
        self.write(b"")
        assert self._file is not None
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _refusal(error) from error
        return Stored(self._hash.digest(), self.size_bytes)

    def place(self) -> None:
        """Give the finished content its name, durably; the same content that is there already stays."""
        target = self._folder.path(self._hash.digest())
        try:
            make_folder(target.parent)
            if not target.exists():
                self._path.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise _refusal(error) from error

    def discard(self) -> None:
        """Close, and remove what was not kept."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # closing flushes, which a full disk refuses; the file goes anyway
                if error.errno not in FULL:
                    raise
        self._path.unlink(missing_ok=True)


class Folder:
    """The media folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = root / "files"
        self._thumbnails = root / "thumbnails"
        self._incoming = root / "incoming"

    def prepare(self) -> None:
        """Create the folders, and remove what uploads left behind that a stop interrupted."""
        for folder in (self._files, self._thumbnails, self._incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self.root)
        for left in self._incoming.iterdir():
            left.unlink()

    def incoming(self) -> Incoming:
        """A new upload."""
        return Incoming(self.incoming_path(), self)

    def incoming_path(self) -> Path:
        """A place for a file that is not finished; removed at the next start if it stays there."""
        return self._incoming / secrets.token_hex(16)

    def path(self, sha256: bytes) -> Path:
        """Where content is."""
        name = sha256.hex()
        return self._files / name[:2] / name[2:]

    def thumbnail(self, sha256: bytes, variant: str) -> Path:
        """Where a thumbnail of content is, made or not."""
        name = sha256.hex()
        return self._thumbnails / name[:2] / f"{name[2:]}-{variant}"

    def remove(self, sha256: bytes) -> None:
        """Remove content and everything made from it."""
        self.path(sha256).unlink(missing_ok=True)
        name = sha256.hex()
        for thumbnail in (self._thumbnails / name[:2]).glob(f"{name[2:]}-*"):
            thumbnail.unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """The hexadecimal hashes of all content on the disk."""
        for folder in sorted(self._files.iterdir()):
            for path in sorted(folder.iterdir()):
                yield folder.name + path.name


def hash_of(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def read_piece(file: BinaryIO, left: int | None = None) -> bytes:
    """The next piece of a file, of at most `left` bytes; empty at the end."""
    return file.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))


def make_folder(folder: Path) -> None:
    """Make one of the folders of two letters, durably, unless it is there. Not twice at once for the same folder."""
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(error: OSError) -> Exception:
    if error.errno in FULL:
        return StorageFull("The server's disk is full. Nothing was stored; try again later.")
    return error
