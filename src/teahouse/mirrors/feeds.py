"""Reading feeds, each in a process that is stopped when it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE

import msgspec

from teahouse.errors import OutsideFailed
from teahouse.mirrors import feed_parser
from teahouse.mirrors.types import Entry
from teahouse.outbound.types import Fetched

ENTRIES_MAX = 500  # of one feed, the newest; feeds hold some dozens
READING_LIMIT_S = 30.0  # the process is stopped after it
READERS_MAX = 2  # processes at once

_decoder: msgspec.json.Decoder[list[Entry] | None] = msgspec.json.Decoder(list[Entry] | None)


class FeedReader:
    """Makes entries of what was fetched."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(READERS_MAX)

    async def entries(self, fetched: Fetched) -> list[Entry]:
        """The entries of a feed, newest first; raises OutsideFailed for what cannot be read as one."""
        content_type = f"{fetched.content_type}; charset={fetched.charset}" if fetched.charset else fetched.content_type
        request = {"url": fetched.url, "content_type": content_type, "entries_max": ENTRIES_MAX}
        async with self._turns:
            answer = await read_apart(json.dumps(request).encode() + b"\n" + fetched.body)
        try:
            found = _decoder.decode(answer)
        except msgspec.DecodeError:
            found = None
        if found is None:
            raise OutsideFailed("What stands at this address cannot be read as an RSS or Atom feed.")
        return found


async def read_apart(request: bytes) -> bytes:
    """What the process answers; nothing when it fails or takes too long. Raises OutsideFailed when none can be had."""
    try:
        process = await asyncio.create_subprocess_exec(
            # Without the server's environment, which may hold secrets.
            sys.executable, "-I", feed_parser.__file__, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={},
        )  # fmt: skip
    except OSError as error:
        raise OutsideFailed(f"The server could not begin to read the feed: {error.strerror}.") from None
    try:
        async with asyncio.timeout(READING_LIMIT_S):
            answer, _ = await process.communicate(request)
            return answer
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
