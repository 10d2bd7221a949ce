"""A person's own account from a stock client: a message is a post, an edit an edit, a redaction a deletion."""

from typing import Any

from tests.posts.studio import PNG, upload
from tests.public_accounts.newsroom import ACCOUNTS, POST, POSTS, Account, timeline
from tests.world import Person, World

SEND = "/rooms/{roomId}/send/{eventType}/{txnId}"
REDACT = "/rooms/{roomId}/redact/{eventId}/{txnId}"


async def own(tea: World) -> tuple[Account, Person]:
    """A personal account, and somebody who follows it."""
    person, reader = await tea.person("ann"), await tea.person("bob")
    made = await person.good("POST", ACCOUNTS, {"handle": "ann", "kind": "person", "name": "Ann"})
    await reader.join(made["room_id"])
    return Account(person, "ann", made["room_id"], made["user_id"]), reader


async def send(account: Account, txn_id: str, **content: Any) -> Any:
    body = {"msgtype": "m.text", **content}
    return await account.owner.ask("PUT", SEND, body, roomId=account.room_id, eventType="m.room.message", txnId=txn_id)


def replacing(event_id: str, body: str, **more: Any) -> dict[str, Any]:
    new = {"msgtype": "m.text", "body": body, **more}
    return {"body": f"* {body}", "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}


async def test_a_message_is_a_post_and_a_retry_the_same_one(tea: World) -> None:
    account, reader = await own(tea)
    first = await send(account, "t1", body="Good morning #tea")
    again = await send(account, "t1", body="Good morning #tea")
    assert first.json == again.json
    post = await account.post(1)
    assert (post["event_id"], post["content"]["text"], post["author"]) == (
        first.json["event_id"], "Good morning #tea", account.owner.user_id,
    )  # fmt: skip
    assert len((await reader.good("GET", POSTS, handle="ann"))["posts"]) == 1
    [event] = [e for e in timeline(await reader.sync(), account.room_id) if e["type"] == "m.room.message"]
    assert event["content"]["io.teahouse.post"]["number"] == 1


async def test_an_edit_is_an_edit_and_keeps_what_the_client_does_not_know(tea: World) -> None:
    account, reader = await own(tea)
    post = await account.publish("Gren tea.", language="en", comments="followers", link="https://tea.test/x")
    edit = replacing(post["event_id"], "Green tea.\nhttps://tea.test/x")
    first, again = await send(account, "e1", **edit), await send(account, "e1", **edit)
    assert (first.status, first.json) == (200, again.json)
    shown = await account.post(1)
    assert shown["content"] == {
        "text": "Green tea.", "language": "en", "comments": "followers", "link": "https://tea.test/x",
    }  # fmt: skip
    assert len((await reader.good("GET", f"{POST}/versions", handle="ann", number="1"))["versions"]) == 2
    article = await account.publish("", article={"title": "T", "html": "<p>x</p>"})
    refused = await send(account, "e2", **replacing(article["event_id"], "No article any more."))
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await account.post(2))["content"]["article"]["title"] == "T"


async def test_a_redaction_is_a_deletion_and_a_retry_changes_nothing(tea: World) -> None:
    account, reader = await own(tea)
    sent = (await send(account, "t1", body="regretted")).json["event_id"]
    await send(account, "e1", **replacing(sent, "regretted too"))
    path = {"roomId": account.room_id, "eventId": sent, "txnId": "r1"}
    first = await account.owner.ask("PUT", REDACT, {"reason": "Oh."}, **path)
    again = await account.owner.ask("PUT", REDACT, {"reason": "Oh."}, **path)
    assert (first.status, first.json) == (200, again.json)
    assert (await account.post(1))["state"] == "deleted"
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 50}, roomId=account.room_id)
    assert "regretted" not in str(page)
    other = await account.owner.ask("PUT", REDACT, {}, roomId=account.room_id, eventId=sent, txnId="r2")
    assert (other.status, other.errcode) == (404, "M_NOT_FOUND")
    # Old requests come late: each is answered as it was, and does nothing.
    assert (await send(account, "t1", body="regretted")).json["event_id"] == sent
    assert (await send(account, "e1", **replacing(sent, "regretted too"))).status == 200
    await tea.restart()
    assert (await account.owner.ask("PUT", REDACT, {}, **path)).json == first.json
    assert len((await reader.good("GET", POSTS, handle="ann"))["posts"]) == 0


