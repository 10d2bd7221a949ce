"""Comments: who may write them, how their authors learn that they are hidden, and what is counted."""

from typing import Any

import pytest

from teahouse.posts import comments as module
from teahouse.posts.types import Fate
from tests.public_accounts.newsroom import ACCOUNT, FOLLOW, POST, Account, newsroom
from tests.world import Person, World

COMMENTS = f"{POST}/comments"
COMMENT = "/_teahouse/v1/comments/{commentId}"
HIDDEN = f"{COMMENT}/hidden"
COMMENTERS = f"{POST}/commenters"
BLOCKED = f"{ACCOUNT}/blocked"
BLOCK = f"{BLOCKED}/{{userId}}"
ONE = {"handle": "daily", "number": "1"}


async def say(person: Person, body: str = "Good.", answers_to: str = "") -> str:
    made = await person.good("POST", COMMENTS, {"body": body, "answers_to": answers_to}, **ONE)
    return str(made["comment_id"])


async def read(person: Person, answers_to: str | None = None, **query: Any) -> list[Any]:
    found = await person.good("GET", COMMENTS, None, {"answers_to": answers_to, **query}, **ONE)
    return list(found["comments"])


async def counted(account: Account) -> int:
    return int((await account.post(1)).get("comments", 0))


async def refusal(person: Person, body: Any = None, answers_to: str = "") -> tuple[int, str | None, str]:
    said = {"body": "x" if body is None else body, "answers_to": answers_to}
    answer = await person.ask("POST", COMMENTS, said, **ONE)
    return answer.status, answer.errcode, str(answer.json["error"])


