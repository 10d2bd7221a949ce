"""What answers by itself: which words, how often, and never to itself; canned answers; the welcome."""

import asyncio
from typing import Any

import pytest

from teahouse.errors import InvalidParam
from teahouse.sidechats.keywords import checked_keywords, matching, text_of
from teahouse.sidechats.types import Rule
from tests.public_accounts.newsroom import ACCOUNT, newsroom
from tests.public_accounts.newsroom import opened as open_account
from tests.sidechats.desk import desk, errands_run, opened, said
from tests.world import Person, World

RULES = f"{ACCOUNT}/chat_rules"
CANNED = f"{ACCOUNT}/canned_answers"
WELCOME = f"{ACCOUNT}/welcome"


async def answered(tea: World, reader: Person, room_id: str) -> list[str]:
    """Every reply by a rule, once none waits."""
    await errands_run(tea)
    events = (await reader.sync())["rooms"]["join"][room_id]["timeline"]["events"]
    notices = [event for event in events if event["content"].get("msgtype") == "m.notice"]
    return [event["content"]["body"] for event in notices if event["sender"] != reader.user_id][1:]


@pytest.mark.parametrize(
    ("text", "word", "whole", "speaks"),
    [
        ("When do you OPEN?", "open", True, True),
        ("I reopened it", "open", True, False),
        ("I reopened it", "open", False, True),
        ("STRASSE", "straße", True, True),
        ("c++ or rust?", "c++", True, True),
        ("你们几点开门", "开门", False, True),
        ("nothing", "open", False, False),
    ],
)
def test_keywords_match_words_or_parts_capitals_aside(text: str, word: str, whole: bool, speaks: bool) -> None:
    rule = Rule(1, checked_keywords([word]), whole, "reply")
    assert (matching([rule], text) is rule) is speaks


def test_the_first_rule_that_matches_answers() -> None:
    rules = [Rule(1, ("tea",), True, "one"), Rule(2, ("tea", "milk"), True, "two")]
    assert [rule and rule.rule_no for rule in (matching(rules, t) for t in ("tea", "milk", "tea milk", "-"))] == [
        1, 2, 1, None,
    ]  # fmt: skip


@pytest.mark.parametrize("words", [[], [""], [" "], ["x"] + [str(n) for n in range(20)]])
def test_rules_without_sensible_words_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidParam):
        checked_keywords(words)


@pytest.mark.parametrize(
    "content", [{"msgtype": "m.notice", "body": "tea"}, {"msgtype": "m.text"}, {"msgtype": "m.text", "body": 1},
                {"msgtype": "m.text", "body": "tea", "m.relates_to": {"rel_type": "m.replace"}}]
)  # fmt: skip
def test_notices_edits_and_nonsense_are_not_read(content: dict[str, Any]) -> None:
    assert text_of("m.room.message", content) == ""


async def test_a_rule_answers_once_an_hour_in_each_chat(tea: World) -> None:
    work, reader = await desk(tea)
    other = await tea.person("other")
    body = {"keywords": ["Open", "hours"], "reply": "From nine to five."}
    await work.owner.good("POST", RULES, body, handle="daily")
    room_id, others = await opened(reader), await opened(other)
    await reader.say(room_id, "When do you open?")
    await reader.say(room_id, "Hello? Your HOURS please.")
    await other.say(others, "hours?")
    assert await answered(tea, reader, room_id) == ["From nine to five."]
    assert await answered(tea, other, others) == ["From nine to five."]
    assert len(await work.listed("waiting")) == 2  # no person has answered yet
    await tea.restart()
    await reader.say(room_id, "open?")
    assert len(await answered(tea, reader, room_id)) == 1
    tea.clock.pass_ms(3_600_000)
    await reader.say(room_id, "open?")
    assert len(await answered(tea, reader, room_id)) == 2


async def test_what_the_account_says_is_never_answered_by_a_rule(tea: World) -> None:
    work, reader = await desk(tea)
    await work.owner.good("POST", RULES, {"keywords": ["tea"], "reply": "tea tea tea"}, handle="daily")
    room_id = await opened(reader)
    await reader.send(room_id, "m.room.message", {"msgtype": "m.notice", "body": "tea"})
    assert await work.listed("waiting") == []
    await reader.say(room_id, "hello")
    await work.answer(work.owner, room_id, "Have some tea.")
    assert await answered(tea, reader, room_id) == []


async def test_a_reply_that_a_stopped_server_owed_is_given_once(tea: World) -> None:
    work, reader = await desk(tea)
    await work.owner.good("POST", RULES, {"keywords": ["tea"], "reply": "Here."}, handle="daily")
    room_id = await opened(reader)

    async def never() -> None:
        await asyncio.Event().wait()

    tea.alter = lambda app: setattr(app.desk.errands, "run_waiting", never)
    await tea.restart()
    await reader.say(room_id, "tea?")
    tea.alter = None
    for _ in range(2):
        await tea.restart()
        assert await answered(tea, reader, room_id) == ["Here."]


