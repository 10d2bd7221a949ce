"""`teahouse verify` counts again what publishing and moments count, and notices whatever does not fit."""

from __future__ import annotations

import contextlib

from teahouse.admin.recounts import MOMENTS, PUBLISHING, recount
from teahouse.admin.verify import Verification
from tests.moments.test_deeds import like, say
from tests.moments.test_media import picture, shown, upload
from tests.moments.town import MOMENT, publish, show_to, town, unfriend
from tests.public_accounts.newsroom import ACCOUNT, POST, newsroom, opened
from tests.world import World

LIKE = f"{POST}/like"
COMMENTS = f"{POST}/comments"
BREAKS = {
    "a public account miscounts its followers": "UPDATE public_accounts SET followers = followers + 1",
    "an account miscounts its followers by e-mail": "INSERT INTO mail_lists (account_no, followers, mailed) "
    "VALUES (1, 1, 0)",
    "an account's numbers of posts have a gap": "UPDATE posts SET number = 99 WHERE number = 3",
    "a channel is not there": "UPDATE public_accounts SET room_no = room_no + 1",
    "a follower follows an account that is not there": "UPDATE follows SET account_no = account_no + 1",
    "a post has no event in its channel": "UPDATE posts SET pos = pos + 100000 WHERE number = 1",
    "a post that stands was redacted": "UPDATE events SET redacted_pos = 1 WHERE pos IN (SELECT pos FROM posts)",
    "a deleted post was not emptied": "UPDATE events SET redacted_pos = NULL",
    "a post does not have its wordings": "DELETE FROM post_versions WHERE version = 0",
    "a post miscounts its likes": "UPDATE posts SET likes = likes + 1",
    "a post miscounts its comments": "UPDATE posts SET comments = comments - 1",
    "a post miscounts its reposts": "UPDATE posts SET reposts = reposts + 1",
    "a poll miscounts an answer": "UPDATE poll_votes SET votes = votes + 1 WHERE answer = 1",
    "a poll counts no votes for an answer that was chosen": "DELETE FROM poll_votes WHERE answer = 0",
    "a comment miscounts its answers": "UPDATE comments SET answers = answers + 1 WHERE parent_no = 0",
    "a topic miscounts who chose it for alerts": "UPDATE topics SET alerts = alerts - 1 WHERE place = 0",
    "a topic miscounts who chose it for their feed": "UPDATE topics SET shown = 0 WHERE place = 1",
    "a comment answers one that is not there": "UPDATE comments SET parent_no = 7 WHERE parent_no > 0",
    "somebody works for an account that is not there": "UPDATE account_staff SET account_no = account_no + 1",
    "the directory miscounts its rooms": "UPDATE listed_rooms SET rooms = rooms - 1",
    "the directory does not find what it lists": "UPDATE rooms SET listed = 1 - listed",
    "an author of moments has no room": "DELETE FROM state WHERE type = 'io.teahouse.moments'",
    "an author miscounts their moments": "UPDATE moment_authors SET standing = standing + 1",
    "a moment has no event in its author's room": "DELETE FROM events WHERE pos IN (SELECT pos FROM moments)",
    "a moment that stands was redacted": "UPDATE events SET redacted_pos = 1 WHERE pos IN (SELECT pos FROM moments)",
    "a deleted moment was not emptied": "UPDATE events SET redacted_pos = NULL",
    "a moment was let be seen by an event that is not there": "UPDATE moment_audiences SET event_pos = 999999 "
    "WHERE at = (SELECT max(at) FROM moment_audiences)",
    "a moment is not for whom its newest audience says": "UPDATE moments SET scope = 3",
    "somebody reads the moments of one who is no friend": "DELETE FROM contacts",
    "a place leads into another room than the author's": "UPDATE moment_ties SET room_no = room_no + 1",
    "something was done with a moment that is gone": "UPDATE moments SET gone = 1",
    "a comment on a moment answers one that is not there": "UPDATE moment_comments SET parent_no = 7",
    "a notice tells of nothing": "DELETE FROM moment_likes",
    "a moment shows a file that is not there": "DELETE FROM media",
}


class Undo(Exception):
    """Nothing of it is to be kept."""


async def lived(tea: World) -> None:
    """A server on which everything that is counted happened, and was taken back once."""
    account, reader = await newsroom(tea)
    other = await opened(await tea.person("other"), "weekly")
    await reader.join(account.room_id)
    await reader.join(other.room_id)
    await reader.leave(other.room_id)
    for text in ("one", "two", "three #tea"):
        await account.publish(text)
    await other.publish("", repost={"account": "daily", "number": 1})
    await other.publish("", repost={"account": "daily", "number": 3})
    await other.owner.good("DELETE", POST, handle="weekly", number="2")
    edit = {"content": {"text": "one, better"}, "correction": "A letter."}
    await account.owner.good("PUT", POST, edit, handle="daily", number="1")
    at = {"handle": "daily", "number": "1"}
    for person in (reader, other.owner):
        await person.good("PUT", LIKE, {}, **at)
    await reader.good("DELETE", LIKE, **at)
    made = await reader.good("POST", COMMENTS, {"body": "said"}, **at)
    await other.owner.good("POST", COMMENTS, {"body": "answered", "answers_to": made["comment_id"]}, **at)
    await account.owner.good("DELETE", POST, handle="daily", number="2")

    poll = await account.publish("", poll={"question": "Which?", "answers": ["a", "b", "c"], "choices_max": 2})
    for person, answers in ((reader, [0, 1]), (other.owner, [1]), (reader, [0, 2])):
        await person.good("PUT", f"{POST}/vote", {"answers": answers}, handle="daily", number=str(poll["number"]))
    for name in ("Green", "Black", "Red"):
        await account.owner.good("POST", f"{ACCOUNT}/topics", {"name": name}, handle="daily")
    for choice in ({"alerts": [0, 2], "shown": [1]}, {"alerts": [0], "shown": [1, 2]}):
        await reader.good("PUT", f"{ACCOUNT}/follow/topics", choice, handle="daily")
    await account.owner.good("DELETE", f"{ACCOUNT}/topics/{{place}}", handle="daily", place="2")

    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    first = await publish(alice, "first", **shown(await upload(alice, picture())))
    second = await publish(alice, "second", "self")
    await show_to(alice, second, "friends")
    for person in (bob, carol):
        await person.sync()
        await like(person, first)
    said = await say(bob, first, "said")
    await say(carol, first, "answered", said)
    await say(bob, second, "gone with it")
    await alice.good("DELETE", MOMENT, momentId=await publish(alice, "third"))
    await alice.good("DELETE", f"{MOMENT}/audience".removesuffix("/audience"), momentId=second)
    third = await publish(alice, "fourth", "self")
    await show_to(alice, third, "friends")
    await unfriend(bob, carol)
    await unfriend(alice, carol)
    await bob.sync()


async def test_what_happened_fits_together(tea: World) -> None:
    await lived(tea)
    verification = Verification(
        tea.database, tea.app.identifiers.twin(), tea.database.head, sqlite=tea.place.file is not None
    )
    found = await verification.run()
    assert found["found"] == []


async def test_whatever_does_not_fit_is_noticed(tea: World) -> None:
    assert set(BREAKS) == set(PUBLISHING) | set(MOMENTS)
    await lived(tea)
    for what, sql in BREAKS.items():
        problems: list[str] = []
        with contextlib.suppress(Undo):
            async with tea.database.transaction() as tx:
                await tx.execute(sql)
                await recount(tx, problems.append)
                raise Undo
        assert any(what in problem for problem in problems), what
