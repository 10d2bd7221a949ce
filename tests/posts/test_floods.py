"""Many likes, many votes, loops of reposts: each deed costs the same, and what makes no sense is refused clearly."""

import asyncio
from typing import Any

import pytest

from teahouse.eventlog.identifiers import number_at
from teahouse.posts import erasing
from teahouse.posts.types import Ref
from teahouse.rooms.types import Reader
from tests.public_accounts.newsroom import POST, POSTS, Account, newsroom, opened
from tests.world import World

LIKE = f"{POST}/like"
VOTE = f"{POST}/vote"
LIKES = {"sqlite": 10_000, "postgres": 1_500}  # readers who like at once; each engine for about as long
AT_ONCE = 500
ONE = {"handle": "daily", "number": "1"}


def crowd(count: int) -> list[Reader]:
    """People who are only numbers: likes ask for no more."""
    return [Reader(number_at(1_000_000 + number, number % 1_024), f"@p{number}:tea.test") for number in range(count)]


async def ref_of(tea: World, handle: str = "daily", number: int = 1) -> Ref:
    return Ref((await tea.app.public_accounts.require(handle)).account_no, number)


async def test_a_flood_of_likes_costs_each_the_same_and_loses_none(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Popular.")
    ref, count = await ref_of(tea), LIKES["postgres" if tea.place.file is None else "sqlite"]
    people = crowd(count)
    like = tea.app.interactions.like
    costs = []
    for first in range(0, count, AT_ONCE):
        before = tea.counted.cost
        await asyncio.gather(*(like(person, ref) for person in people[first : first + AT_ONCE]))
        costs.append(tea.counted.cost - before)
    assert (await account.post(1))["likes"] == count
    # Four reads, the deed, the count, the news of it.
    assert {cost.statements for cost in costs[1:]} == {7 * AT_ONCE}
    assert all(cost.commits <= AT_ONCE / 4 for cost in costs)  # they share commits
    before = tea.counted.cost
    await asyncio.gather(*(like(person, ref) for person in people[:AT_ONCE]))
    again = tea.counted.cost - before
    assert again.written == 0
    assert (await account.post(1))["likes"] == count


async def test_a_polls_tally_is_read_at_the_same_cost_however_many_voted(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("", poll={"question": "Which?", "answers": ["a", "b", "c"], "choices_max": 3})
    ref, costs = await ref_of(tea), []
    for people in (crowd(3), crowd(300)):
        await asyncio.gather(*(tea.app.interactions.vote(person, ref, [0, 2]) for person in people))
        post = await tea.app.posts.find(ref)
        before = tea.counted.cost
        assert await tea.app.interactions.tally(post) == [len(people), 0, len(people)]
        costs.append(tea.counted.cost - before)
    assert costs[0] == costs[1]
    assert costs[0].statements == 1


async def test_deleting_a_popular_post_takes_its_crowd_away_bit_by_bit(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "ROWS_AT_ONCE", 40)
    account, reader = await newsroom(tea)
    await account.publish("Popular.")
    await account.publish("Quiet.")
    ref = await ref_of(tea)
    await asyncio.gather(*(tea.app.interactions.like(person, ref) for person in crowd(150)))
    for number in range(100):
        await tea.app.comments.write(Reader(reader.user_no, reader.user_id), ref, f"said-{number}")
    await reader.good("PUT", LIKE, {}, handle="daily", number="2")
    await account.owner.good("DELETE", POST, **ONE)
    await tea.restart()  # what is left goes on going
    async with asyncio.timeout(20):
        while await tea.database.fetch_one("SELECT 1 FROM erasures"):
            await asyncio.sleep(0)
    rows = await tea.database.fetch("SELECT number FROM interactions")
    assert [row[0] for row in rows] == [2]
    assert await tea.database.fetch("SELECT * FROM comments") == []
    assert (await account.post(1)).get("likes", 0) == 0


async def test_what_is_taken_back_while_a_deleted_post_goes_counts_nothing_below_zero(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, reader = await newsroom(tea)
    await account.publish("", poll={"question": "Which?", "answers": ["a", "b"]})
    ref = await ref_of(tea)
    me = Reader(reader.user_no, reader.user_id)
    await tea.app.interactions.like(me, ref)
    await tea.app.interactions.vote(me, ref, [1])
    said = await tea.app.comments.write(me, ref, "said")
    monkeypatch.setattr(erasing, "ROWS_AT_ONCE", 0)  # nothing of it has gone yet
    await account.owner.good("DELETE", POST, **ONE)
    assert await tea.app.interactions.unlike(me, ref)
    assert await tea.app.interactions.unvote(me, ref)
    await tea.app.comments.delete(me, said.comment_no)
    row = await tea.database.fetch_one("SELECT likes, comments, reposts FROM posts")
    assert row == (0, 0, 0)
    assert await tea.database.fetch("SELECT * FROM poll_votes") == []


async def carry(account: Account, handle: str, number: int, text: str = "") -> Any:
    content = {"text": text, "repost": {"account": handle, "number": number}}
    return await account.owner.ask("POST", POSTS, {"content": content}, handle=account.handle)


async def test_reposts_lead_to_the_original_and_never_in_a_circle(tea: World) -> None:
    account, _ = await newsroom(tea)
    weekly, monthly = await opened(await tea.person("w"), "weekly"), await opened(await tea.person("m"), "monthly")
    await account.publish("The first.")
    first = (await carry(weekly, "daily", 1)).json
    second = (await carry(monthly, "weekly", first["number"])).json
    assert second["content"]["repost"] == {"account": "daily", "number": 1}
    own = (await carry(account, "monthly", second["number"])).json  # round the corner back to where it began
    assert own["content"]["repost"] == {"account": "daily", "number": 1}
    assert (await account.post(1))["reposts"] == 3
    again = await carry(account, "daily", 1)
    assert (again.status, again.json["error"]) == (
        409, "This account carries that post on already, as its post 2: edit it to say more.",
    )  # fmt: skip
    assert (await account.post(1))["reposts"] == 3
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    assert (await account.post(1))["reposts"] == 2
    assert (await carry(account, "daily", 1)).json["number"] == 3


async def test_twenty_accounts_that_carry_on_at_once_are_counted_once_each(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("The first.")
    owner = await tea.person("many")
    others = [await opened(owner, f"other{number}") for number in range(8)]
    answers = await asyncio.gather(*(carry(other, "daily", 1) for other in others * 3))
    assert sorted(answer.status for answer in answers) == [200] * 8 + [409] * 16
    assert (await account.post(1))["reposts"] == 8


@pytest.mark.parametrize(
    ("handle", "number", "status"),
    [("nobody", 1, 404), ("daily", 99, 404), ("daily", 2, 404), ("../etc", 1, 404), ("", 1, 404), ("daily\0", 1, 400)],
)
async def test_what_is_not_there_cannot_be_carried_on(tea: World, handle: str, number: int, status: int) -> None:
    account, _ = await newsroom(tea)
    await account.publish("One.")
    await account.publish("Two.")
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    refused = await carry(account, handle, number)
    assert refused.status == status
    assert (await account.publish("Three."))["number"] == 3


async def test_an_emoji_is_an_emoji(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    bad = ["", " ", "a b", "\u202e", "\u200b", "\n", "\u0000", "x" * 65, "🍵" * 17, "\u2066x", "\ue000", "a\u0301" * 40]
    for emoji in bad:
        refused = await reader.ask("PUT", LIKE, {"emoji": emoji}, **ONE)
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), repr(emoji)
    for emoji in ({}, 1, None, ["🍵"]):
        assert (await reader.ask("PUT", LIKE, {"emoji": emoji}, **ONE)).status == 400
    for emoji in ("🍵", "👩🏽‍❤️‍💋‍👨🏿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "+1", "好", "❤️", "é"):
        await reader.good("PUT", LIKE, {"emoji": emoji}, **ONE)
        await reader.good("DELETE", LIKE, **ONE)
    assert (await account.post(1)).get("likes", 0) == 0


async def test_deeds_on_what_is_gone_are_refused_clearly(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("", poll={"question": "Which?", "answers": ["a", "b"]})
    await account.owner.good("DELETE", POST, **ONE)
    comments = f"{POST}/comments"
    for method, template, body in (
        ("PUT", LIKE, {}), ("PUT", VOTE, {"answers": [0]}), ("POST", comments, {"body": "x"}), ("GET", comments, None),
        ("GET", f"{POST}/versions", None),
    ):  # fmt: skip
        refused = await reader.ask(method, template, body, **ONE)
        assert (refused.status, refused.json["error"]) == (404, "This post was deleted by its owner."), template
    for number in ("0", "-1", "1.5", "x", "9" * 19, "²"):
        assert (await reader.ask("GET", POST, handle="daily", number=number)).status == 400, number
    assert (await reader.ask("GET", POST, handle="daily", number="9" * 18)).status == 404


async def test_votes_can_be_changed_and_taken_back(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("", poll={"question": "Which?", "answers": ["a", "b", "c"], "choices_max": 2})
    for answers, votes in (([0, 1], [1, 1, 0]), ([1, 2], [0, 1, 1]), ([1, 2], [0, 1, 1])):
        await reader.good("PUT", VOTE, {"answers": answers}, **ONE)
        assert (await account.post(1))["votes"] == votes
    for _ in range(2):
        await reader.good("DELETE", VOTE, **ONE)
        assert (await account.post(1))["votes"] == [0, 0, 0]
    for answers in ([], [0, 1, 2], [3], [-1], [10**30], ["a"], 1):
        assert (await reader.ask("PUT", VOTE, {"answers": answers}, **ONE)).status == 400, answers
    assert (await account.post(1))["votes"] == [0, 0, 0]