async def test_an_account_says_who_may_comment_and_closes_later_without_a_new_wording(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Ours.", comments="followers")
    assert (await refusal(reader))[:2] == (403, "M_FORBIDDEN")
    await reader.good("PUT", FOLLOW, {}, handle="daily")
    await say(reader)
    await account.owner.good("PUT", COMMENTERS, {"comments": "nobody"}, **ONE)
    status, _, why = await refusal(reader)
    assert (status, why) == (403, "Comments on this post are closed.")
    await say(account.owner, "The staff may still answer.")
    shown = await account.post(1)
    assert (shown["content"]["comments"], shown.get("edited_ts", 0)) == ("nobody", 0)
    assert len((await reader.good("GET", f"{POST}/versions", **ONE))["versions"]) == 1
    for body in ({"comments": "friends"}, {"comments": 1}, {}):
        assert (await account.owner.ask("PUT", COMMENTERS, body, **ONE)).status == 400
    assert (await reader.ask("PUT", COMMENTERS, {"comments": "everyone"}, **ONE)).status == 403
    await account.owner.good("PUT", COMMENTERS, {"comments": "everyone"}, **ONE)
    await say(reader)
    assert await counted(account) == 3


async def test_the_author_of_a_hidden_comment_is_told_by_whom(tea: World) -> None:
    account, reader = await newsroom(tea)
    stranger = await tea.person("stranger")
    await account.publish()
    comment_id = await say(reader, "Rude.")
    await account.owner.good("PUT", HIDDEN, {}, commentId=comment_id)
    await account.owner.good("PUT", HIDDEN, {}, commentId=comment_id)  # once more changes nothing
    assert await read(stranger) == []
    [own] = await read(reader)
    assert (own["state"], own["body"], own["note"]) == ("hidden", "Rude.", "Hidden by the staff of @daily.")
    assert "hidden_by" not in own
    [seen] = await read(account.owner)
    assert (seen["state"], seen["body"], seen["hidden_by"]) == ("hidden", "Rude.", account.owner.user_id)
    assert await counted(account) == 0
    assert (await reader.ask("DELETE", HIDDEN, commentId=comment_id)).status == 403
    await account.owner.good("DELETE", HIDDEN, commentId=comment_id)
    [shown] = await read(stranger)
    assert (shown["state"], shown["body"], "note" in shown) == ("standing", "Rude.", False)
    assert await counted(account) == 1


async def test_counts_are_right_through_every_change(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    first = await say(reader)
    answers = [await say(account.owner, str(number), first) for number in range(3)]

    async def counts() -> tuple[int, int]:
        """Of the post, and of the first comment's answers."""
        [top] = await read(reader)
        return await counted(account), top["answers"]

    assert await counts() == (4, 3)
    await account.owner.good("PUT", HIDDEN, {}, commentId=answers[0])
    assert await counts() == (3, 2)
    await account.owner.good("PUT", HIDDEN, {}, commentId=first)
    assert await counts() == (2, 2)
    await account.owner.good("DELETE", COMMENT, commentId=answers[1])
    assert await counts() == (1, 1)
    await account.owner.good("DELETE", HIDDEN, commentId=answers[0])
    assert await counts() == (2, 2)
    await reader.good("DELETE", COMMENT, commentId=first)
    assert await counts() == (2, 2)
    await account.owner.good("DELETE", COMMENT, commentId=answers[0])
    await account.owner.good("DELETE", COMMENT, commentId=answers[2])
    assert await counted(account) == 0
    assert await read(reader) == []
    rows = await tea.database.fetch("SELECT count(*) FROM comments")
    assert rows[0][0] == 0  # of what is deleted, no row is left


async def test_a_comment_that_was_answered_leaves_its_place_without_words(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    first = await say(reader, "said-and-regretted")
    await say(account.owner, "An answer.", first)
    await reader.good("DELETE", COMMENT, commentId=first)
    [place] = await read(account.owner)
    assert (place["state"], place["body"], place["user_id"], place["answers"]) == ("deleted", "", "", 1)
    assert [each["body"] for each in await read(account.owner, first)] == ["An answer."]
    rows = await tea.database.fetch("SELECT body, user_no FROM comments WHERE parent_no = 0")
    assert [tuple(row) for row in rows] == [("", 0)]
    assert (await refusal(account.owner, "x", first))[:2] == (404, "M_NOT_FOUND")


async def test_both_levels_are_read_page_by_page(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    tops = [await say(reader, f"top {number}") for number in range(5)]
    for number in range(5):
        await say(account.owner, f"answer {number}", tops[1])

    async def paged(answers_to: str | None) -> list[str]:
        found: list[str] = []
        query: dict[str, Any] = {"limit": 2, "answers_to": answers_to}
        while True:
            page = await reader.good("GET", COMMENTS, None, query, **ONE)
            assert 1 <= len(page["comments"]) <= 2
            found += [each["body"] for each in page["comments"]]
            if "next_batch" not in page:
                return found
            query["from"] = page["next_batch"]

    assert await paged(None) == [f"top {number}" for number in range(5)]
    assert await paged(tops[1]) == [f"answer {number}" for number in range(5)]


async def test_a_blocked_reader_is_told_so_and_what_they_said_stays(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    await say(reader, "Before.")
    await account.owner.good("PUT", BLOCK, {}, handle="daily", userId=reader.user_id)
    status, _, why = await refusal(reader)
    assert (status, why) == (403, "You cannot comment here.")
    listed = (await account.owner.good("GET", BLOCKED, handle="daily"))["blocked"]
    assert [(each["user_id"], each["by"]) for each in listed] == [(reader.user_id, account.owner.user_id)]
    assert [each["body"] for each in await read(reader)] == ["Before."]
    assert (await reader.ask("GET", BLOCKED, handle="daily")).status == 403
    assert (await reader.ask("DELETE", BLOCK, handle="daily", userId=reader.user_id)).status == 403
    await account.owner.good("DELETE", BLOCK, handle="daily", userId=reader.user_id)
    await say(reader, "After.")
    unknown = await account.owner.ask("PUT", BLOCK, {}, handle="daily", userId="@nobody:tea.test")
    assert (unknown.status, unknown.errcode) == (404, "M_NOT_FOUND")
    own = await account.owner.ask("PUT", BLOCK, {}, handle="daily", userId=account.owner.user_id)
    assert own.status == 403


async def test_an_account_blocks_only_so_many(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCKED_MAX", 1)
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    await account.owner.good("PUT", BLOCK, {}, handle="daily", userId=reader.user_id)
    refused = await account.owner.ask("PUT", BLOCK, {}, handle="daily", userId=other.user_id)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_who_ignores_somebody_does_not_see_what_they_say(tea: World) -> None:
    account, reader = await newsroom(tea)
    rude = await tea.person("rude")
    await account.publish()
    await say(rude, "Rude.")
    await say(reader, "Kind.")
    path = f"/user/{reader.user_id}/account_data/m.ignored_user_list"
    await reader.good("PUT", path, {"ignored_users": {rude.user_id: {}}})
    assert [each["body"] for each in await read(reader)] == ["Kind."]
    assert [each["body"] for each in await read(rude)] == ["Rude.", "Kind."]


async def test_comments_of_a_closed_account_stay_unless_its_owner_had_all_erased(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    await account.publish()
    first = await say(reader, "It stays.")
    gone = await say(other, "It goes.")
    await say(reader, "An answer.", gone)
    await say(other, "It goes too.", first)
    await tea.app.accounts.close(reader.user_no)
    await tea.app.accounts.close(other.user_no, erase=True)
    shown = await read(account.owner)
    assert [(each["body"], each["state"], each["answers"]) for each in shown] == [
        ("It stays.", "standing", 0), ("", "deleted", 1),
    ]  # fmt: skip
    assert await counted(account) == 2
    rows = await tea.database.fetch("SELECT body FROM comments")
    assert all("goes" not in row[0] for row in rows)


async def test_a_removed_comment_is_restored_as_it_was(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    first = await say(reader, "said-first")
    await say(account.owner, "said-answer", first)
    await account.owner.good("PUT", HIDDEN, {}, commentId=first)
    before, rows = await read(account.owner), await tea.database.fetch("SELECT * FROM comments ORDER BY comment_no")
    async with tea.database.transaction() as tx:
        fate = await tea.app.comments.remove(tx, int(first))
    assert fate is Fate.HIDDEN
    [place] = await read(account.owner)
    assert (place["state"], place["body"], place["answers"]) == ("removed", "", 1)
    assert (await reader.ask("DELETE", COMMENT, commentId=first)).status == 404
    async with tea.database.transaction() as tx:
        await tea.app.comments.restore(tx, int(first), fate)
    assert await read(account.owner) == before
    assert await tea.database.fetch("SELECT * FROM comments ORDER BY comment_no") == rows


async def test_what_is_no_comment_is_refused_clearly(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    first = await say(reader)
    assert (await refusal(reader, " \n\u202e "))[:2] == (400, "M_INVALID_PARAM")
    assert (await refusal(reader, "x" * (module.COMMENT_MAX_CHARACTERS + 1)))[:2] == (413, "M_TOO_LARGE")
    assert (await refusal(reader, 1))[:2] == (400, "M_BAD_JSON")
    for answers_to, status in (("0", 400), ("9" * 18, 404), ("9" * 19, 400), ("²", 400), ("-1", 400), ("x", 400)):
        assert (await refusal(reader, "x", answers_to))[0] == status, answers_to
    missing = await reader.ask("POST", COMMENTS, {"body": "x"}, handle="daily", number="7")
    assert (missing.status, missing.errcode) == (404, "M_NOT_FOUND")
    assert (await reader.ask("POST", COMMENTS, {"body": "x"}, handle="nobody", number="1")).status == 404
    await reader.good("POST", COMMENTS, {"body": "a\u0000b\u202ec\r\nd"}, **ONE)
    assert [each["body"] for each in await read(reader)] == ["Good.", "abc\nd"]
    await reader.good("DELETE", COMMENT, commentId=first)
    assert (await reader.ask("DELETE", COMMENT, commentId=first)).status == 404
    assert (await reader.ask("DELETE", COMMENT, commentId="x")).status == 400