async def test_a_picture_from_a_stock_client_needs_no_description(tea: World) -> None:
    account, reader = await own(tea)
    url = await upload(account.owner)
    info = {"mimetype": "image/jpeg", "w": 2**40, "h": -5, "size": "big"}
    sent = await send(account, "t1", msgtype="m.image", body="My cup.", filename="cup.png", url=url, info=info)
    assert sent.status == 200
    post = await account.post(1)
    assert (post["kind"], post["content"]["text"]) == ("pictures", "My cup.")
    [media] = post["content"]["media"]
    assert media == {"url": url, "mimetype": "image/png", "name": "cup.png", "size": len(PNG), "undescribed": True}
    theirs = await upload(reader)
    stolen = await send(account, "t2", msgtype="m.image", body="x.png", url=theirs, info={"mimetype": "image/png"})
    assert (stolen.status, stolen.errcode) == (400, "M_INVALID_PARAM")


async def test_only_the_person_writes_and_nothing_but_messages(tea: World) -> None:
    account, reader = await own(tea)
    sent = (await send(account, "t1", body="Mine.")).json["event_id"]
    for person, kind, content in (
        (reader, "m.room.message", {"msgtype": "m.text", "body": "x"}),
        (reader, "m.room.message", replacing(sent, "Theirs.")),
        (account.owner, "m.sticker", {"body": "x", "url": "mxc://tea.test/x"}),
        (account.owner, "m.room.message", {"body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": sent}}),
    ):
        refused = await person.ask("PUT", SEND, content, roomId=account.room_id, eventType=kind, txnId=tea.next_txn())
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN"), (kind, content)
    refused = await reader.ask("PUT", REDACT, {}, roomId=account.room_id, eventId=sent, txnId="r1")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    for content in ({}, {"body": 7}, {"body": " \u202e"}, {"body": "x" * 5_001}, replacing("$nosuch", "x")):
        assert (await send(account, tea.next_txn(), **content)).status in (400, 404, 413), content
    assert (await account.post(1))["content"]["text"] == "Mine."


async def test_votes_from_stock_clients_are_shown_to_their_own_devices_alone(tea: World) -> None:
    account, reader = await own(tea)
    post = await account.publish("", poll={"question": "Which?", "answers": ["a", "b"]})
    since, others = (await reader.sync())["next_batch"], (await account.owner.sync())["next_batch"]
    kind = "org.matrix.msc3381.poll.response"
    relates = {"rel_type": "m.reference", "event_id": post["event_id"]}
    event_id = await reader.send(account.room_id, kind, {"m.relates_to": relates, kind: {"answers": ["1"]}})
    assert (await account.post(1))["votes"] == [0, 1]
    shown = await reader.sync(since)
    [echo] = timeline(shown, account.room_id)
    assert (echo["event_id"], echo["type"], echo["content"][kind]) == (event_id, kind, {"answers": ["1"]})
    assert "rooms" not in await account.owner.sync(others)
    await reader.send(account.room_id, kind, {"m.relates_to": relates, kind: {"answers": []}})
    assert (await account.post(1))["votes"] == [0, 0]
    for answers in (["²"], ["x"], [1], "1", ["9" * 30]):
        body = {"m.relates_to": relates, kind: {"answers": answers}}
        refused = await reader.ask("PUT", SEND, body, roomId=account.room_id, eventType=kind, txnId=tea.next_txn())
        assert refused.status == 400, answers
