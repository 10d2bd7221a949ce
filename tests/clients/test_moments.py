"""Moments in stock clients: two friends of an author, each shown what is for them, until one is a friend no more."""

import asyncio
import secrets
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.clients.actor import Actor, StepFailed
from tests.clients.newsroom import as_actor, by_hand, followers, whoami
from tests.clients.recordings import picture
from tests.clients.stage import Stage

MOMENTS = "/_teahouse/v1/moments"


async def greeted(friend: Actor, author: httpx.AsyncClient, author_id: str) -> None:
    """A friend's client offers a direct chat, and the author accepts it."""
    asked = {"user_id": author_id, "room_version": "12", "encrypted": True}
    room_id = (await friend.do("create_direct", **asked))["room_id"]
    (await author.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/join", json={})).raise_for_status()


async def publish(author: httpx.AsyncClient, text: str, *media: Any, scope: str = "friends", users: Any = ()) -> Any:
    body = {"content": {"text": text, "media": media}, "audience": {"scope": scope, "users": users}}
    return (await author.post(MOMENTS, json=body)).raise_for_status().json()


async def upload(author: httpx.AsyncClient, stage: Stage) -> dict[str, Any]:
    path = picture(stage.file(f"{secrets.token_hex(4)}.jpg"), 320, 240)
    headers = {"Content-Type": "image/jpeg"}
    sent = await author.post("/_matrix/media/v3/upload", content=path.read_bytes(), headers=headers)
    return {"url": sent.raise_for_status().json()["content_uri"], "mimetype": "image/jpeg", "description": "Leaves."}


async def sync(actor: Actor, since: str = "") -> Any:
    async with as_actor(actor) as client:
        query = {"since": since} if since else {}
        return (await client.get("/_matrix/client/v3/sync", params=query)).raise_for_status().json()


async def no_picture(friend: Actor, url: str, stage: Stage) -> None:
    """Neither the picture nor a small one of it."""
    kept = str(stage.file("none"))
    with pytest.raises(StepFailed, match="404 for mxc"):
        await friend.do("fetch", place=url, save_to=kept)
    with pytest.raises(StepFailed, match="404 for mxc"):
        await friend.do("thumbnail", url=url, width=32, height=32, save_to=kept)


async def test_friends_are_shown_what_is_for_them_until_they_are_friends_no_more(stage: Stage) -> None:
    (nio, js), author = await asyncio.gather(followers(stage), by_hand(stage, await stage.person("author")))
    author_id = await whoami(author)
    for friend in (nio, js):
        await greeted(friend, author, author_id)
    shared, private = await upload(author, stage), await upload(author, stage)
    await publish(author, "Leaves for all of you.", shared)
    room_id = (await author.get(f"{MOMENTS}/settings")).json()["room_id"]
    shown = {}
    for friend in (nio, js):
        shown[friend] = await friend.sees("message", room_id=room_id, sender=author_id)
        assert (shown[friend]["body"], shown[friend]["encrypted"]) == ("Leaves for all of you.", False)
        assert shown[friend]["content"]["url"] == shared["url"]
        await friend.do("fetch", place=shared["url"], save_to=str(stage.file("whole")))
        await friend.do("thumbnail", url=shared["url"], width=32, height=32, save_to=str(stage.file("small")))
        look = await friend.do("look", room_id=room_id)
        assert look["members"] == sorted([author_id, friend.user_id])
        assert (look["tags"], look["direct"], look["unread"]) == (["m.lowpriority"], False, 0)
        room = await friend.asks("room", room_id=room_id)
        assert room["may_send"] == ["m.reaction", "m.room.redaction"]  # read-only, save for likes
    assert (await js.do("look", room_id=room_id))["alerts"] == 0

    hidden = await publish(author, "For one.", private, scope="some", users=[nio.user_id])
    await nio.sees("message", room_id=room_id, event_id=hidden["moment_id"])
    after = await publish(author, "For all again.")
    for friend in (nio, js):
        await friend.sees("message", room_id=room_id, event_id=after["moment_id"])
    assert js.saw("message", room_id=room_id, event_id=hidden["moment_id"]) == []
    assert "For one." not in str((await js.do("history", room_id=room_id))["messages"])
    await nio.do("fetch", place=private["url"], save_to=str(stage.file("whole")))
    await no_picture(js, private["url"], stage)

    # A reaction is a like, a reply is refused and says where comments go; who is no common friend sees neither.
    like = await nio.do("react", room_id=room_id, event_id=after["moment_id"], key="🍵")
    await nio.sees("reaction", room_id=room_id, event_id=like["event_id"])
    for friend in (nio, js):
        with pytest.raises(StepFailed, match="comment on it through"):
            await friend.do("send_text", room_id=room_id, body="Lovely.", reply_to=after["moment_id"])
    moment = f"{MOMENTS}/{quote(after['moment_id'])}"
    async with as_actor(nio) as hand:
        (await hand.post(f"{moment}/comments", json={"body": "Lovely."})).raise_for_status()
    async with as_actor(js) as hand:
        (await hand.post(f"{moment}/comments", json={"body": "Very."})).raise_for_status()
        seen = (await hand.get(moment)).json()
        assert (seen.get("likes", 0), seen["comments"]) == (0, 1)
    seen = (await author.get(moment)).json()
    assert (seen["likes"], seen["comments"], seen["likers"]) == (1, 2, [nio.user_id])
    await nio.do("redact", room_id=room_id, event_id=like["event_id"])
    assert (await author.get(moment)).json().get("likes", 0) == 0
    assert js.saw("reaction", room_id=room_id) == []

    since = (await sync(js))["next_batch"]
    (await author.delete(f"/_teahouse/v1/contacts/{quote(js.user_id)}")).raise_for_status()
    await js.sees("left", room_id=room_id)
    left = await sync(js, since)
    assert room_id in left["rooms"]["leave"]
    assert room_id not in left["rooms"].get("join", {})
    assert room_id not in (await sync(js)).get("rooms", {}).get("join", {})
    await no_picture(js, shared["url"], stage)
    async with as_actor(js) as hand:
        room = f"/_matrix/client/v3/rooms/{quote(room_id)}"
        assert (await hand.get(f"{room}/messages?dir=b")).status_code == 403
        assert (await hand.get(f"{room}/event/{quote(after['moment_id'])}")).status_code == 404
        assert (await hand.get(moment)).status_code == 404
    last = await publish(author, "The last leaves.")
    await nio.sees("message", room_id=room_id, event_id=last["moment_id"])
    assert "The last leaves." not in str(await sync(js, since))
    assert js.saw("message", room_id=room_id, event_id=last["moment_id"]) == []