async def test_rules_are_kept_changed_and_dropped(tea: World) -> None:
    work, _ = await desk(tea)
    made = await work.editor.good(
        "POST", RULES, {"keywords": ["A", "a"], "reply": "b", "match": "contains"}, handle="daily"
    )
    path = {"handle": "daily", "ruleId": made["id"]}
    [rule] = (await work.owner.good("GET", RULES, handle="daily"))["rules"]
    assert rule == {"rule_id": made["id"], "keywords": ["a"], "reply": "b", "match": "contains"}
    await work.owner.good("PUT", f"{RULES}/{{ruleId}}", {"keywords": ["c"], "reply": "d"}, **path)
    [rule] = (await work.owner.good("GET", RULES, handle="daily"))["rules"]
    assert (rule["keywords"], rule["match"]) == (["c"], "word")
    rival = await tea.person("boss")
    await open_account(rival, "rival")
    stolen = await rival.ask("DELETE", f"{RULES}/{{ruleId}}", handle="rival", ruleId=made["id"])
    assert stolen.status == 404
    await work.owner.good("DELETE", f"{RULES}/{{ruleId}}", **path)
    assert (await work.owner.good("GET", RULES, handle="daily"))["rules"] == []
    for rule_id, status in (("0", 400), ("x", 400), ("9" * 30, 400), ("12", 404)):
        gone = await work.owner.ask("DELETE", f"{RULES}/{{ruleId}}", handle="daily", ruleId=rule_id)
        assert gone.status == status


@pytest.mark.parametrize(
    ("template", "body", "listed"),
    [
        (RULES, {"keywords": ["x"], "reply": "y"}, "rules"),
        (CANNED, {"name": "x", "answer": "y"}, "canned_answers"),
    ],
)
async def test_an_account_keeps_fifty_and_no_more(tea: World, template: str, body: Any, listed: str) -> None:
    account, _ = await newsroom(tea)
    for _ in range(50):
        await account.owner.good("POST", template, body, handle="daily")
    refused = await account.owner.ask("POST", template, body, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert len((await account.owner.good("GET", template, handle="daily"))[listed]) == 50


async def test_canned_answers_are_kept_changed_and_dropped(tea: World) -> None:
    work, _ = await desk(tea)
    made = await work.owner.good("POST", CANNED, {"name": "Hours", "answer": "Nine."}, handle="daily")
    path = {"handle": "daily", "cannedId": made["id"]}
    await work.editor.good("PUT", f"{CANNED}/{{cannedId}}", {"name": "Hours", "answer": "Ten."}, **path)
    kept = (await work.owner.good("GET", CANNED, handle="daily"))["canned_answers"]
    assert kept == [{"canned_id": made["id"], "name": "Hours", "answer": "Ten."}]
    for body, status in (
        ({"name": "", "answer": "x"}, 400), ({"name": "x", "answer": " "}, 400), ({"name": "x"}, 400),
        ({"name": "x" * 61, "answer": "x"}, 413),
    ):  # fmt: skip
        assert (await work.owner.ask("POST", CANNED, body, handle="daily")).status == status
    await work.owner.good("DELETE", f"{CANNED}/{{cannedId}}", **path)
    assert (await work.owner.ask("PUT", f"{CANNED}/{{cannedId}}", {"name": "x", "answer": "y"}, **path)).status == 404


async def test_the_welcome_is_a_pinned_post_of_the_channel(tea: World) -> None:
    work, reader = await desk(tea)
    first = await work.owner.good("PUT", WELCOME, {"text": "Welcome to the Leaf."}, handle="daily")
    assert await work.owner.good("PUT", WELCOME, {"text": "Welcome to the Leaf."}, handle="daily") == first
    await work.editor.good("PUT", WELCOME, {"text": "Welcome, friends."}, handle="daily")
    await reader.join(work.account.room_id)
    shown = (await reader.sync())["rooms"]["join"]
    assert list(shown) == [work.account.room_id]
    post = await work.account.post(first["number"])
    assert post["content"]["text"] == "Welcome, friends."
    pinned = await reader.good("GET", "/rooms/{roomId}/state/m.room.pinned_events", roomId=work.account.room_id)
    assert pinned == {"pinned": [post["event_id"]]}
    await work.owner.good("DELETE", WELCOME, handle="daily")
    pinned = await reader.good("GET", "/rooms/{roomId}/state/m.room.pinned_events", roomId=work.account.room_id)
    assert pinned == {"pinned": []}
    assert (await work.owner.ask("DELETE", WELCOME, handle="daily")).status == 404
    assert (await reader.ask("PUT", WELCOME, {"text": "Mine."}, handle="daily")).status == 403
    assert said(await reader.sync(), work.account.room_id)[-1][1] != "Mine."
