"""Likes and comments: seen by the author and by common friends, counted for each reader alike."""

from __future__ import annotations

from typing import Any

from tests.moments.town import MOMENT, MOMENTS, befriend, publish, show_to, town, unfriend
from tests.world import Person, World

COMMENTS = f"{MOMENT}/comments"
COMMENT = f"{MOMENTS}/comments/{{commentId}}"
NOTICES = f"{MOMENTS}/notices"


async def say(person: Person, moment_id: str, body: str, answers_to: str = "") -> str:
    made = await person.good("POST", COMMENTS, {"body": body, "answers_to": answers_to}, momentId=moment_id)
    return str(made["comment_id"])


async def heard(person: Person, moment_id: str) -> list[str]:
    page = await person.good("GET", COMMENTS, momentId=moment_id)
    return [comment["body"] for comment in page["comments"]]


async def counts(person: Person, moment_id: str) -> tuple[int, int]:
    shown = await person.good("GET", MOMENT, momentId=moment_id)
    return shown.get("likes", 0), shown.get("comments", 0)


async def like(person: Person, moment_id: str) -> None:
    await person.good("PUT", f"{MOMENT}/like", {}, momentId=moment_id)


async def notices(person: Person) -> Any:
    return await person.good("GET", NOTICES)


async def test_what_was_done_is_seen_by_the_author_and_common_friends_alone(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    dave = await tea.person("dave")
    await befriend(tea, alice, dave)  # a friend of the author's, not of the others
    moment_id = await publish(alice)
    for person in (bob, dave):
        await like(person, moment_id)
        await say(person, moment_id, f"by {person.user_id}")
    both, bobs, daves = ["by @bob:tea.test", "by @dave:tea.test"], ["by @bob:tea.test"], ["by @dave:tea.test"]
    for person, bodies in ((alice, both), (bob, bobs), (carol, bobs), (dave, daves)):
        assert await heard(person, moment_id) == bodies
        assert await counts(person, moment_id) == (len(bodies), len(bodies))
        [shown] = (await person.good("GET", MOMENTS))["moments"]
        assert (shown["likes"], shown["comments"], len(shown["likers"])) == (len(bodies),) * 3
        assert shown.get("liked", False) is (person in (bob, dave))


async def test_the_deeds_of_former_friends_are_gone_for_each_other(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice)
    await like(bob, moment_id)
    await say(bob, moment_id, "from bob")
    await unfriend(bob, carol)
    assert (await heard(carol, moment_id), await counts(carol, moment_id)) == ([], (0, 0))
    assert await heard(alice, moment_id) == ["from bob"]
    await unfriend(alice, bob)  # no friend of the author's any more: nobody sees what he did
    assert (await heard(alice, moment_id), await counts(alice, moment_id)) == ([], (0, 0))


async def test_an_answer_is_seen_by_who_sees_what_it_answers(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    dave = await tea.person("dave")
    await befriend(tea, alice, dave)
    await befriend(tea, carol, dave)  # a common friend of carol's, not of bob's
    moment_id = await publish(alice)
    first = await say(dave, moment_id, "question")
    answer = await say(carol, moment_id, "answer", first)
    assert await heard(bob, moment_id) == []
    assert await counts(bob, moment_id) == (0, 0)
    assert await heard(dave, moment_id) == ["question", "answer"]
    deep = await alice.ask("POST", COMMENTS, {"body": "x", "answers_to": answer}, momentId=moment_id)
    assert (deep.status, deep.errcode) == (400, "M_INVALID_PARAM")
    unseen = await bob.ask("POST", COMMENTS, {"body": "x", "answers_to": first}, momentId=moment_id)
    assert (unseen.status, unseen.errcode) == (404, "M_NOT_FOUND")


async def test_one_deletes_one_s_own_comments_and_the_author_anybody_s(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice)
    first, second = await say(bob, moment_id, "first"), await say(carol, moment_id, "second")
    await say(carol, moment_id, "answer", first)
    refused = await bob.ask("DELETE", COMMENT, commentId=second)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    await bob.good("DELETE", COMMENT, commentId=first)
    assert await heard(carol, moment_id) == ["second"]
    await alice.good("DELETE", COMMENT, commentId=second)
    assert await counts(carol, moment_id) == (0, 0)
    again = await alice.ask("DELETE", COMMENT, commentId=second)
    assert (again.status, again.errcode) == (404, "M_NOT_FOUND")
    rows = await tea.database.fetch("SELECT * FROM moment_comments")
    assert rows == []


async def test_the_author_is_told_of_likes_and_comments_and_one_who_is_answered_too(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice)
    await like(bob, moment_id)
    first = await say(bob, moment_id, "question")
    await say(carol, moment_id, "answer", first)
    await say(alice, moment_id, "own")
    told = await notices(alice)
    assert [(each["kind"], each["user_id"], each["value"]) for each in told["notices"]] == [
        ("comment", carol.user_id, "answer"), ("comment", bob.user_id, "question"), ("like", bob.user_id, "❤️"),
    ]  # fmt: skip
    assert told["unseen"] == 3
    await alice.good("PUT", f"{NOTICES}/seen", {"place": told["notices"][1]["place"]})
    assert (await notices(alice))["unseen"] == 1
    [answered] = (await notices(bob))["notices"]
    assert (answered["kind"], answered["value"]) == ("answer", "answer")
    assert (await notices(carol))["notices"] == []
    await bob.good("DELETE", f"{MOMENT}/like", momentId=moment_id)
    assert [each["kind"] for each in (await notices(alice))["notices"]] == ["comment", "comment"]
    await unfriend(alice, bob)
    assert (await notices(alice))["notices"] == []  # nor of the answer to what is no longer there for her
    assert (await notices(bob))["notices"] == []


async def test_liking_twice_counts_once_and_taking_back_what_was_not_there_changes_nothing(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice)
    for _ in range(2):
        await like(bob, moment_id)
    assert await counts(alice, moment_id) == (1, 0)
    for _ in range(2):
        await bob.good("DELETE", f"{MOMENT}/like", momentId=moment_id)
    assert await counts(alice, moment_id) == (0, 0)


async def test_one_who_is_let_in_no_more_does_nothing_with_a_moment(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice)
    made = await say(bob, moment_id, "mine")
    await show_to(alice, moment_id, "self")
    for method, template in (("PUT", f"{MOMENT}/like"), ("GET", COMMENTS), ("POST", COMMENTS)):
        body = {"body": "x"} if method == "POST" else {}
        assert (await bob.ask(method, template, body, momentId=moment_id)).status == 404
    await bob.good("DELETE", COMMENT, commentId=made)  # what one said oneself one may always take back
    assert await heard(alice, moment_id) == []


async def test_bad_words_are_refused_and_nothing_is_stored(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice)
    for body, status in (
        ({"body": "  "}, 400), ({"body": "x" * 1_001}, 413), ({}, 400), ({"body": "x", "answers_to": "y"}, 400),
        ({"body": "x", "answers_to": "99"}, 404), ({"body": 1}, 400),
    ):  # fmt: skip
        assert (await bob.ask("POST", COMMENTS, body, momentId=moment_id)).status == status, body
    for body in ({"emoji": ""}, {"emoji": "x" * 65}, {"emoji": 1}):
        assert (await bob.ask("PUT", f"{MOMENT}/like", body, momentId=moment_id)).status == 400
    assert await counts(alice, moment_id) == (0, 0)
    assert (await alice.ask("DELETE", COMMENT, commentId="x")).status == 400
    assert (await alice.ask("PUT", f"{NOTICES}/seen", {"place": "-1"})).status == 400
