"""Reading an archive of posts: JSON Lines, or a zip file with `posts.jsonl` and media.

Nothing of an archive is ever written under a name that it chose. A zip file is judged by its own table of contents
before anything is unpacked, and what is unpacked is bounded again, because the table may lie. Blocking: for a thread.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from teahouse.errors import InvalidParam, TooLarge

LINES_MAX = 2_000  # posts of one archive: a longer one is cut into several
LINE_MAX_BYTES = 262_144  # of one post: an article with room for its escapes
POSTS_MAX_BYTES = 67_108_864  # of all posts of an archive, held in memory
MEMBERS_MAX = 5_000  # files in a zip archive
TABLE_MAX_BYTES = 2_097_152  # of its table of contents, read whole into memory
UNPACKED_MAX_BYTES = 1_073_741_824  # of all its files together, by its table of contents
MEDIA_MAX_BYTES = 52_428_800  # of one file that belongs to a post, held in memory
POSTS = "posts.jsonl"
ZIP_MARK = b"PK\x03\x04"
_END = struct.Struct("<4s4H2LH")  # the end of a zip file: APPNOTE.TXT, 4.3.16
_END_MARK, _END64_MARK = b"PK\x05\x06", b"PK\x06\x07"
# What the library raises for files that are not what they say: offsets that lead nowhere are an OSError,
# features it does not know a NotImplementedError.
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """An archive in a file."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises InvalidParam or TooLarge for one that is not read at all."""
        self._file = file
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        file.seek(0)
        if file.read(len(ZIP_MARK)) == ZIP_MARK:
            self._open()

    def lines(self) -> list[tuple[int, bytes]]:
        """Its lines with their numbers from 1, without empty ones; raises TooLarge for too many."""
        if self._zip is None:
            self._file.seek(0)
            return list(numbered(self._file))
        info = self._members.get(POSTS)
        if info is None:
            raise InvalidParam(f"The archive holds no {POSTS}.")
        try:
            with self._zip.open(info) as posts:
                return list(numbered(posts))
        except DAMAGED:
            raise InvalidParam(f"{POSTS} in the archive is damaged.") from None

    def media(self, name: str) -> bytes:
        """One of its files; raises InvalidParam or TooLarge."""
        info = self._members.get(name)
        if self._zip is None or info is None:
            raise InvalidParam(f"The archive holds no file {name!r}.")
        try:
            with self._zip.open(info) as member:
                content = member.read(MEDIA_MAX_BYTES + 1)
        except DAMAGED:
            raise InvalidParam(f"The file {name!r} in the archive is damaged.") from None
        if len(content) > MEDIA_MAX_BYTES:
            raise TooLarge(f"The file {name!r} is larger than {MEDIA_MAX_BYTES:,} bytes.")
        return content

    def _open(self) -> None:
        check_end(self._file)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except DAMAGED:
            raise InvalidParam("The zip archive is damaged.") from None
        infos = self._zip.infolist()
        if len(infos) > MEMBERS_MAX:
            raise TooLarge(f"An archive holds at most {MEMBERS_MAX:,} files.")
        for info in infos:
            check_member(info)
        if sum(info.file_size for info in infos) > UNPACKED_MAX_BYTES:
            raise TooLarge(f"An archive unpacks to at most {UNPACKED_MAX_BYTES:,} bytes.")
        self._members = {info.filename: info for info in infos if not info.is_dir()}


def check_end(file: IO[bytes]) -> None:
    """Raises for a zip file whose table of contents would fill the memory, before it is read.

    An archive within our limits needs no zip64 and no comment.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    end = tail[-_END.size :]
    if len(end) < _END.size or end[:4] != _END_MARK or end[-2:] != b"\0\0" or tail.startswith(_END64_MARK):
        raise InvalidParam("The zip archive is damaged, or of a kind that is not taken (zip64, with a comment).")
    table_bytes = _END.unpack(end)[5]
    if table_bytes > TABLE_MAX_BYTES:
        raise TooLarge(f"An archive holds at most {MEMBERS_MAX:,} files.")


def check_member(info: zipfile.ZipInfo) -> None:
    """Raises InvalidParam for a file that no honest archive holds."""
    name = info.orig_filename
    parts = name.split("/")
    unsafe = name.startswith("/") or "\\" in name or ":" in parts[0] or ".." in parts or not name.isprintable()
    if unsafe or stat.S_ISLNK(info.external_attr >> 16):
        raise InvalidParam(f"The archive holds a file that points outside of it: {name[:100]!r}.")
    if info.flag_bits & 1:
        raise InvalidParam("The archive is encrypted.")
    if info.compress_type not in _METHODS:
        raise InvalidParam(f"The file {name[:100]!r} is packed in a way that is not taken; use deflate.")


def numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; one that is too long comes cut, which makes it a bad one. Raises TooLarge."""
    number = count = size = 0
    while line := file.readline(LINE_MAX_BYTES + 1):
        number += 1
        size += len(line)
        rest = line
        while not rest.endswith(b"\n") and len(rest) > LINE_MAX_BYTES and size <= POSTS_MAX_BYTES:
            rest = file.readline(LINE_MAX_BYTES + 1)
            size += len(rest)
        if size > POSTS_MAX_BYTES:
            raise TooLarge(f"The posts of an archive have at most {POSTS_MAX_BYTES:,} bytes; cut it into several.")
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            count += 1
            if count > LINES_MAX:
                raise TooLarge(f"An archive holds at most {LINES_MAX:,} posts; cut it into several.")
            yield number, line
