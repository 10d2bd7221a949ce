"""Drafts and their hours: written, changed, scheduled, and published once, whatever the clock does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from teahouse.app import App
from teahouse.errors import StorageFull, Unavailable
from teahouse.posts import drafts, schedule
from tests.posts.studio import picture
from tests.public_accounts.newsroom import ACCOUNT, POST, POSTS, Account, newsroom, opened
from tests.world import Person, World

DRAFTS = f"{ACCOUNT}/drafts"
DRAFT = f"{DRAFTS}/{{draftId}}"
HOUR = f"{DRAFT}/schedule"
PUBLISH = f"{DRAFT}/publish"
STAFF = "/_teahouse/v1/accounts/{handle}/staff/{userId}"
HOUR_MS = 3_600_000


async def draft(person: Person, text: str = "Later.", due_in_ms: int = 0, handle: str = "daily", **content: Any) -> Any:
    due = person.world.clock.now_ms() + due_in_ms if due_in_ms else 0
    body = {"content": {"text": text, **content}, "due_ts": due}
    return await person.good("POST", DRAFTS, body, handle=handle)


async def listed(person: Person) -> list[Any]:
    return list((await person.good("GET", DRAFTS, handle="daily"))["drafts"])


async def texts(person: Person) -> list[str]:
    """What stands, oldest first."""
    posts = (await person.good("GET", POSTS, None, {"limit": 100}, handle="daily"))["posts"]
    return [post["content"]["text"] for post in reversed(posts)]


async def test_editors_share_drafts_and_see_who_began_and_who_changed_them(tea: World) -> None:
    account, editor = await newsroom(tea)
    stranger = await tea.person("stranger")
    await account.owner.good("PUT", STAFF, {"role": "editor"}, handle="daily", userId=editor.user_id)
    made = await draft(account.owner, "")
    assert (made["author"], made["due_ts"], made["failure"]) == (account.owner.user_id, 0, "")
    path = {"handle": "daily", "draftId": made["draft_id"]}
    changed = await editor.good("PUT", DRAFT, {"content": {"text": "Better."}}, **path)
    assert (changed["author"], changed["changed_by"]) == (account.owner.user_id, editor.user_id)
    assert [each["content"]["text"] for each in await listed(account.owner)] == ["Better."]
    for method, template in (("GET", DRAFTS), ("GET", DRAFT), ("DELETE", DRAFT), ("POST", PUBLISH)):
        refused = await stranger.ask(method, template, **path)
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN"), template
    published = await editor.good("POST", PUBLISH, {}, **path)
    assert (published["number"], await listed(editor)) == (1, [])
    # Written by who began it, whoever pressed the button; and asked again, the same post.
    assert (await account.post(1))["author"] == account.owner.user_id
    assert await editor.good("POST", PUBLISH, {}, **path) == published
    assert await texts(stranger) == ["Better."]


async def test_a_draft_that_is_asked_for_again_is_made_once(tea: World) -> None:
    account, editor = await newsroom(tea)
    await account.owner.good("PUT", STAFF, {"role": "editor"}, handle="daily", userId=editor.user_id)
    body = {"content": {"text": "Once."}, "txn_id": "t1"}

    async def ask(person: Person, body: Any = body) -> str:
        return str((await person.good("POST", DRAFTS, body, handle="daily"))["draft_id"])

    made = await asyncio.gather(*(ask(account.owner) for _ in range(5)))
    assert len({*made}) == 1
    await account.owner.good("PUT", DRAFT, {"content": {"text": "Better."}}, handle="daily", draftId=made[0])
    assert await ask(account.owner) == made[0]
    assert [each["content"]["text"] for each in await listed(account.owner)] == ["Better."]
    # Another person's, another device's, another id: other drafts.
    others = [await ask(editor), await ask(await account.owner.device("SECOND"))]
    others += [await ask(account.owner, body | {"txn_id": txn_id}) for txn_id in ("t2", "")]
    assert len({made[0], *others}) == 5
    await account.owner.good("POST", PUBLISH, {}, handle="daily", draftId=made[0])
    gone = await account.owner.ask("POST", DRAFTS, body, handle="daily")
    assert (gone.status, gone.errcode) == (404, "M_NOT_FOUND")
    assert len(await listed(account.owner)) == 4
    long = await account.owner.ask("POST", DRAFTS, body | {"txn_id": "x" * 300}, handle="daily")
    assert (long.status, long.errcode) == (400, "M_INVALID_PARAM")
    tea.clock.pass_ms(drafts.RETRIES_MS)
    await ask(account.owner, body | {"txn_id": "t3"})
    assert len(await tea.database.fetch("SELECT * FROM draft_txns")) == 1  # what nobody retries any more is forgotten


async def test_a_draft_of_another_account_is_not_found(tea: World) -> None:
    account, _ = await newsroom(tea)
    other = await opened(await tea.person("other"), "weekly")
    made = await draft(account.owner)
    path = {"handle": "weekly", "draftId": made["draft_id"]}
    for method, template, body in (("GET", DRAFT, None), ("PUT", DRAFT, {"content": {"text": "x"}}),
                                   ("DELETE", DRAFT, None), ("POST", PUBLISH, {})):  # fmt: skip
        refused = await other.owner.ask(method, template, body, **path)
        assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND"), method
    assert len(await listed(account.owner)) == 1


async def test_a_deleted_draft_is_gone_and_a_page_holds_so_many(tea: World) -> None:
    account, _ = await newsroom(tea)
    made = [await draft(account.owner, str(number)) for number in range(5)]
    await account.owner.good("DELETE", DRAFT, handle="daily", draftId=made[2]["draft_id"])
    gone = await account.owner.ask("DELETE", DRAFT, handle="daily", draftId=made[2]["draft_id"])
    assert (gone.status, gone.errcode) == (404, "M_NOT_FOUND")
    first = await account.owner.good("GET", DRAFTS, None, {"limit": 2}, handle="daily")
    rest = await account.owner.good("GET", DRAFTS, None, {"from": first["next_batch"]}, handle="daily")
    found = [*first["drafts"], *rest["drafts"]]
    assert [each["content"]["text"] for each in found] == ["4", "3", "1", "0"]


async def test_an_account_keeps_only_so_many_drafts(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_MAX", 2)
    account, _ = await newsroom(tea)
    for _ in range(2):
        await draft(account.owner)
    refused = await account.owner.ask("POST", DRAFTS, {"content": {"text": "x"}}, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert len(await listed(account.owner)) == 2


async def test_an_hour_lies_ahead_but_not_too_far(tea: World) -> None:
    account, _ = await newsroom(tea)
    for due_ts in (1, tea.clock.now_ms(), tea.clock.now_ms() + drafts.AHEAD_MAX_MS + 1):
        refused = await account.owner.ask("POST", DRAFTS, {"content": {"text": "x"}, "due_ts": due_ts}, handle="daily")
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), due_ts
    for due_ts in (-1, 2**63, "soon", 1.5):
        refused = await account.owner.ask("POST", DRAFTS, {"content": {"text": "x"}, "due_ts": due_ts}, handle="daily")
        assert (refused.status, refused.errcode) == (400, "M_BAD_JSON"), due_ts
    made = await draft(account.owner, due_in_ms=drafts.AHEAD_MAX_MS)
    assert made["due_ts"] == tea.clock.now_ms() + drafts.AHEAD_MAX_MS


async def test_what_is_to_publish_itself_must_be_ready_while_somebody_looks(tea: World) -> None:
    account, reader = await newsroom(tea)
    theirs = await picture(reader)
    for content in ({"text": ""}, {"text": "x", "media": [theirs]}, {"repost": {"account": "daily", "number": 7}}):
        due = tea.clock.now_ms() + HOUR_MS
        refused = await account.owner.ask("POST", DRAFTS, {"content": content, "due_ts": due}, handle="daily")
        assert refused.status in (400, 404), content
        unready = await account.owner.good("POST", DRAFTS, {"content": content}, handle="daily")
        path = {"handle": "daily", "draftId": unready["draft_id"]}
        assert (await account.owner.ask("PUT", HOUR, {"due_ts": due}, **path)).status in (400, 404), content


async def test_a_scheduled_post_comes_at_its_hour_and_not_before(tea: World) -> None:
    account, reader = await newsroom(tea)
    await draft(account.owner, "at one", HOUR_MS)
    moved = await draft(account.owner, "moved", HOUR_MS)
    stopped = await draft(account.owner, "stopped", HOUR_MS)
    path = {"handle": "daily"}
    due = {"due_ts": tea.clock.now_ms() + 2 * HOUR_MS}
    await account.owner.good("PUT", HOUR, due, draftId=moved["draft_id"], **path)
    off = await account.owner.good("DELETE", HOUR, draftId=stopped["draft_id"], **path)
    assert off["due_ts"] == 0
    tea.clock.pass_ms(HOUR_MS - 1)
    assert await tea.app.schedule.publish_due() == 0
    tea.clock.pass_ms(1)
    assert await tea.app.schedule.publish_due() == 1
    assert await texts(reader) == ["at one"]
    tea.clock.pass_ms(HOUR_MS)
    assert await tea.app.schedule.publish_due() == 1
    tea.clock.pass_ms(10 * HOUR_MS)
    assert await tea.app.schedule.publish_due() == 0
    assert await texts(reader) == ["at one", "moved"]
    assert [each["content"]["text"] for each in await listed(account.owner)] == ["stopped"]


async def test_what_was_due_while_the_server_was_down_comes_at_its_start(tea: World) -> None:
    account, reader = await newsroom(tea)
    await draft(account.owner, "second", 2 * HOUR_MS)
    await draft(account.owner, "first", HOUR_MS)
    await draft(account.owner, "tomorrow", 24 * HOUR_MS)
    tea.clock.pass_ms(3 * HOUR_MS)
    await tea.restart()
    async with asyncio.timeout(20):
        while len(await texts(reader)) < 2:
            await asyncio.sleep(0)
    assert await texts(reader) == ["first", "second"]
    assert [each["content"]["text"] for each in await listed(account.owner)] == ["tomorrow"]


async def test_the_running_server_notices_when_the_clock_is_set(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LOOK_EVERY_S", 0.0)
    await tea.restart()
    account, reader = await newsroom(tea)
    await draft(account.owner, "in a year", drafts.AHEAD_MAX_MS)
    await draft(account.owner, "in an hour", HOUR_MS)
    tea.clock.pass_ms(-48 * HOUR_MS)  # set back: nothing comes, and nothing comes twice
    for _ in range(200):
        await asyncio.sleep(0)
    assert await texts(reader) == []
    tea.clock.pass_ms(drafts.AHEAD_MAX_MS + 49 * HOUR_MS)
    async with asyncio.timeout(20):
        while len(await texts(reader)) < 2:
            await asyncio.sleep(0)
    tea.clock.pass_ms(-drafts.AHEAD_MAX_MS)
    for _ in range(200):
        await asyncio.sleep(0)
    assert await texts(reader) == ["in an hour", "in a year"]


async def test_a_draft_is_published_once_however_many_try(tea: World) -> None:
    account, reader = await newsroom(tea)
    made = [await draft(account.owner, str(number), HOUR_MS) for number in range(4)]
    tea.clock.pass_ms(HOUR_MS)
    path = {"handle": "daily"}
    tries = [
        *(tea.app.schedule.publish_due() for _ in range(3)),
        *(account.owner.ask("POST", PUBLISH, {}, draftId=each["draft_id"], **path) for each in made * 3),
    ]
    await asyncio.gather(*tries)
    assert sorted(await texts(reader)) == ["0", "1", "2", "3"]
    assert await listed(account.owner) == []
    assert (await reader.good("GET", ACCOUNT, handle="daily"))["posts"] == 4
    for each in made:
        await account.owner.good("POST", PUBLISH, {}, draftId=each["draft_id"], **path)
    assert len(await texts(reader)) == 4


async def test_a_draft_that_was_changed_while_it_was_published_is_not_lost(tea: World) -> None:
    account, reader = await newsroom(tea)
    made = await draft(account.owner, "old words", HOUR_MS)
    tea.clock.pass_ms(HOUR_MS)
    [due] = await tea.app.schedule.drafts.due(tea.clock.now_ms(), 10)
    publisher = await tea.app.public_accounts.publisher(due.account_no)
    assert publisher is not None
    publishing = asyncio.create_task(tea.app.schedule.drafts.publish(publisher, due.draft_no))
    path = {"handle": "daily", "draftId": made["draft_id"]}
    change = await account.owner.ask("PUT", DRAFT, {"content": {"text": "new words"}}, **path)
    await asyncio.wait({publishing})
    standing = await texts(reader)
    kept = [each["content"]["text"] for each in await listed(account.owner)]
    assert sorted([*standing, *kept]) in (["new words"], ["old words"])
    assert (change.status == 200) == ("new words" in [*standing, *kept])


async def unpublished(account: Account) -> tuple[str, str]:
    """The one draft left: what it says, and why it was not published."""
    [left] = await listed(account.owner)
    return left["content"]["text"], left["failure"]


async def test_a_post_that_cannot_be_published_stays_a_draft_that_says_why(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await opened(await tea.person("other"), "weekly")
    await other.publish("original")
    made = await draft(account.owner, "carried", HOUR_MS, repost={"account": "weekly", "number": 1})
    await draft(account.owner, "and this", HOUR_MS)
    await other.owner.good("DELETE", POST, handle="weekly", number="1")
    tea.clock.pass_ms(HOUR_MS)
    assert await tea.app.schedule.publish_due() == 1
    assert await texts(reader) == ["and this"]
    assert await unpublished(account) == ("carried", "This post was deleted by its owner.")
    tea.clock.pass_ms(HOUR_MS)
    assert await tea.app.schedule.publish_due() == 0  # it waits for somebody
    body = {"content": {"text": "on its own"}}
    mended = await account.owner.good("PUT", DRAFT, body, handle="daily", draftId=made["draft_id"])
    assert (mended["failure"], mended["due_ts"]) == ("", 0)
    due = {"due_ts": tea.clock.now_ms() + HOUR_MS}
    await account.owner.good("PUT", HOUR, due, handle="daily", draftId=made["draft_id"])
    tea.clock.pass_ms(HOUR_MS)
    assert await tea.app.schedule.publish_due() == 1
    assert await texts(reader) == ["and this", "on its own"]


async def test_a_mistake_of_the_server_keeps_no_other_post_back(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    account, reader = await newsroom(tea)
    for text in ("bad", "good"):
        await draft(account.owner, text, HOUR_MS)
    tea.clock.pass_ms(HOUR_MS)
    publish = tea.app.posts.publish

    async def mistaken(publisher: Any, author_no: int, content: Any, *more: Any) -> Any:
        if content.text == "bad":
            raise ZeroDivisionError
        return await publish(publisher, author_no, content, *more)

    monkeypatch.setattr(tea.app.posts, "publish", mistaken)
    assert await tea.app.schedule.publish_due() == 1
    assert await texts(reader) == ["good"]
    assert await unpublished(account) == ("bad", schedule.BROKEN)


@asynccontextmanager
async def failing(app: App, error: Exception, *, kept: bool) -> AsyncIterator[None]:
    """Every transaction fails while this lasts: it wrote nothing, or it wrote and nobody was told."""
    transaction = app.database.transaction

    @asynccontextmanager
    async def failed() -> AsyncIterator[Any]:
        async with transaction() as tx:
            yield tx
            if not kept:
                raise error
        raise error

    app.database.transaction = failed  # type: ignore[method-assign]
    try:
        yield
    finally:
        app.database.transaction = transaction  # type: ignore[method-assign]


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("error", [StorageFull("full"), Unavailable("unknown")])
async def test_a_failed_commit_neither_loses_nor_doubles_a_post(tea: World, error: Exception, kept: bool) -> None:
    account, reader = await newsroom(tea)
    for number in range(3):
        await draft(account.owner, str(number), HOUR_MS)
    tea.clock.pass_ms(HOUR_MS)
    async with failing(tea.app, error, kept=kept):
        assert kept or await tea.app.schedule.publish_due() == 0
        await tea.app.schedule.publish_due()
    # What is in memory may be behind what is on the disk: a server stops then, and starts again.
    await tea.restart()
    await tea.app.schedule.publish_due()
    async with asyncio.timeout(20):
        while await listed(account.owner):
            await asyncio.sleep(0)
    assert sorted(await texts(reader)) == ["0", "1", "2"]
    numbers = [post["number"] for post in (await reader.good("GET", POSTS, handle="daily"))["posts"]]
    assert sorted(numbers) == [1, 2, 3]


async def test_waiting_asks_the_database_nothing_and_looking_costs_the_same_however_much_waits(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LOOK_EVERY_S", 0.0)
    await tea.restart()
    account, _ = await newsroom(tea)
    for number in range(30):
        await draft(account.owner, str(number), HOUR_MS + number)
    before = tea.counted.cost
    for _ in range(200):
        await asyncio.sleep(0)
    assert (tea.counted.cost - before).statements == 0
    assert await tea.app.schedule.publish_due() == 0
    cost = tea.counted.cost - before
    assert (cost.statements, cost.rows, cost.commits) == (2, 1, 0)
