"""An account blocks a reader: they go on reading, and reach neither its staff nor its other readers."""

from tests.public_accounts.newsroom import ACCOUNT, FOLLOW, POST, POSTS, newsroom, opened, timeline
from tests.sidechats.desk import CHAT, errands_run
from tests.sidechats.desk import opened as opened_chat
from tests.world import Answer, Person, World

BLOCK = f"{ACCOUNT}/blocked/{{userId}}"
STAFF = f"{ACCOUNT}/staff/{{userId}}"
COMMENTS = f"{POST}/comments"
ONE = {"handle": "daily", "number": "1"}
SEND = "/rooms/{roomId}/send/{eventType}/{txnId}"


async def everything(tea: World, reader: Person, chat: str, room_id: str, post: str, comment: str) -> dict[str, Answer]:
    """Whatever reaches an account, or those who read it, tried."""
    like = {"m.relates_to": {"rel_type": "m.annotation", "event_id": post, "key": "🍵"}}
    message = {"msgtype": "m.text", "body": "Hear me."}
    name = reader.user_id[1:].partition(":")[0]
    repost = {"content": {"text": "", "repost": {"account": "daily", "number": 1}}}
    return {
        "comment": await reader.ask("POST", COMMENTS, {"body": "Mine."}, **ONE),
        "answer": await reader.ask("POST", COMMENTS, {"body": "Mine.", "answers_to": comment}, **ONE),
        "like": await reader.ask("PUT", f"{POST}/like", {}, **ONE),
        "reaction": await reader.ask("PUT", SEND, like, roomId=room_id, eventType="m.reaction", txnId=tea.next_txn()),
        "vote": await reader.ask("PUT", f"{POST}/vote", {"answers": [0]}, **ONE),
        "carry on": await reader.ask("POST", POSTS, repost, handle=name),
        "write": await reader.ask("PUT", SEND, message, roomId=chat, eventType="m.room.message", txnId=tea.next_txn()),
        "open": await reader.ask("POST", CHAT, {}, handle="daily"),
    }


async def test_a_blocked_reader_reads_on_and_reaches_nobody(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    own = await opened(reader, "reader-daily", "person", name="Reader")
    post = (await account.publish("", poll={"question": "Which?", "answers": ["a", "b"]}))["event_id"]
    comment = (await other.good("POST", COMMENTS, {"body": "A word."}, **ONE))["comment_id"]
    await reader.good("PUT", FOLLOW, {}, handle="daily")
    chat = await opened_chat(reader)
    await reader.good("PUT", f"{POST}/vote", {"answers": [1]}, **ONE)
    followers = (await account.owner.good("GET", ACCOUNT, handle="daily"))["followers"]
    await account.owner.good("PUT", BLOCK, {}, handle="daily", userId=reader.user_id)
    tried = await everything(tea, reader, chat, account.room_id, post, comment)
    for what, answer in tried.items():
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), what
        assert answer.json["error"].startswith("You cannot "), what
        assert "staff" not in answer.json["error"], what
    assert await own.publish("I name @daily here.")
    rows = await tea.database.fetch("SELECT * FROM post_mentions WHERE by_no = ?", reader.user_no)
    assert rows == []
    # They read, follow and unfollow as before, and take back what they did.
    since = (await reader.sync())["next_batch"]
    news = await account.publish("For everybody.")
    arrived = timeline(await reader.sync(since), account.room_id)
    assert [event["event_id"] for event in arrived] == [news["event_id"]]
    assert (await account.owner.good("GET", ACCOUNT, handle="daily"))["followers"] == followers
    await reader.good("DELETE", f"{POST}/vote", **ONE)
    await reader.good("DELETE", FOLLOW, handle="daily")
    await reader.good("PUT", FOLLOW, {}, handle="daily")
    # Others are not concerned, and once it is over neither are they.
    await other.good("PUT", f"{POST}/like", {}, **ONE)
    await account.owner.good("DELETE", BLOCK, handle="daily", userId=reader.user_id)
    tried = await everything(tea, reader, chat, account.room_id, post, comment)
    assert {what: answer.status for what, answer in tried.items()} == dict.fromkeys(tried, 200)


async def test_a_blocked_reader_who_invites_the_account_is_declined_in_the_same_words(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.owner.good("PUT", BLOCK, {}, handle="daily", userId=reader.user_id)
    room_id = await reader.create(is_direct=True, invite=[account.user_id], preset="trusted_private_chat")
    await errands_run(tea)
    state = await reader.good("GET", "/rooms/{roomId}/state/m.room.member/{userId}", roomId=room_id,
                              userId=account.user_id)  # fmt: skip
    assert state["membership"] == "leave"
    assert "You cannot write to this account." in state["reason"]
    assert await tea.database.fetch("SELECT * FROM side_chats") == []


async def test_who_comes_to_work_for_the_account_is_blocked_no_more(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Tea.")
    await account.owner.good("PUT", BLOCK, {}, handle="daily", userId=reader.user_id)
    await account.owner.good("PUT", STAFF, {"role": "editor"}, handle="daily", userId=reader.user_id)
    await reader.good("PUT", f"{POST}/like", {}, **ONE)
    assert (await account.owner.good("GET", f"{ACCOUNT}/blocked", handle="daily"))["blocked"] == []
