"""Topics: declared by an account, carried by posts, chosen by followers; staff learn counts, never people."""

import asyncio
from typing import Any

import pytest

from teahouse.posts import topics as module
from teahouse.posts.topics import Choice
from teahouse.public_accounts import topic_ends
from tests.public_accounts.newsroom import ACCOUNT, FOLLOW, POST, POSTS, Account, newsroom
from tests.world import Person, World

TOPICS = f"{ACCOUNT}/topics"
TOPIC = f"{TOPICS}/{{place}}"
CHOICE = f"{ACCOUNT}/follow/topics"
DAILY = {"handle": "daily"}


async def declare(account: Account, *names: str) -> list[int]:
    return [(await account.owner.good("POST", TOPICS, {"name": name}, **DAILY))["place"] for name in names]


async def unread(person: Person, account: Account) -> int:
    room = (await person.sync())["rooms"]["join"][account.room_id]
    return int(room["unread_notifications"]["notification_count"])


async def chosen(tea: World, person: Person) -> Choice:
    account = await tea.app.public_accounts.require("daily")
    return await tea.app.topics.topics_of(person.user_no, account.account_no)


async def told(account: Account) -> list[tuple[str, str, str]]:
    listed = (await account.owner.good("GET", TOPICS, **DAILY))["topics"]
    return [(each["name"], each["alerts"], each["shown"]) for each in listed]


async def test_posts_carry_declared_topics_and_stand_everywhere(tea: World) -> None:
    account, reader = await newsroom(tea)
    green, black = await declare(account, " Green  tea ", "Black tea")
    listed = (await reader.good("GET", TOPICS, **DAILY))["topics"]
    assert listed == [{"place": green, "name": "Green tea"}, {"place": black, "name": "Black tea"}]
    post = await account.publish("Both.", topics=[black, green, black])
    assert post["content"]["topics"] == [green, black]
    unknown = await account.owner.ask("POST", POSTS, {"content": {"text": "x", "topics": [7]}}, **DAILY)
    assert (unknown.status, unknown.errcode) == (400, "M_INVALID_PARAM")
    await reader.join(account.room_id)
    await reader.good("PUT", CHOICE, {"shown": [green]}, **DAILY)
    await account.publish("Of no topic.")
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 2}, roomId=account.room_id)
    assert [event["content"]["body"] for event in page["chunk"]] == ["Of no topic.", "Both."]
    assert page["chunk"][1]["content"]["io.teahouse.post"]["topics"] == [green, black]
    rows = await tea.database.fetch("SELECT topics FROM posts ORDER BY number")
    assert [row[0] for row in rows] == [0b11, 0]


async def test_a_follower_chooses_of_which_topics_posts_alert(tea: World) -> None:
    account, reader = await newsroom(tea)
    green, black = await declare(account, "Green", "Black")
    await reader.good("PUT", FOLLOW, {"alerts": True}, **DAILY)
    await reader.good("PUT", CHOICE, {"alerts": [black]}, **DAILY)
    assert await reader.good("GET", CHOICE, **DAILY) == {"alerts": [black], "shown": []}
    await account.publish("Green.", topics=[green])
    await account.publish("Of no topic.")
    assert await unread(reader, account) == 0
    await account.publish("Black.", topics=[black])
    assert await unread(reader, account) == 1
    body = {"content": {"text": "Blacker.", "topics": [black]}}
    await account.owner.good("PUT", POST, body, handle="daily", number="3")
    assert await unread(reader, account) == 1  # an edit is no news
    await reader.good("PUT", FOLLOW, {"alerts": False}, **DAILY)
    assert await unread(reader, account) == 0
    await reader.good("PUT", FOLLOW, {"alerts": True}, **DAILY)
    assert await unread(reader, account) == 1
    await reader.good("PUT", CHOICE, {}, **DAILY)
    assert await unread(reader, account) == 3
    await reader.good("DELETE", FOLLOW, **DAILY)
    rules = await reader.good("GET", "/pushrules/global/")
    own = [rule for kind in rules.values() for rule in kind if not rule["default"]]
    assert own == []


async def test_staff_learn_how_many_chose_a_topic_and_of_a_few_not_even_that(tea: World) -> None:
    account, reader = await newsroom(tea)
    green, black = await declare(account, "Green", "Black")
    people = [reader, *[await tea.person(f"p{number}") for number in range(4)]]
    assert await told(account) == [("Green", "0", "0"), ("Black", "0", "0")]
    for number, person in enumerate(people, 1):
        await person.good("PUT", FOLLOW, {}, **DAILY)
        for _ in range(2):  # choosing again counts once
            await person.good("PUT", CHOICE, {"shown": [green, black] if person is reader else [green]}, **DAILY)
        assert (await told(account))[0] == ("Green", "0", "5" if number == 5 else "<5")
    assert (await told(account))[1] == ("Black", "0", "<5")
    assert "alerts" not in (await reader.good("GET", TOPICS, **DAILY))["topics"][0]
    await reader.good("PUT", CHOICE, {"alerts": [green], "shown": [black]}, **DAILY)
    assert await told(account) == [("Green", "<5", "<5"), ("Black", "0", "<5")]
    for person in people:
        await person.good("DELETE", FOLLOW, **DAILY)
    assert await told(account) == [("Green", "0", "0"), ("Black", "0", "0")]
    assert (await tea.database.fetch("SELECT count(*) FROM topic_choices"))[0][0] == 0
    await reader.good("PUT", FOLLOW, {}, **DAILY)
    assert await chosen(tea, reader) == Choice()


