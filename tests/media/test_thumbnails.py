"""Thumbnails: the right size, upright, still unless asked; bombs, rubbish and hanging workers hurt nobody."""

import asyncio
import io
import os
import signal
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from teahouse.db import Database
from teahouse.media import MediaLimits
from teahouse.media.thumbnails import BOXES, box
from tests.media.serving import Served, serving


def picture(width: int, height: int, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.save(file, kind, **options)
    return file.getvalue()


def animation(kind: str, frames: int = 3, size: int = 200) -> bytes:
    file = io.BytesIO()
    images = [Image.new("RGB", (size, size), (n * 60, 0, 0)) for n in range(frames)]
    images[0].save(file, kind, save_all=True, append_images=images[1:], duration=50)
    return file.getvalue()


async def thumbnail(on: Served, place: str, width: int, height: int, **params: str):
    answer = await on.ask("GET", f"thumbnail/{place}", params={"width": width, "height": height, **params})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("inline")
    image = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == f"image/{str(image.format).lower()}"
    return image


@given(st.integers(1, 2_000), st.integers(1, 2_000))
def test_the_box_covers_what_was_asked_for(width: int, height: int) -> None:
    chosen = box(width, height)
    assert chosen[0] >= width
    assert chosen[1] >= height
    assert chosen in BOXES or (width, height) > (1600, 0) or height > 1200


async def test_scaling_keeps_the_shape_and_cropping_fills_the_box(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(picture(1000, 500))
        assert (await thumbnail(on, place, 300, 200, method="scale")).size == (320, 160)
        assert (await thumbnail(on, place, 90, 90, method="crop")).size == (96, 96)
        assert (await thumbnail(on, place, 32, 32)).size == (32, 16)
        again = await thumbnail(on, place, 300, 200, method="scale")
        assert again.size == (320, 160)


async def test_nothing_is_made_larger(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        small = picture(20, 10, "JPEG")
        place = await on.upload(small, "image/jpeg")
        for params in ({}, {"method": "crop"}):
            answer = await on.ask("GET", f"thumbnail/{place}", params={"width": "500", "height": "500", **params})
            assert (answer.content, answer.headers["content-type"]) == (small, "image/jpeg")
        wide = await on.upload(picture(400, 20))
        assert (await thumbnail(on, wide, 96, 96, method="crop")).size == (96, 20)
        large = await on.upload(picture(2000, 2000))
        assert (await thumbnail(on, large, 1_900, 1_900)).size == (2000, 2000)


async def test_a_photo_taken_sideways_stands_upright(database: Database, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    async with serving(database, tmp_path) as on:
        place = await on.upload(picture(1000, 500, "JPEG", exif=exif), "image/jpeg")
        upright = await thumbnail(on, place, 320, 240)
        assert upright.size == (120, 240)
        assert not upright.getexif().get(0x0112)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
async def test_animations_stand_still_unless_asked_to_move(database: Database, tmp_path: Path, kind: str) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(animation(kind), f"image/{kind.lower()}")
        for size in (96, 640):
            for params in ({}, {"animated": "false"}):
                assert not getattr(await thumbnail(on, place, size, size, **params), "is_animated", False)
        moving = await thumbnail(on, place, 96, 96, animated="true")
        assert (moving.n_frames, moving.size) == (3, (96, 96))
        assert (await thumbnail(on, place, 640, 640, animated="true")).n_frames == 3


async def test_an_animation_with_too_many_frames_stands_still(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        file = io.BytesIO()
        images = [Image.new("L", (40, 40), n) for n in range(201)]
        images[0].save(file, "WEBP", save_all=True, append_images=images[1:], lossless=True)
        place = await on.upload(file.getvalue(), "image/webp")
        assert not getattr(await thumbnail(on, place, 32, 32, animated="true"), "is_animated", False)


async def test_transparency_stays(database: Database, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGBA", (200, 200), (255, 0, 0, 0)).save(file, "PNG")
    async with serving(database, tmp_path) as on:
        image = await thumbnail(on, await on.upload(file.getvalue()), 96, 96)
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises many pixels and whose few bytes would unpack to them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000_000))) + chunk(b"IEND", b"")


async def test_a_decompression_bomb_is_refused_by_its_header(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(bomb(60_000, 60_000))
        answer = await on.ask("GET", f"thumbnail/{place}", params={"width": "96", "height": "96"})
        assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
        pixels = on.media.limits.thumbnail_pixels
        place = await on.upload(bomb(pixels + 1, 1))
        answer = await on.ask("GET", f"thumbnail/{place}", params={"width": "96", "height": "96"})
        assert answer.status_code == 413


@pytest.mark.parametrize("content", [b"", b"tea", b"\x89PNG\r\n\x1a\nrubbish", picture(300, 300)[:-2000], b"<svg/>"])
async def test_what_is_no_whole_picture_has_no_thumbnail(database: Database, tmp_path: Path, content: bytes) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(content)
        answer = await on.ask("GET", f"thumbnail/{place}", params={"width": "96", "height": "96"})
        assert (answer.status_code, answer.json()["errcode"]) == (400, "M_UNKNOWN")


async def test_sizes_and_methods_that_make_no_sense_are_refused(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(picture(10, 10))
        for params in (
            {"width": "0", "height": "1"},
            {"width": "-5", "height": "1"},
            {"width": "wide", "height": "1"},
            {"width": "10"},
            {"width": "10", "height": "10", "method": "stretch"},
            {"width": "10", "height": "10", "animated": "maybe"},
        ):
            assert (await on.ask("GET", f"thumbnail/{place}", params=params)).status_code == 400


async def test_a_worker_that_hangs_or_dies_is_replaced_and_the_next_picture_is_made(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path, replace(MediaLimits(), thumbnail_timeout_ms=1_500)) as on:
        place = await on.upload(picture(300, 300))
        await thumbnail(on, place, 96, 96)
        worker = on.media._thumbnails._workers[0]._process
        os.kill(worker.pid, signal.SIGSTOP)
        hanging = await on.ask("GET", f"thumbnail/{place}", params={"width": "32", "height": "32"})
        assert hanging.status_code == 400
        assert worker.returncode is not None
        assert (await thumbnail(on, place, 32, 32)).size == (32, 32)
        os.kill(on.media._thumbnails._workers[0]._process.pid, signal.SIGKILL)
        other = await on.upload(picture(301, 300))
        assert (await thumbnail(on, other, 32, 32)).size == (32, 32)


async def test_too_many_waiting_thumbnails_ask_the_client_to_come_back(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path, replace(MediaLimits(), thumbnails_waiting=2)) as on:
        places = [await on.upload(picture(300 + n, 300)) for n in range(6)]
        params = {"width": "96", "height": "96"}
        answers = await asyncio.gather(*(on.ask("GET", f"thumbnail/{place}", params=params) for place in places))
        assert {answer.status_code for answer in answers} == {200, 429}
        same = await asyncio.gather(*(on.ask("GET", f"thumbnail/{places[0]}", params=params) for _ in range(6)))
        assert {answer.status_code for answer in same} == {200}
