"""A day's posts are counted where they are published, so that no flood passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from teahouse.db import Transaction
from teahouse.eventlog.types import StoredEvent
from teahouse.posts.types import PostContent
from teahouse.public_accounts.accounts import publisher
from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import ACCOUNT, POST, POSTS, newsroom, opened
from tests.world import World, world

QUOTAS = "/_teahouse/v1/quotas"
DRAFTS = f"{ACCOUNT}/drafts"
DAY_MS = 86_400_000


@pytest.fixture
async def few(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server whose accounts publish little."""
    quotas = {"public_accounts__media_posts_per_day": 3, "public_accounts__person_posts_per_day": 2}
    async with world(place, tmp_path / "data", clock, **quotas) as made:
        yield made


async def test_a_flood_at_once_publishes_as_much_as_is_allowed(few: World) -> None:
    account, _ = await newsroom(few)
    body = {"content": {"text": "again"}}
    answers = await asyncio.gather(*(account.owner.ask("POST", POSTS, body, handle="daily") for _ in range(12)))
    published = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(published) <= 3
    assert len(published) + len(refused) + sum(answer.status == 409 for answer in answers) == 12
    rows = await few.database.fetch("SELECT number FROM posts ORDER BY number")
    assert len(rows) == len(published)
    assert refused


async def test_a_refusal_says_when_and_that_is_true(few: World) -> None:
    account, _ = await newsroom(few)
    for text in ("one", "two", "three"):
        await account.publish(text)
        few.clock.pass_ms(1_000)
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    refused = await account.owner.ask("POST", POSTS, {"content": {"text": "four"}}, handle="daily")
    assert (refused.status, refused.errcode) == (429, "M_LIMIT_EXCEEDED")
    assert refused.json["retry_after_ms"] == DAY_MS - 3_000
    assert "3 posts in 24 hours" in refused.json["error"]
    assert "UTC" in refused.json["error"]
    few.clock.pass_ms(DAY_MS - 3_000 - 1)
    assert (await account.owner.ask("POST", POSTS, {"content": {"text": "4"}}, handle="daily")).status == 429
    few.clock.pass_ms(1)
    assert (await account.publish("four"))["number"] == 4
    assert (await account.owner.ask("POST", POSTS, {"content": {"text": "5"}}, handle="daily")).status == 429


async def test_reposts_articles_and_messages_of_stock_clients_count(few: World) -> None:
    account, reader = await newsroom(few)
    await account.publish("original")
    name = reader.user_id[1:].partition(":")[0]
    own = await opened(reader, name, "person", name="Reader")
    await own.publish("", repost={"account": "daily", "number": 1})
    await reader.say(own.room_id, "from a stock client")
    template = "/rooms/{roomId}/send/m.room.message/{txnId}"
    refused = await reader.ask("PUT", template, {"msgtype": "m.text", "body": "x"}, roomId=own.room_id, txnId="x")
    assert (refused.status, refused.errcode) == (429, "M_LIMIT_EXCEEDED")
    article = {"content": {"article": {"title": "Long", "html": "<p>words</p>"}}}
    assert (await reader.ask("POST", POSTS, article, handle=name)).status == 429
    assert (await account.publish("others go on"))["number"] == 2


async def test_a_draft_whose_hour_comes_after_the_days_last_post_stays_and_says_why(few: World) -> None:
    account, _ = await newsroom(few)
    due = {"content": {"text": "due"}, "due_ts": few.clock.now_ms() + 1_000}
    kept = (await account.owner.good("POST", DRAFTS, due, handle="daily"))["draft_id"]
    for text in ("one", "two", "three"):
        await account.publish(text)
    path = {"handle": "daily", "draftId": kept}
    refused = await account.owner.ask("POST", f"{DRAFTS}/{{draftId}}/publish", {}, **path)
    assert (refused.status, refused.errcode) == (429, "M_LIMIT_EXCEEDED")
    few.clock.pass_ms(1_000)
    await few.app.schedule.publish_due()
    draft = await account.owner.good("GET", f"{DRAFTS}/{{draftId}}", **path)
    assert "3 posts in 24 hours" in draft["failure"]
    assert draft["content"]["text"] == "due"
    few.clock.pass_ms(DAY_MS)
    assert (await account.owner.good("POST", f"{DRAFTS}/{{draftId}}/publish", {}, **path))["number"] == 4
    assert (await account.owner.good("GET", DRAFTS, handle="daily"))["drafts"] == []


async def test_what_was_published_elsewhere_before_neither_counts_nor_is_held_up(few: World) -> None:
    account, _ = await newsroom(few)
    signs = publisher(await few.app.public_accounts.require("daily"))

    async def nothing(tx: Transaction, events: Sequence[StoredEvent]) -> None:
        pass

    async def take_over(text: str) -> None:
        old = PostContent(text)
        await few.app.posts.publish_imported(signs, account.owner.user_no, old, 1_600_000_000_000, nothing)

    for year in range(6):
        await take_over(f"Of {year}.")
    for text in ("one", "two", "three"):
        await account.publish(text)
    assert (await account.owner.ask("POST", POSTS, {"content": {"text": "4"}}, handle="daily")).status == 429
    await take_over("Older.")
    assert (await account.owner.ask("POST", POSTS, {"content": {"text": "4"}}, handle="daily")).status == 429


async def test_quotas_are_published(few: World) -> None:
    answer = await few.ask(None, "GET", QUOTAS)
    assert answer.status == 200
    quotas = {each["kind"]: each["posts_per_day"] for each in answer.json["quotas"]}
    assert quotas == {"person": 2, "company": 100, "media": 3, "government": 100, "organisation": 100}
