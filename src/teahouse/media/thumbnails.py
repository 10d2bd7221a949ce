"""Thumbnails: a small fixed set of sizes, made once, by a bounded number of processes that are stopped when they hang.

Source: Client-Server API, "Thumbnails". Its two rules for `scale` contradict each other; ours fits the picture into a
box that is at least as large as the one asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teahouse.errors import CannotThumbnail, LimitExceeded, TooLarge
from teahouse.media import thumbnailer
from teahouse.media.folder import Folder, make_folder
from teahouse.media.types import MediaLimits

# The specification's sizes, and squares for pictures of people. Beyond the last the original is as good.
BOXES = ((32, 32), (96, 96), (320, 240), (320, 320), (640, 480), (640, 640), (800, 600), (800, 800), (1600, 1200))
CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
OUTCOMES_REMEMBERED = 10_000  # pictures that need no thumbnail, 200 bytes each
RETRY_AFTER_MS = 2_000  # told to a client when too many thumbnails wait


@dataclass(frozen=True, slots=True)
class Wanted:
    """A thumbnail of some content: the box it is made for, whether it fills it, whether it may move."""

    sha256: bytes
    width: int
    height: int
    crop: bool
    animated: bool

    @property
    def variant(self) -> str:
        """The end of the thumbnail's file name."""
        return f"{self.width}x{self.height}-{'crop' if self.crop else 'scale'}-{'moving' if self.animated else 'still'}"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to serve, and its content type."""

    path: Path
    content_type: str


def box(width: int, height: int) -> tuple[int, int]:
    """The smallest box of the set that covers the one asked for; the asked one itself beyond the set, so that only
    smaller pictures (which need no thumbnail) are ever compared with it."""
    for known in BOXES:
        if known[0] >= width and known[1] >= height:
            return known
    return (2**31, 2**31)


class Worker:
    """One process, started when first needed and again after it was stopped."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, str]:
        """The worker's answer; a picture that makes it hang, or die twice, is one that it cannot make small."""
        for _ in range(2):
            try:
                return await self._exchange(request, timeout_s)
            except TimeoutError:
                await self.stop()
                break
            except (ValueError, ConnectionError):
                await self.stop()  # it died, perhaps of something else: once more with a fresh one
            except BaseException:
                await self.stop()  # the answer would be taken for the next request's
                raise
        return {"outcome": "not_a_picture"}

    async def stop(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _exchange(self, request: dict[str, Any], timeout_s: float) -> dict[str, str]:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, str] = json.loads(await asyncio.wait_for(process.stdout.readline(), timeout_s))
        return answer

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                # Without the server's environment, which may hold secrets.
                sys.executable,
                "-I",
                thumbnailer.__file__,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={},
            )
        return self._process


class Thumbnails:
    """Makes thumbnails and finds those made before."""

    def __init__(self, folder: Folder, limits: MediaLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers = [Worker() for _ in range(limits.thumbnail_workers)]
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._making: dict[Wanted, asyncio.Future[Picture]] = {}
        self._originals: dict[Wanted, str] = {}

    async def picture(self, wanted: Wanted) -> Picture:
        """The thumbnail, or the original when that is no larger.

        Raises CannotThumbnail for what is no PNG, JPEG, GIF or WebP picture, TooLarge for one with too many pixels,
        LimitExceeded when too many wait.
        """
        known = await asyncio.to_thread(self._made_before, wanted)
        if known is not None:
            return known
        making = self._making.get(wanted)
        if making is None:
            if len(self._making) >= self._limits.thumbnails_waiting:
                raise LimitExceeded("Too many thumbnails are being made.", retry_after_ms=RETRY_AFTER_MS)
            making = asyncio.ensure_future(self._make(wanted))
            self._making[wanted] = making
            making.add_done_callback(lambda made: self._made(wanted, made))
        # Shielded: others may wait for the same thumbnail.
        return await asyncio.shield(making)

    async def close(self) -> None:
        """End the workers."""
        for making in list(self._making.values()):
            making.cancel()
        for worker in self._workers:
            await worker.stop()

    async def _make(self, wanted: Wanted) -> Picture:
        source, unfinished = self._folder.path(wanted.sha256), self._folder.incoming_path()
        request = {
            "source": str(source),
            "target": str(unfinished),
            "width": wanted.width,
            "height": wanted.height,
            "crop": wanted.crop,
            "animated": wanted.animated,
            "pixels_max": self._limits.thumbnail_pixels,
        }
        worker = await self._idle.get()
        try:
            answer = await worker.ask(request, self._limits.thumbnail_timeout_ms / 1_000)
            return await asyncio.to_thread(self._finish, wanted, answer, unfinished)
        finally:
            self._idle.put_nowait(worker)
            unfinished.unlink(missing_ok=True)

    def _made(self, wanted: Wanted, made: asyncio.Future[Picture]) -> None:
        del self._making[wanted]
        if not made.cancelled():
            made.exception()  # everybody who waited may have gone away; that is no reason to warn

    def _finish(self, wanted: Wanted, answer: dict[str, str], unfinished: Path) -> Picture:
        match answer["outcome"]:
            case "made":
                target = self._folder.thumbnail(wanted.sha256, f"{wanted.variant}.{answer['format']}")
                # Whole or not there at all, whenever the power fails.
                with open(unfinished, "rb") as file:
                    os.fsync(file.fileno())
                make_folder(target.parent)
                unfinished.replace(target)
                return Picture(target, CONTENT_TYPES[answer["format"]])
            case "original":
                if len(self._originals) >= OUTCOMES_REMEMBERED:
                    self._originals.clear()
                self._originals[wanted] = answer["format"]
                return Picture(self._folder.path(wanted.sha256), CONTENT_TYPES[answer["format"]])
            case "too_large":
                raise TooLarge("This picture has too many pixels for a thumbnail.")
        raise CannotThumbnail("There is no thumbnail of this content.")

    def _made_before(self, wanted: Wanted) -> Picture | None:
        original = self._originals.get(wanted)
        if original is not None:
            return Picture(self._folder.path(wanted.sha256), CONTENT_TYPES[original])
        for kind, content_type in CONTENT_TYPES.items():
            path = self._folder.thumbnail(wanted.sha256, f"{wanted.variant}.{kind}")
            if path.exists():
                return Picture(path, content_type)
        return None
