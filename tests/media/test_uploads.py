"""Uploads: durable, stored once, bounded, and nothing left behind by those that fail."""

import asyncio
import resource
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from teahouse.db import Database
from teahouse.errors import StorageFull
from teahouse.http.messages import Requester
from teahouse.media import MediaLimits
from teahouse.media.types import Upload
from tests.media.serving import SERVER, serving

UPLOAD = "/_matrix/media/v3/upload"
CREATE = "/_matrix/media/v1/create"
ALICE = Requester(f"@alice:{SERVER}", 1024, "DEVICE")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_what_was_uploaded_comes_back_to_anyone_signed_in(database: Database, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5_000
    async with serving(database, tmp_path) as on:
        place = await on.upload(content, "application/x-tea", filename="leaf.tea")
        answer = await on.ask("GET", f"download/{place}", "bob")
        assert answer.content == content
        assert answer.headers["content-type"] == "application/x-tea"
        assert answer.headers["content-disposition"] == 'attachment; filename="leaf.tea"'
        assert (await on.ask("GET", f"download/{place}", None)).status_code == 401


async def test_an_empty_file_is_a_file(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        answer = await on.ask("GET", f"download/{await on.upload(b'')}")
        assert (answer.status_code, answer.content) == (200, b"")


async def test_equal_content_is_stored_once_under_ids_of_its_own(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        places = await asyncio.gather(*(on.upload(b"tea" * 100_000) for _ in range(5)))
        assert len(set(places)) == 5
        assert len(on.stored()) == 1
        assert [path async for path in on.media.files()] == on.stored()


async def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path, MediaLimits(upload_bytes=1_000_000)) as on:
        assert (await on.ask("GET", "config")).json() == {"m.upload.size": 1_000_000}
        announced = await on.ask("POST", UPLOAD, content=b"x" * 1_000_001)
        streamed = await on.ask("POST", UPLOAD, content=pieces(*[b"x" * 100_000] * 11))
        for answer in (announced, streamed):
            assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
        assert on.stored() == []
        await on.upload(b"x" * 1_000_000)


async def test_a_client_that_goes_away_leaves_nothing(database: Database, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 600_000
        raise ConnectionError

    async with serving(database, tmp_path) as on:
        with pytest.raises(ConnectionError):
            await on.media.upload(ALICE, Upload(broken(), "text/plain", None))
        assert on.stored() == []


async def test_a_start_clears_away_what_a_stop_interrupted(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        await on.upload(b"kept")
        (tmp_path / "incoming" / "left").write_bytes(b"half")
        assert len(on.stored()) == 2
    async with serving(database, tmp_path) as on:
        assert [path.read_bytes() for path in on.stored()] == [b"kept"]


async def test_a_full_disk_refuses_the_upload_and_the_next_one_fits_again(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(b"before")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        # The system refuses to let any file grow beyond this, as it would on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
        try:
            answer = await on.ask("POST", UPLOAD, content=b"x" * 3_000_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert answer.status_code == 507
        assert [path.read_bytes() for path in on.stored()] == [b"before"]
        assert (await on.ask("GET", f"download/{place}")).content == b"before"
        await on.upload(b"x" * 3_000_000)


async def test_content_whose_row_cannot_be_written_is_taken_away_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StorageFull("full")

    async with serving(database, tmp_path) as on:
        place = await on.upload(b"shared")
        monkeypatch.setattr("teahouse.media.store.add", full)
        for content in (b"shared", b"alone"):
            assert (await on.ask("POST", UPLOAD, content=content)).status_code == 507
        assert [path.read_bytes() for path in on.stored()] == [b"shared"]
        assert (await on.ask("GET", f"download/{place}")).content == b"shared"


async def test_one_user_cannot_fill_the_disk(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path, MediaLimits(user_bytes=1_000)) as on:
        await on.upload(b"x" * 600)
        refused = await on.ask("POST", UPLOAD, content=b"y" * 401)
        assert (refused.status_code, refused.json()["errcode"]) == (403, "M_FORBIDDEN")
        assert (await on.ask("POST", UPLOAD, "bob", content=b"y" * 401)).status_code == 200
        both = await asyncio.gather(*(on.ask("POST", UPLOAD, content=b"z" * 300) for _ in range(2)))
        assert sorted(answer.status_code for answer in both) == [200, 403]


async def reserve(on) -> str:
    answer = await on.ask("POST", CREATE)
    return answer.json()["content_uri"].removeprefix("mxc://")


async def test_a_reserved_id_takes_content_once_and_from_its_owner(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await reserve(on)
        assert (await on.ask("PUT", f"{UPLOAD}/{place}", "bob", content=b"mine")).status_code == 403
        answers = await asyncio.gather(
            *(on.ask("PUT", f"{UPLOAD}/{place}", content=content) for content in (b"one", b"two"))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        again = await on.ask("PUT", f"{UPLOAD}/{place}", content=b"again")
        assert again.json()["errcode"] == "M_CANNOT_OVERWRITE_MEDIA"
        assert (await on.ask("GET", f"download/{place}")).content in (b"one", b"two")
        assert len(on.stored()) == 1
        for unknown in (f"{SERVER}/nosuch", "elsewhere.example/id"):
            assert (await on.ask("PUT", f"{UPLOAD}/{unknown}", content=b"x")).status_code == 404


async def test_a_reserved_id_expires_and_so_many_are_allowed(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path, replace(MediaLimits(), pending_uploads=2)) as on:
        place = await reserve(on)
        await reserve(on)
        refused = await on.ask("POST", CREATE)
        assert (refused.status_code, refused.json()["errcode"]) == (429, "M_LIMIT_EXCEEDED")
        on.clock.ms += on.media.limits.pending_ms
        assert (await on.ask("PUT", f"{UPLOAD}/{place}", content=b"late")).status_code == 404
        assert (await on.ask("GET", f"download/{place}", params={"timeout_ms": "0"})).status_code == 404
        await reserve(on)
        assert await database.fetch("SELECT count(*) FROM media") == [(1,)]


async def test_a_reader_waits_for_content_that_was_announced(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await reserve(on)
        early = await on.ask("GET", f"download/{place}", params={"timeout_ms": "1"})
        assert (early.status_code, early.json()["errcode"]) == (504, "M_NOT_YET_UPLOADED")
        waiting = asyncio.create_task(on.ask("GET", f"download/{place}"))
        await asyncio.sleep(0)
        await on.ask("PUT", f"{UPLOAD}/{place}", content=b"here", headers={"content-type": "text/plain"})
        answer = await waiting
        assert (answer.content, answer.headers["content-type"]) == (b"here", "text/plain")


async def test_verify_finds_what_is_missing_damaged_or_not_referred_to(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        for content in (b"good", b"missing", b"damaged"):
            await on.upload(content)
        assert [problem async for problem in on.media.verify()] == []
        for path in on.stored():
            if path.read_bytes() == b"missing":
                path.unlink()
            elif path.read_bytes() == b"damaged":
                path.write_bytes(b"rotten")
        (tmp_path / "files" / "00").mkdir()
        (tmp_path / "files" / "00" / ("0" * 62)).write_bytes(b"stray")
        texts = [problem.text async for problem in on.media.verify()]
        assert sorted(text.split()[-1] for text in texts) == ["after", "file", "missing"]
