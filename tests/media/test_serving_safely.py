"""What is served is labelled so that no browser runs it, and nothing is served that should not be."""

import re
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.db import Database
from teahouse.media.disposition import content_disposition, content_type
from tests.media.serving import SERVER, serving

LONG = "x/" + "y" * 300


@pytest.mark.parametrize(
    ("given_type", "kind"),
    [("image/png", "inline"), ("Video/MP4", "inline"), ("text/plain; charset=utf-8", "inline"),
     ("application/json", "inline"), ("text/css", "inline"), ("text/javascript", "attachment"),
     ("text/html", "attachment"), ("image/svg+xml", "attachment"), ("application/pdf", "attachment")],
)  # fmt: skip
async def test_only_what_cannot_run_is_shown_inline(
    database: Database, tmp_path: Path, given_type: str, kind: str
) -> None:
    async with serving(database, tmp_path) as on:
        answer = await on.ask("GET", f"download/{await on.upload(b'<script>', given_type)}")
        assert answer.headers["content-disposition"] == kind
        assert answer.headers["content-type"] == given_type
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none';")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "private" in answer.headers["cache-control"]
        assert answer.headers["content-length"] == "8"


async def test_the_name_in_the_path_goes_before_the_name_of_the_upload(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(b"x", filename="one.png")
        assert 'filename="one.png"' in (await on.ask("GET", f"download/{place}")).headers["content-disposition"]
        other = await on.ask("GET", f"download/{place}/%E8%8C%B6%22.png")
        assert other.headers["content-disposition"] == "inline; filename*=utf-8''%E8%8C%B6%22.png"
        assert (await on.ask("POST", "/_matrix/media/v3/upload", params={"filename": "x" * 1_025})).status_code == 400


@given(st.text())
def test_any_file_name_comes_back_from_the_header(name: str) -> None:
    name = name.encode(errors="replace").decode()
    header = content_disposition("image/png", name).decode("ascii")
    assert re.fullmatch(r"[\x20-\x7e]+", header)
    message = Message()
    message["content-disposition"] = header
    assert message.get_filename(failobj="").strip() == name.strip() or '"' not in header


@given(st.text())
def test_no_content_type_breaks_out_of_its_header(text: str) -> None:
    assert re.fullmatch(r"[\x20-\x7e\t]+/[\x20-\x7e\t]+", content_type(text))


def test_what_is_no_content_type_is_just_bytes() -> None:
    for text in (None, "", "png", "image/", "image/png\r\nx: y", "image/png; q", LONG):
        assert content_type(text) == "application/octet-stream"
    assert content_type(' audio/ogg; codecs="opus" ') == 'audio/ogg; codecs="opus"'


async def test_unknown_and_foreign_media_are_not_there(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        media_id = (await on.upload(b"x")).partition("/")[2]
        for place in (f"elsewhere.example/{media_id}", f"{SERVER}/nosuch", f"{SERVER}/..%2F..%2Fetc"):
            for path in (f"download/{place}", f"thumbnail/{place}?width=1&height=1"):
                answer = await on.ask("GET", path)
                assert (answer.status_code, answer.json()["errcode"]) == (404, "M_NOT_FOUND")


async def test_the_paths_without_a_token_give_nothing_away(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as on:
        place = await on.upload(b"x")
        for path in (f"download/{place}", f"download/{place}/name", f"thumbnail/{place}?width=1&height=1"):
            answer = await on.ask("GET", f"/_matrix/media/v3/{path}", None)
            assert (answer.status_code, answer.json()["errcode"]) == (404, "M_NOT_FOUND")
            assert (await on.ask("GET", f"/_matrix/media/v3/{path}", "nobody")).status_code == 404
        older = await on.ask("GET", f"/_matrix/media/v3/download/{place}")  # as bots written for these paths ask
        assert (older.status_code, older.content) == (200, b"x")
        assert (await on.ask("GET", "/_matrix/media/v3/config", None)).status_code == 401
        assert (await on.ask("GET", "/_matrix/media/v3/config")).status_code == 200
