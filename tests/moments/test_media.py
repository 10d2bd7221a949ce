"""Files of a moment are for those who may see it, and gone when it is."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.moments.town import MOMENT, publish, put_on, show_to, town, unfriend
from tests.public_accounts.newsroom import ACCOUNT, POSTS, opened
from tests.world import SERVER, Person, World

DOWNLOAD = "/_matrix/client/v1/media/download/{server}/{mediaId}"
THUMBNAIL = "/_matrix/client/v1/media/thumbnail/{server}/{mediaId}"


def picture(colour: str = "red", size: int = 400) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(made, "PNG")
    return made.getvalue()


async def upload(person: Person, content: bytes, kind: str = "image/png") -> str:
    app = person.world.app
    requester = await app.sessions.requester(person.token)

    async def pieces() -> Any:
        yield content

    from teahouse.media.types import Upload

    return await app.media.upload(requester, Upload(pieces(), kind, None))


async def status(person: Person, uri: str, template: str = DOWNLOAD) -> int:
    query = {"width": 96, "height": 96} if template == THUMBNAIL else {}
    path = {"server": SERVER, "mediaId": uri.rpartition("/")[2]}
    return await raw(person, template, query, **path)


async def raw(person: Person, template: str, query: dict[str, Any], **path: str) -> int:
    """The status alone: what comes is no JSON."""
    try:
        answer = await person.ask("GET", template, None, query, **path)
    except ValueError:
        return 200
    return answer.status


def shown(uri: str) -> dict[str, Any]:
    return {"media": [{"url": uri, "mimetype": "image/png", "description": "A cup."}]}


async def test_a_picture_is_for_those_who_may_see_the_moment(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    uri = await upload(alice, picture())
    assert await status(carol, uri) == 200  # not yet part of a moment: whoever has the id
    moment_id = await publish(alice, "Look.", "some", bob, **shown(uri))
    for template in (DOWNLOAD, THUMBNAIL, f"{DOWNLOAD}/cup.png"):
        assert [await status(person, uri, template) for person in (alice, bob, carol)] == [200, 200, 404]
    await show_to(alice, moment_id, "friends")
    assert await status(carol, uri) == 200
    await put_on(alice, "hidden", carol)
    await unfriend(alice, bob)
    assert [await status(person, uri) for person in (bob, carol)] == [404, 404]


async def test_nine_pictures_or_one_video_and_nothing_else(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    uris = [await upload(alice, picture(size=10 + number)) for number in range(10)]
    video = await upload(alice, b"moving", "video/mp4")
    text = await upload(alice, b"words", "text/plain")
    others = await upload(bob, picture("blue"))
    many = [{"url": uri, "mimetype": "image/png"} for uri in uris]
    moment_id = await publish(alice, "", media=many[:9])
    shown_to_bob = await bob.good("GET", MOMENT, momentId=moment_id)
    assert [each["url"] for each in shown_to_bob["content"]["media"]] == uris[:9]
    room_events = (await bob.sync())["rooms"]["join"].popitem()[1]["timeline"]["events"]
    assert room_events[-1]["content"]["formatted_body"].count("<img") == 9
    await publish(alice, "a film", media=[{"url": video, "mimetype": "video/mp4"}])
    for media in (
        many, [{"url": video, "mimetype": "video/mp4"}, many[0]], [{"url": text, "mimetype": "image/png"}],
        [{"url": others, "mimetype": "image/png"}], [{"url": f"mxc://{SERVER}/nothing", "mimetype": "image/png"}],
        [{"url": "https://example.org/x.png", "mimetype": "image/png"}],
    ):  # fmt: skip
        body = {"content": {"text": "x", "media": media}}
        refused = await alice.ask("POST", "/_teahouse/v1/moments", body)
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), media


async def test_nobody_binds_another_s_file(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    uri = await upload(bob, picture())
    await alice.ask("POST", "/_teahouse/v1/moments", {"content": shown(uri), "audience": {"scope": "self"}})
    assert await status(carol, uri) == 200


async def test_files_of_a_deleted_moment_are_gone_from_the_disk(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    uri, kept = await upload(alice, picture()), await upload(alice, picture("blue"))
    same = await upload(bob, picture("blue"))  # the same content by another's upload
    first = await publish(alice, "one", media=[*shown(uri)["media"], *shown(kept)["media"]])
    second = await publish(alice, "two", **shown(uri))
    assert await status(bob, uri, THUMBNAIL) == 200
    await alice.good("DELETE", MOMENT, momentId=first)
    assert [await status(alice, each) for each in (uri, kept, same)] == [200, 404, 200]
    await alice.good("DELETE", MOMENT, momentId=second)
    assert [await status(person, uri) for person in (alice, bob)] == [404, 404]
    folder = tea.app.media._folder.root
    files = [path for part in ("files", "thumbnails") for path in (folder / part).rglob("*") if path.is_file()]
    assert len(files) == 1  # bob's
    assert [problem async for problem in tea.app.media.verify()] == []
    assert await tea.database.fetch("SELECT * FROM moment_media") == []


async def test_a_picture_that_its_author_published_stays_public(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    account = await opened(alice, "alice", "person")
    uri = await upload(alice, picture())
    await account.publish("For all.", **shown(uri))
    moment_id = await publish(alice, "For me.", "self", **shown(uri))
    assert await status(bob, uri) == 200
    await alice.good("DELETE", MOMENT, momentId=moment_id)
    assert await status(bob, uri) == 200


async def test_an_account_s_staff_cannot_publish_what_a_colleague_shows_to_friends(tea: World) -> None:
    alice, mallory, carol = await town(tea, "alice", "mallory", "carol")
    account = await opened(mallory)
    path = {"handle": account.handle, "userId": alice.user_id}
    await mallory.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "editor"}, **path)
    private, open_ = await upload(alice, picture()), await upload(alice, picture("blue"))
    await publish(alice, "Look.", "some", carol, **shown(private))
    for person in (mallory, alice):  # she would have to upload it anew: her colleague could have put it into her draft
        body = {"content": {"text": "x", **shown(private)}}
        refused = await person.ask("POST", POSTS, body, handle=account.handle)
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
    described = {"name": "The Daily Leaf", "picture": private}
    assert (await mallory.ask("PUT", ACCOUNT, described, handle=account.handle)).status == 400
    assert [await status(person, private) for person in (mallory, carol)] == [404, 200]
    await account.publish("This one she gave us.", **shown(open_))
    assert await status(carol, open_) == 200
