"""Parts of content: what players ask for to seek, and what nobody should ask for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.db import Database
from teahouse.errors import RangeNotThere
from teahouse.media.ranges import wanted
from teahouse.media.types import PIECE_BYTES
from tests.media.serving import serving
from tests.posts.studio import address, fetch, upload
from tests.public_accounts.newsroom import newsroom
from tests.world import World

TAG = '"tag"'
CONTENT = bytes(range(256)) * 8
SIZE = len(CONTENT)


@pytest.mark.parametrize(
    ("wish", "first", "last"),
    [("bytes=0-1", 0, 1), ("bytes=5-5", 5, 5), ("bytes=10-", 10, SIZE - 1), ("bytes=-3", SIZE - 3, SIZE - 1),
     ("bytes=0-999999", 0, SIZE - 1), ("bytes=-999999", 0, SIZE - 1), ("Bytes = 7 - 9 ", 7, 9),
     (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1), (f"bytes=1-{'9' * 30}", 1, SIZE - 1)],
)  # fmt: skip
async def test_a_part_is_answered_as_it_was_asked_for(
    database: Database, tmp_path: Path, wish: str, first: int, last: int
) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(CONTENT, "audio/ogg")
        part = await on.ask("GET", f"download/{place}", headers={"range": wish})
        assert (part.status_code, part.content) == (206, CONTENT[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
        assert part.headers["content-length"] == str(last - first + 1)
        assert part.headers["content-type"] == "audio/ogg"
        assert part.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    "wish",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "bytes=0-0" + ",0-0" * 2_000,
     "lines=0-1", "bytes=0--1", "bytes=-5-6", "bytes=0x1-2", "bytes=١-٢", f"bytes={'9' * 31}-", "bytes=1-2;q=1"],
)  # fmt: skip
async def test_what_is_no_single_range_is_answered_whole(database: Database, tmp_path: Path, wish: str) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(CONTENT)
        answer = await on.ask("GET", f"download/{place}", headers={"range": wish.encode()})
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["accept-ranges"] == "bytes"
        assert "content-range" not in answer.headers


@pytest.mark.parametrize("wish", [f"bytes={SIZE}-", "bytes=-0", f"bytes={'9' * 30}-", f"bytes={SIZE}-{SIZE}"])
async def test_bytes_beyond_the_end_are_refused_with_the_size(database: Database, tmp_path: Path, wish: str) -> None:
    async with serving(database, tmp_path) as on:
        answer = await on.ask("GET", f"download/{await on.upload(CONTENT)}", headers={"range": wish})
        assert (answer.status_code, answer.json()["errcode"]) == (416, "M_INVALID_PARAM")
        assert answer.headers["content-range"] == f"bytes */{SIZE}"


async def test_empty_content_has_no_parts(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(b"")
        assert (await on.ask("GET", f"download/{place}", headers={"range": "bytes=0-"})).status_code == 416
        assert (await on.ask("GET", f"download/{place}", headers={"range": "bytes=-5"})).status_code == 200


async def test_a_part_is_of_the_content_that_is_meant(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(CONTENT)
        tag = (await on.ask("GET", f"download/{place}")).headers["etag"]
        for if_range, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200),
                                 ("Wed, 21 Oct 2015 07:28:00 GMT", 200), ("", 200)):  # fmt: skip
            headers = {"range": "bytes=0-9", "if-range": if_range}
            answer = await on.ask("GET", f"download/{place}", headers=headers)
            assert answer.status_code == status, if_range
            assert len(answer.content) == (10 if status == 206 else SIZE)


async def test_a_head_request_has_no_parts(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        answer = await on.ask("HEAD", f"download/{await on.upload(CONTENT)}", headers={"range": "bytes=0-1"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert (answer.headers["content-length"], answer.headers["accept-ranges"]) == (str(SIZE), "bytes")


async def test_a_part_may_span_many_pieces(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        content = bytes(range(251)) * (3 * PIECE_BYTES // 251)
        place = await on.upload(content)
        first, last = PIECE_BYTES - 7, 2 * PIECE_BYTES + 7
        part = await on.ask("GET", f"download/{place}", headers={"range": f"bytes={first}-{last}"})
        assert part.content == content[first : last + 1]


async def test_strangers_hear_parts_of_what_is_public_and_of_nothing_else(tea: World) -> None:
    account, _ = await newsroom(tea)
    url = await upload(account.owner, CONTENT, "audio/ogg")
    assert (await fetch(tea, address(url), range="bytes=0-1")).status == 404
    await account.publish("Listen.", media=[{"url": url, "mimetype": "audio/ogg", "description": "Rain."}])
    part = await fetch(tea, address(url), range="bytes=2-5")
    assert (part.status, part.body) == (206, CONTENT[2:6])
    assert part.headers["content-range"] == f"bytes 2-5/{SIZE}"
    assert part.headers["cache-control"] == "public, max-age=300, must-revalidate"
    known = await fetch(tea, address(url), range="bytes=2-5", if_none_match=part.headers["etag"])
    assert (known.status, known.body) == (304, b"")
    assert (await fetch(tea, address(url), range=f"bytes={SIZE}-")).status == 416


@given(st.text("bytes=-0123456789, ", max_size=20) | st.text(), st.integers(0, 50))
def test_whatever_is_asked_for_a_part_lies_within_the_content(wish: str, size: int) -> None:
    try:
        part = wanted(wish, None, TAG, size)
    except RangeNotThere:
        return
    assert part is None or 0 <= part.first <= part.last < size
