"""Importing archives: every line once, each bad one named, nothing unpacked where it should not be."""

import asyncio
import io
import json
import stat
import struct
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teahouse.errors import TeahouseError
from teahouse.http.messages import Requester
from teahouse.mirrors import archive, bringing, imports
from teahouse.mirrors.archive import LINE_MAX_BYTES, LINES_MAX, Archive
from tests.clock import START_MS, ManualClock
from tests.databases import Place
from tests.mirrors.feeds import Feed, Item
from tests.outbound.web import Web, web
from tests.public_accounts.newsroom import ACCOUNT, Account, newsroom, timeline
from tests.world import LIMIT_S, Person, World, world

IMPORTS = f"{ACCOUNT}/imports"
IMPORT = f"{IMPORTS}/{{importId}}"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


@pytest.fixture
async def tea(place: Place, tmp_path: Path, clock: ManualClock, site: Web) -> AsyncIterator[World]:
    settings = {"outbound__allowed_networks": "127.0.0.1/32", "outbound__allowed_ports": str(site.port)}
    async with world(place, tmp_path / "data", clock, **settings) as made:
        yield made


@pytest.fixture
async def daily(tea: World) -> Account:
    return (await newsroom(tea))[0]


def line(post_id: str, text: str = "Tea.", written: str = "2019-05-04T10:00:00Z", **more: Any) -> str:
    return json.dumps({"id": post_id, "written": written, "text": text, **more})


