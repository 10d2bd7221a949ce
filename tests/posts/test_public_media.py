"""Which files need no token: those a standing post or an account refers to, for as long as it does."""

from teahouse.posts.types import Ref
from tests.posts.studio import PNG, address, fetch, picture, upload
from tests.public_accounts.newsroom import ACCOUNT, POST, POSTS, Account, newsroom, opened
from tests.world import World


async def statuses(tea: World, *urls: str) -> list[int]:
    return [(await fetch(tea, address(url))).status for url in urls]


async def test_a_file_is_public_from_publishing_to_deletion(tea: World) -> None:
    account, _ = await newsroom(tea)
    first, second, never = [await picture(account.owner) for _ in range(3)]
    assert await statuses(tea, first["url"], "mxc://tea.test/nosuch") == [404, 404]
    await account.publish("Look.", media=[first])
    await account.publish("Look again.", media=[first, second])
    shown = await fetch(tea, address(first["url"], "%C3%A9.png"))
    assert (shown.status, shown.body) == (200, PNG)
    assert shown.headers["content-disposition"] == "inline; filename*=utf-8''%C3%A9.png"
    assert shown.headers["content-security-policy"].startswith("sandbox;")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "public, max-age=300, must-revalidate"
    small = await fetch(tea, address(first["url"]), "width=32&height=32")
    assert (small.status, small.headers["content-type"]) == (200, "image/png")
    again = await fetch(tea, address(first["url"]), if_none_match=shown.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert await statuses(tea, second["url"], never["url"]) == [200, 404]
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    assert await statuses(tea, first["url"], second["url"]) == [200, 404]
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert await statuses(tea, first["url"]) == [404]
    assert (await fetch(tea, address(first["url"]), "width=32&height=32")).status == 404


async def test_a_file_of_a_removed_post_is_public_again_when_it_is_restored(tea: World) -> None:
    account, _ = await newsroom(tea)
    shown = await picture(account.owner)
    await account.publish("Look.", media=[shown])
    ref = Ref((await tea.app.public_accounts.require("daily")).account_no, 1)
    await tea.app.removals.remove(ref)
    assert await statuses(tea, shown["url"]) == [404]
    await tea.app.removals.restore(ref)
    assert await statuses(tea, shown["url"]) == [200]


async def test_files_of_every_wording_stay_public_while_readers_can_see_the_wordings(tea: World) -> None:
    account, _ = await newsroom(tea)
    before, after = await picture(account.owner), await picture(account.owner)
    await account.publish("Look.", media=[before])
    await account.owner.good("PUT", POST, {"content": {"media": [after]}}, handle="daily", number="1")
    assert await statuses(tea, before["url"], after["url"]) == [200, 200]


async def test_only_what_staff_uploaded_here_becomes_public(tea: World) -> None:
    account, reader = await newsroom(tea)
    private = await picture(reader)
    unknown = {**private, "url": "mxc://tea.test/nosuch"}
    foreign = {**private, "url": "mxc://elsewhere.test/abc"}
    inside = {"title": "T", "html": f'<p><img src="{private["url"]}" alt="x"></p>'}
    cover = {"title": "T", "html": "<p>x</p>", "cover": private}
    for content in ({"media": [private]}, {"media": [unknown]}, {"media": [foreign]}, {"article": inside},
                    {"article": cover}):  # fmt: skip
        refused = await account.owner.ask("POST", POSTS, {"content": content}, handle="daily")
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), content
    assert await statuses(tea, private["url"]) == [404]
    staff = "/_teahouse/v1/accounts/{handle}/staff/{userId}"
    await account.owner.good("PUT", staff, {"role": "editor"}, handle="daily", userId=reader.user_id)
    await account.publish("Now it may.", media=[private])
    await account.owner.good("DELETE", staff, handle="daily", userId=reader.user_id)
    # Who left the staff leaves their pictures: the post can still be put into other words.
    body = {"content": {"text": "It still may.", "media": [private]}}
    await account.owner.good("PUT", POST, body, handle="daily", number="1")
    again = await account.owner.ask("POST", POSTS, {"content": {"media": [private]}}, handle="daily")
    assert again.status == 400


async def test_an_accounts_picture_and_cover_are_public_while_they_are_its(tea: World) -> None:
    owner, other = await tea.person("owner"), await tea.person("other")
    one, two, theirs = await upload(owner), await upload(owner), await upload(other)
    await opened(owner, about={"picture": one, "cover": two})
    assert await statuses(tea, one, two) == [200, 200]
    await owner.good("PUT", ACCOUNT, {"name": "Daily", "about": {"picture": two}}, handle="daily")
    assert await statuses(tea, one, two) == [404, 200]
    refused = await owner.ask("PUT", ACCOUNT, {"name": "Daily", "about": {"picture": theirs}}, handle="daily")
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_a_picture_without_a_description_must_say_so(tea: World) -> None:
    account, _ = await newsroom(tea)
    bare = await picture(account.owner, "")
    told = await account.owner.ask("POST", POSTS, {"content": {"media": [bare]}}, handle="daily")
    assert (told.status, told.errcode) == (400, "M_INVALID_PARAM")
    assert "'undescribed'" in told.json["error"]
    await account.publish("", media=[{**bare, "undescribed": True}])
    inside = {"title": "T", "html": f'<p><img src="{bare["url"]}"></p>'}
    assert (await account.owner.ask("POST", POSTS, {"content": {"article": inside}}, handle="daily")).status == 400
    await account.publish("", article={**inside, "html": f'<p><img src="{bare["url"]}" alt=""></p>'})


async def test_a_file_is_what_was_uploaded_not_what_the_post_says(tea: World) -> None:
    account, _ = await newsroom(tea)
    page = await upload(account.owner, b"<script>alert(1)</script>", "text/html", "page.html")
    post = await account.publish("", media=[{"url": page, "mimetype": "image/png", "size": 1, "undescribed": True}])
    assert post["kind"] == "file"
    [media] = post["content"]["media"]
    assert (media["mimetype"], media["size"]) == ("text/html", 25)
    assert (await fetch(tea, address(page))).headers["content-disposition"].startswith("attachment")
    mixed = [await picture(account.owner), {"url": page, "mimetype": "image/png", "undescribed": True}]
    assert (await account.owner.ask("POST", POSTS, {"content": {"media": mixed}}, handle="daily")).status == 400


async def kinds(account: Account, *media: dict[str, object]) -> str:
    return str((await account.publish("", media=list(media)))["kind"])


async def test_posts_carry_pictures_voice_video_and_files(tea: World) -> None:
    account, reader = await newsroom(tea)
    owner = account.owner
    assert await kinds(account, *[await picture(owner) for _ in range(9)]) == "pictures"
    for content_type, kind in (("audio/ogg", "voice"), ("video/mp4", "video"), ("application/pdf", "file")):
        url = await upload(owner, b"x", content_type)
        assert await kinds(account, {"url": url, "mimetype": content_type}) == kind
    tenth = [await picture(owner) for _ in range(10)]
    assert (await owner.ask("POST", POSTS, {"content": {"media": tenth}}, handle="daily")).status == 400
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 4}, roomId=account.room_id)
    assert [event["content"]["msgtype"] for event in page["chunk"]] == ["m.file", "m.video", "m.audio", "m.text"]