async def test_a_topic_that_was_taken_back_counts_no_more(tea: World) -> None:
    account, reader = await newsroom(tea)
    green, black = await declare(account, "Green", "Black")
    await account.publish("Green.", topics=[green])
    await reader.good("PUT", FOLLOW, {}, **DAILY)
    await reader.good("PUT", CHOICE, {"shown": [green]}, **DAILY)
    assert await chosen(tea, reader) == Choice(0, 1 << green)
    await account.owner.good("DELETE", TOPIC, handle="daily", place=str(green))
    assert await chosen(tea, reader) == Choice()  # who chose nothing else gets everything again
    assert dict(await tea.app.topics.choices(reader.user_no)) == {}
    assert (await account.post(1))["content"]["topics"] == [green]
    [again] = await declare(account, "Green")
    assert again not in (green, black)  # a place is never used twice: posts keep their meaning
    gone = await account.owner.ask("DELETE", TOPIC, handle="daily", place=str(green))
    assert (gone.status, gone.errcode) == (404, "M_NOT_FOUND")


async def changed(tea: World) -> None:
    """Wait until the choices of all followers were changed for topics that were taken back."""
    async with asyncio.timeout(20):
        while await tea.database.fetch_one("SELECT 1 FROM topic_ends"):
            await asyncio.sleep(0)


async def test_who_was_alerted_of_a_topic_alone_is_alerted_of_everything_once_it_is_taken_back(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_ends, "CHOICES_AT_ONCE", 2)
    account, reader = await newsroom(tea)
    green, black = await declare(account, "Green", "Black")
    people = {name: await tea.person(name) for name in ("both", "feed", "silent", "own")}
    wanted = {"both": [green, black], "feed": [], "silent": [green], "own": [green]}
    for name, person in [("reader", reader), *people.items()]:
        await person.good("PUT", FOLLOW, {"alerts": name not in ("feed", "silent")}, **DAILY)
        choice = {"alerts": wanted.get(name, [green]), "shown": [green] if name == "feed" else []}
        await person.good("PUT", CHOICE, choice, **DAILY)
    rules = (await people["own"].good("GET", "/pushrules/global/"))["underride"]
    [rule_id] = [rule["rule_id"] for rule in rules if not rule["default"]]
    await people["own"].good("DELETE", "/pushrules/global/underride/{ruleId}", ruleId=rule_id)
    await account.owner.good("DELETE", TOPIC, handle="daily", place=str(green))
    await tea.restart()  # what is left to change goes on being changed
    await changed(tea)
    await account.publish("Of no topic.")
    await account.publish("Black.", topics=[black])
    alerted = {name: await unread(person, account) for name, person in people.items()}
    # Who took the rule away in their client keeps it so, and who wanted no alerts gets none.
    assert alerted == {"both": 1, "feed": 0, "silent": 0, "own": 0}
    assert await unread(reader, account) == 2
    assert await reader.good("GET", CHOICE, **DAILY) == {"alerts": [], "shown": []}
    rows = await tea.database.fetch("SELECT user_no, alerts, shown FROM topic_choices")
    assert rows == [(people["both"].user_no, 1 << black, 0)]
    await reader.good("PUT", FOLLOW, {"alerts": False}, **DAILY)
    assert await unread(reader, account) == 0


async def test_choices_of_all_accounts_are_read_at_once(tea: World) -> None:
    account, reader = await newsroom(tea)
    green, black = await declare(account, "Green", "Black")
    await reader.good("PUT", FOLLOW, {}, **DAILY)
    await reader.good("PUT", CHOICE, {"alerts": [green], "shown": [green, black]}, **DAILY)
    number = (await tea.app.public_accounts.require("daily")).account_no
    before = tea.counted.cost
    assert dict(await tea.app.topics.choices(reader.user_no)) == {number: Choice(1 << green, 1 << green | 1 << black)}
    assert (tea.counted.cost - before).statements == 2


async def test_topics_have_limits_and_names_of_their_own(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    account, reader = await newsroom(tea)
    [green] = await declare(account, "Green")

    async def refused(body: Any, method: str = "POST", template: str = TOPICS, **path: str) -> tuple[int, str | None]:
        answer = await account.owner.ask(method, template, body, **{**DAILY, **path})
        return answer.status, answer.errcode

    assert (await refused({"name": "GREEN"}))[0] == 409
    assert await refused({"name": " \u2066 "}) == (400, "M_INVALID_PARAM")
    assert await refused({"name": "x" * 41}) == (413, "M_TOO_LARGE")
    assert await refused({"name": "x"}, "PUT", TOPIC, place="60") == (400, "M_INVALID_PARAM")
    assert await refused({"name": "x"}, "PUT", TOPIC, place="5") == (404, "M_NOT_FOUND")
    assert (await reader.ask("POST", TOPICS, {"name": "Mine"}, **DAILY)).status == 403
    unfollowed = await reader.ask("PUT", CHOICE, {"shown": [green]}, **DAILY)
    assert (unfollowed.status, unfollowed.errcode) == (403, "M_FORBIDDEN")
    await reader.good("PUT", FOLLOW, {}, **DAILY)
    for body in ({"shown": [59]}, {"alerts": [64]}, {"alerts": [-1]}, {"alerts": ["x"]}):
        assert (await reader.ask("PUT", CHOICE, body, **DAILY)).status == 400, body
    await account.owner.good("PUT", TOPIC, {"name": "Greener"}, handle="daily", place=str(green))
    monkeypatch.setattr(module, "TOPICS_MAX", 1)
    assert await refused({"name": "Black"}) == (403, "M_FORBIDDEN")
    await account.owner.good("DELETE", TOPIC, handle="daily", place=str(green))
    monkeypatch.setattr(module, "TOPICS_EVER_MAX", 1)
    assert await refused({"name": "Black"}) == (403, "M_FORBIDDEN")