def jsonl(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


async def bring(tea: World, person: Person, content: bytes, handle: str = "daily") -> httpx.Response:
    transport = httpx.ASGITransport(app=tea.app.http)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://tea.test") as client:
        headers = {"Authorization": f"Bearer {person.token}"}
        return await client.post(IMPORTS.replace("{handle}", handle), content=content, headers=headers)


async def brought(tea: World, daily: Account, content: bytes) -> Any:
    """What an import that is taken comes to."""
    answer = await bring(tea, daily.owner, content, daily.handle)
    assert answer.status_code == 202, answer.text
    return await ended(daily, answer.json()["import_id"])


async def ended(daily: Account, import_id: str) -> Any:
    """What an import came to, once it has ended."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            job = await daily.owner.good("GET", IMPORT, handle=daily.handle, importId=import_id)
            if job["ended_ts"]:
                return job
            await asyncio.sleep(0)


def counts(job: Any) -> dict[str, int]:
    return {name: job[name] for name in ("lines", "added", "known", "failed")}


async def posts(daily: Account) -> list[Any]:
    """Its posts, oldest first."""
    answer = await daily.owner.good("GET", f"{ACCOUNT}/posts", None, {"limit": 100}, handle=daily.handle)
    return list(reversed(answer["posts"]))


async def test_posts_keep_their_dates_and_come_in_their_order(tea: World, daily: Account) -> None:
    content = jsonl(line("b", "Later", "2020-01-01T00:00:00+01:00"), "", line("a", "Earlier"))
    job = await brought(tea, daily, content)
    assert counts(job) == {"lines": 2, "added": 2, "known": 0, "failed": 0}
    assert (job["state"], job["failure"], job["problems"]) == ("done", "", [])
    earlier, later = await posts(daily)
    assert (earlier["content"]["text"], earlier["content"]["written_ms"]) == ("Earlier", 1_556_964_000_000)
    assert (later["content"]["text"], later["content"]["written_ms"]) == ("Later", 1_577_833_200_000)
    assert earlier["created_ts"] == START_MS


async def test_importing_again_adds_nothing_also_after_a_restart_and_a_deletion(tea: World, daily: Account) -> None:
    content = jsonl(line("a"), line("b"), line("a", "The same id"))
    assert (await brought(tea, daily, content))["added"] == 2
    await daily.owner.good("DELETE", f"{ACCOUNT}/posts/{{number}}", handle="daily", number="1")
    await tea.restart()
    report = await brought(tea, daily, content)
    assert (report["added"], report["known"]) == (0, 3)
    report = await brought(tea, daily, content + b"\n" + line("c").encode())
    assert (report["added"], report["known"]) == (1, 3)
    other = (await newsroom(tea, "weekly"))[0]
    assert (await brought(tea, other, content))["added"] == 2  # ids are an account's own


async def test_every_bad_line_is_named_and_every_good_one_taken(tea: World, daily: Account) -> None:
    bad = {
        "not json": "{", "no object": "[]", "no id": '{"written": "2019-05-04T10:00:00Z", "text": "x"}',
        "empty id": line(""), "long id": line("x" * 1_001), "no date": '{"id": "x", "text": "x"}',
        "no zone": line("x", written="2019-05-04T10:00:00"), "no such day": line("x", written="2019-02-30T10:00:00Z"),
        "future": line("x", written="2999-01-01T00:00:00Z"), "too old": line("x", written="1969-01-01T00:00:00Z"),
        "unknown field": line("x", colour="green"), "no words": line("x", ""), "long text": line("x", "y" * 5_001),
        "title alone": line("x", "", html="<p>x</p>"), "bad link": line("x", link="javascript:alert(1)"),
        "bad language": line("x", language="!"), "no file": line("x", media=[{"file": "a.png"}]),
        "neither": line("x", media=[{}]), "deep": '{"id":' + "[" * 5_000, "utf-8": "\udcff",
        "long line": line("x", "y" * LINE_MAX_BYTES),
    }  # fmt: skip
    lines = [line("first"), *bad.values(), line("last")]
    report = await brought(tea, daily, "\n".join(lines).encode(errors="surrogateescape"))
    assert [each["line"] for each in report["problems"]] == list(range(2, len(bad) + 2)), report["problems"]
    assert all(len(each["error"]) > 10 for each in report["problems"])
    assert (report["added"], report["failed"], report["lines"]) == (2, len(bad), len(bad) + 2)
    assert [each["content"]["text"] for each in await posts(daily)] == ["Tea.", "Tea."]


async def test_problems_are_all_counted_and_the_first_told(tea: World, daily: Account) -> None:
    report = await brought(tea, daily, b"{\n" * (bringing.PROBLEMS_MAX + 50))
    assert report["failed"] == bringing.PROBLEMS_MAX + 50
    assert len(report["problems"]) == bringing.PROBLEMS_MAX


async def test_articles_are_sanitised_like_any_others(tea: World, daily: Account) -> None:
    html = '<p>Soft <b>water</b></p><script>alert(1)</script><a href="javascript:x">x</a>'
    await brought(tea, daily, jsonl(line("a", "", title="On water", html=html, link="https://example.org/water")))
    (post,) = await posts(daily)
    assert post["kind"] == "article"
    assert "<b>water</b>" in post["content"]["article"]["html"]
    assert "script" not in post["content"]["article"]["html"]


async def test_media_come_from_the_archive_and_from_the_web(tea: World, daily: Account, site: Web) -> None:
    url = site.page("/far.png", PICTURE, "Content-Type: image/png")
    content = packed(
        {
            "posts.jsonl": jsonl(
                line("a", "Near", media=[{"file": "media/near.png", "description": "A near cup"}]),
                line("b", "Far", media=[{"url": url, "description": "A far cup"}]),
                line("c", "Page", media=[{"url": site.page("/page", b"<html>", "Content-Type: text/html")}]),
                line("d", "Inside", media=[{"url": site.url("/far.png", "127.0.0.2")}]),
            ),
            "media/near.png": PICTURE,
            "unused.txt": b"unused",
        }
    )
    report = await brought(tea, daily, content)
    assert (report["added"], report["failed"]) == (2, 2)
    assert "is no picture" in report["problems"][0]["error"]
    assert "not on the public internet" in report["problems"][1]["error"]
    owner = Requester(daily.owner.user_id, daily.owner.user_no, daily.owner.device_id)
    for post, description in zip(await posts(daily), ("A near cup", "A far cup"), strict=True):
        (media,) = post["content"]["media"]
        assert (media["mimetype"], media["description"], media["size"]) == ("image/png", description, len(PICTURE))
        server, media_id = media["url"].removeprefix("mxc://").split("/")
        stored = await tea.app.media.content(owner, server, media_id, 0)
        assert b"".join([piece async for piece in await tea.app.media.read(stored)]) == PICTURE
    before = await tea.database.fetch("SELECT count(*) FROM media")
    assert (await brought(tea, daily, content))["known"] == 2
    assert await tea.database.fetch("SELECT count(*) FROM media") == before


async def test_nobody_is_alerted_of_what_was_imported(tea: World) -> None:
    daily, reader = await newsroom(tea)
    await reader.good("PUT", f"{ACCOUNT}/follow", {"alerts": True}, handle="daily")
    since = (await reader.sync())["next_batch"]
    article = line("c", "", title="T", html="<p>x</p>")
    members = {"posts.jsonl": jsonl(line("a"), line("b", media=[{"file": "a.png"}]), article), "a.png": PICTURE}
    assert (await brought(tea, daily, packed(members)))["added"] == 3
    answer = await reader.sync(since)
    for event in timeline(answer, daily.room_id):
        assert event["content"]["msgtype"] == "m.notice"
        assert "(2019-05-04)" in event["content"]["body"]
    assert answer["rooms"]["join"][daily.room_id]["unread_notifications"]["notification_count"] == 0
    await daily.publish("News.")
    answer = await reader.sync(since)
    assert answer["rooms"]["join"][daily.room_id]["unread_notifications"]["notification_count"] == 1


async def test_a_date_cannot_be_made_up_by_publishing_and_stays_when_edited(tea: World, daily: Account) -> None:
    published = await daily.publish("Now.", written_ms=1_000_000_000_000)
    assert "written_ms" not in published["content"]
    await brought(tea, daily, jsonl(line("a", "Then.")))
    path = {"handle": "daily", "number": "2"}
    body = {"content": {"text": "Then, in other words."}}
    edited = await daily.owner.good("PUT", f"{ACCOUNT}/posts/{{number}}", body, **path)
    assert edited["content"]["written_ms"] == 1_556_964_000_000


async def test_feed_and_archive_that_name_the_same_make_one_post(tea: World, daily: Account, site: Web) -> None:
    await brought(tea, daily, jsonl(line("https://example.org/1", "From the archive")))
    feed = Feed([Item("https://example.org/1", "From the feed"), Item("https://example.org/2", "Only in the feed")])
    await daily.owner.good("PUT", f"{ACCOUNT}/mirror", {"url": site.page("/feed", feed.rss())}, handle="daily")
    await tea.app.mirrors.poll_due()
    assert sorted(each["content"]["text"] for each in await posts(daily)) == ["From the archive", "Only in the feed"]


@pytest.mark.parametrize(
    "name", ["../posts.jsonl", "/etc/passwd", "a/../../b", "..", "C:/x", "a\\..\\b", "x\ny", "media/../../../x"]
)
async def test_an_archive_that_points_outside_is_refused_whole(name: str, tea: World, daily: Account) -> None:
    answer = await bring(tea, daily.owner, packed({"posts.jsonl": jsonl(line("a")), name: b"x"}))
    assert answer.status_code == 400
    assert "points outside" in answer.json()["error"]
    assert await posts(daily) == []


async def test_links_and_encrypted_files_in_an_archive_are_refused(tea: World, daily: Account) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("posts.jsonl", jsonl(line("a")))
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    assert (await bring(tea, daily.owner, file.getvalue())).status_code == 400
    locked = bytearray(packed({"posts.jsonl": jsonl(line("a"))}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + offset] |= 1
    answer = await bring(tea, daily.owner, bytes(locked))
    assert (answer.status_code, "encrypted" in answer.json()["error"]) == (400, True)
    odd = packed({"posts.jsonl": jsonl(line("a"))}, zipfile.ZIP_LZMA)
    assert (await bring(tea, daily.owner, odd)).status_code == 400


async def test_bombs_are_refused_by_what_they_say_and_by_what_they_are(
    tea: World, daily: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "UNPACKED_MAX_BYTES", 1_000_000)
    monkeypatch.setattr(archive, "MEDIA_MAX_BYTES", 100_000)
    posts_file = jsonl(line("a"), line("b", media=[{"file": "big.png"}]))
    honest = packed({"posts.jsonl": posts_file, "zero": bytes(2_000_000)})
    assert (await bring(tea, daily.owner, honest)).status_code == 413
    liar = bytearray(packed({"posts.jsonl": posts_file, "big.png": bytes(5_000_000)}))
    entry = liar.rindex(b"PK\x01\x02")
    struct.pack_into("<L", liar, entry + 24, 1_000)  # the size that the table of contents gives for it
    report = await brought(tea, daily, bytes(liar))
    assert (report["added"], report["failed"]) == (1, 1)
    large = packed({"posts.jsonl": posts_file, "big.png": bytes(200_000)})
    report = await brought(tea, daily, large)
    assert "larger than 100,000 bytes" in report["problems"][0]["error"]
    monkeypatch.setattr(archive, "MEMBERS_MAX", 1)
    assert (await bring(tea, daily.owner, large)).status_code == 413
    monkeypatch.setattr(archive, "TABLE_MAX_BYTES", 10)
    assert (await bring(tea, daily.owner, large)).status_code == 413


async def test_too_many_lines_or_bytes_are_refused_before_anything_is_published(
    tea: World, daily: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = jsonl(*(line(str(number)) for number in range(LINES_MAX + 1)))
    assert (await bring(tea, daily.owner, content)).status_code == 413
    monkeypatch.setattr(archive, "POSTS_MAX_BYTES", 1_000)
    for short in (content[:2_000], b"x" * 2_000, packed({"posts.jsonl": b"x" * 2_000})):
        assert (await bring(tea, daily.owner, short)).status_code == 413
    monkeypatch.setattr(imports, "ARCHIVE_MAX_BYTES", 10)
    assert (await bring(tea, daily.owner, content)).status_code == 413
    assert await posts(daily) == []


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04", b"PK\x03\x04" + bytes(1_000), packed({"other.txt": b"x"}), packed({"posts.jsonl": b"x"})[:-4],
        packed({"posts.jsonl": b"x"}) + b"more", packed({"x/posts.jsonl": b"x"}),
        b"PK\x03\x04" + b"\0" * 40 + b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18),
    ],
    ids=range(7),
)  # fmt: skip
async def test_a_damaged_archive_is_refused_with_words(content: bytes, tea: World, daily: Account) -> None:
    answer = await bring(tea, daily.owner, content)
    assert answer.status_code == 400
    assert "archive" in answer.json()["error"]


@given(st.binary(max_size=400), st.integers(0, 399), st.integers(0, 255))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_bytes_an_archive_is_read_or_refused(noise: bytes, place: int, byte: int) -> None:
    whole = bytearray(packed({"posts.jsonl": jsonl(line("a")), "media/a.png": PICTURE}))
    whole[place % len(whole)] = byte
    for content in (noise, bytes(whole), b"PK\x03\x04" + noise):
        try:
            opened = Archive(io.BytesIO(content))
            for _, text in opened.lines():
                bringing.decoded(text)
            opened.media("media/a.png")
        except TeahouseError:
            pass


@pytest.fixture
async def held(tea: World, daily: Account, site: Web) -> str:
    """An import that waits for a picture; its id."""
    url = site.silent("/slow.png", b"")
    content = jsonl(line("a"), line("b", media=[{"url": url}]), line("c"))
    job = (await bring(tea, daily.owner, content)).json()
    path = {"handle": "daily", "importId": job["import_id"]}
    async with asyncio.timeout(LIMIT_S):
        while (await daily.owner.good("GET", IMPORT, **path))["added"] != 1:
            await asyncio.sleep(0)
    return str(job["import_id"])


async def test_an_import_is_taken_in_at_once_and_says_how_far_it_is(tea: World, daily: Account, held: str) -> None:
    running = await daily.owner.good("GET", IMPORT, handle="daily", importId=held)
    assert (running["state"], running["ended_ts"]) == ("running", 0)
    assert counts(running) == {"lines": 3, "added": 1, "known": 0, "failed": 0}
    assert (await daily.owner.good("GET", IMPORTS, handle="daily"))["imports"] == [running]


async def test_one_archive_of_an_account_is_read_at_a_time_and_few_wait_in_all(
    tea: World, daily: Account, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await bring(tea, daily.owner, jsonl(line("x")))).status_code == 409
    weekly = (await newsroom(tea, "weekly"))[0]
    first = await bring(tea, weekly.owner, jsonl(line("x")), "weekly")
    assert (first.status_code, first.json()["state"]) == (202, "waiting")
    assert first.headers["location"] == IMPORT.format(handle="weekly", importId=first.json()["import_id"])
    monkeypatch.setattr(imports, "WAITING_MAX", 2)
    monthly = (await newsroom(tea, "monthly"))[0]
    assert (await bring(tea, monthly.owner, jsonl(line("x")), "monthly")).status_code == 503


async def test_a_stopped_import_goes_on_at_the_next_start_and_adds_nothing_twice(
    tea: World, daily: Account, held: str, site: Web
) -> None:
    await tea.stop()
    site.page("/slow.png", PICTURE, "Content-Type: image/png")
    await tea.start()
    job = await ended(daily, held)
    assert counts(job) == {"lines": 3, "added": 3, "known": 0, "failed": 0}
    assert len(await posts(daily)) == 3
    async with asyncio.timeout(LIMIT_S):
        while list((tea.config.data_dir / "imports").iterdir()):
            await asyncio.sleep(0)


async def test_an_import_ends_in_words_when_its_archive_or_its_owner_is_gone(
    tea: World, daily: Account, held: str
) -> None:
    await tea.stop()
    (file,) = (tea.config.data_dir / "imports").iterdir()
    stray = file.with_name("stray")
    stray.write_bytes(file.read_bytes())
    file.unlink()
    await tea.start()
    assert not stray.exists()
    job = await ended(daily, held)
    assert (job["state"], job["added"]) == ("failed", 1)
    assert "no longer there" in job["failure"]
    assert (await brought(tea, daily, jsonl(line("z"))))["added"] == 1


async def test_an_import_of_one_who_owns_the_account_no_more_publishes_nothing_further(
    tea: World, daily: Account, held: str
) -> None:
    await tea.stop()
    other = tea.place
    database = await other.open()
    async with database.transaction() as tx:
        await tx.execute("UPDATE account_staff SET role = 'analyst' WHERE user_no = ?", daily.owner.user_no)
    await database.close()
    await tea.start()
    job = await ended(daily, held)
    assert (job["state"], job["added"]) == ("failed", 1)
    assert "owns the account no more" in job["failure"]


async def test_only_the_newest_imports_are_remembered(
    tea: World, daily: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "KEPT_MAX", 2)
    made = [(await brought(tea, daily, jsonl(line(str(number)))))["import_id"] for number in range(4)]
    listed = (await daily.owner.good("GET", IMPORTS, handle="daily"))["imports"]
    assert [job["import_id"] for job in listed] == [made[3], made[2]]
    gone = await daily.owner.ask("GET", IMPORT, handle="daily", importId=made[0])
    assert gone.status == 404


async def test_only_an_owner_imports(tea: World) -> None:
    daily, reader = await newsroom(tea)
    editor = await tea.person("editor")
    role = {"handle": "daily", "userId": editor.user_id}
    await daily.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "editor"}, **role)
    for person in (reader, editor):
        assert (await bring(tea, person, jsonl(line("a")))).status_code == 403
    job = await brought(tea, daily, jsonl(line("a")))
    path = {"handle": "daily", "importId": job["import_id"]}
    assert (await editor.good("GET", IMPORT, **path))["added"] == 1
    for template in (IMPORT, IMPORTS):
        assert (await reader.ask("GET", template, **path)).status == 403
    other = (await newsroom(tea, "weekly"))[0]
    assert (await other.owner.ask("GET", IMPORT, handle="weekly", importId=job["import_id"])).status == 404
    for wrong in ("0", "-1", "x", "9" * 30):
        assert (await editor.ask("GET", IMPORT, handle="daily", importId=wrong)).status == 400
    assert (await bring(tea, daily.owner, jsonl(line("a")), "nobody")).status_code == 404


async def test_slow_pictures_leave_their_posts_to_the_next_import(
    tea: World, daily: Account, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "FETCHING_MAX_MS", 0)
    media = [{"url": site.page("/a.png", PICTURE, "Content-Type: image/png")}]
    content = jsonl(line("a"), line("b", media=media), line("c"))
    report = await brought(tea, daily, content)
    assert (report["added"], report["failed"], report["problems"][0]["line"]) == (2, 1, 2)
    monkeypatch.setattr(bringing, "FETCHING_MAX_MS", 1_000)
    report = await brought(tea, daily, content)
    assert (report["added"], report["known"]) == (1, 2)


async def test_the_example_of_the_papers_is_taken(tea: World, daily: Account) -> None:
    paper = (Path(__file__).parents[2] / "docs/publishers.md").read_text()
    example = next(block for block in paper.split("```json\n")[1:] if "posts.jsonl" not in block).partition("```")[0]
    report = await brought(tea, daily, packed({"posts.jsonl": example.encode(), "media/cups.jpg": PICTURE}))
    assert (report["added"], report["problems"]) == (3, [])
