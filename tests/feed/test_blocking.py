"""Blocking, muting and ignoring: what others can no longer do, what oneself no longer sees, and what nobody learns."""

from collections.abc import Collection

import pytest

from teahouse.feed.boundaries import Boundaries
from teahouse.feed.types import View
from tests.feed.stage import COMMENTS, MY, blogger, carry_on, comment, follow
from tests.public_accounts.newsroom import ACCOUNT, FOLLOW, POST
from tests.world import World

BLOCK, MUTE = f"{MY}/blocks/{{handle}}", f"{MY}/mutes/{{handle}}"


async def test_who_is_blocked_cannot_follow_comment_or_carry_on(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await ann.publish("mine")
    await follow(bob.owner, "ann")
    await follow(ann.owner, "bob")
    await ann.owner.good("PUT", BLOCK, handle="bob")
    for handle in ("ann", "bob"):
        assert (await ann.owner.good("GET", ACCOUNT, handle=handle))["followers"] == 0
    for refused in (
        await bob.owner.ask("PUT", FOLLOW, {}, handle="ann"),
        await bob.owner.ask("POST", "/rooms/{roomId}/join", {}, roomId=ann.room_id),
        await comment(bob.owner, "ann"),
        await carry_on(bob, "ann"),
        await carry_on(bob, "ann", text="Look!"),
    ):
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert "block" not in refused.json["error"]
    assert (await bob.owner.good("GET", POST, handle="ann", number="1"))["content"]["text"] == "mine"
    await ann.owner.good("DELETE", BLOCK, handle="bob")
    await follow(bob.owner, "ann")
    assert (await comment(bob.owner, "ann")).status == 200
    assert (await carry_on(bob, "ann")).status == 200


async def test_who_is_blocked_cannot_answer_the_blockers_comment_elsewhere(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await tea.person("bob")
    carl = await blogger(tea, "carl")
    await carl.publish("A place to talk.")
    said = (await comment(ann.owner, "carl")).json
    await ann.owner.good("PUT", BLOCK, handle="bob")
    refused = await comment(bob, "carl", answers_to=said["comment_id"])
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await comment(bob, "carl")).status == 200


async def test_comments_of_the_muted_blocked_and_ignored_are_shown_to_others_alone(tea: World) -> None:
    carl, reader, other = await blogger(tea, "carl"), await tea.person("reader"), await tea.person("other")
    await carl.publish("A place to talk.")
    people = [await tea.person(name) for name in ("loud", "rude", "odd", "kind")]
    for person in people:
        await comment(person, "carl", body=person.user_id)
    await reader.good("PUT", MUTE, handle="loud")
    await reader.good("PUT", BLOCK, handle="rude")
    template = "/user/{userId}/account_data/m.ignored_user_list"
    await reader.good("PUT", template, {"ignored_users": {people[2].user_id: {}}}, userId=reader.user_id)
    at = {"handle": "carl", "number": "1"}
    shown = [(await person.good("GET", COMMENTS, **at))["comments"] for person in (reader, other)]
    assert [each["body"] for each in shown[0]] == [people[3].user_id]
    assert len(shown[1]) == 4
    await reader.good("PUT", template, {"ignored_users": {}}, userId=reader.user_id)
    await reader.good("DELETE", MUTE, handle="loud")
    assert len((await reader.good("GET", COMMENTS, **at))["comments"]) == 3


async def test_one_who_is_muted_while_a_page_is_read_is_not_on_the_next(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carl, reader, loud = await blogger(tea, "carl"), await tea.person("reader"), await tea.person("loud")
    await carl.publish("A place to talk.")
    await comment(loud, "carl")
    await tea.restart()
    load, reading = Boundaries._load, False

    async def mute_meanwhile(boundaries: Boundaries, user_no: int, ignored: Collection[str]) -> View:
        nonlocal reading
        view = await load(boundaries, user_no, ignored)
        if not reading:
            reading = True
            await reader.good("PUT", MUTE, handle="loud")
        return view

    monkeypatch.setattr(Boundaries, "_load", mute_meanwhile)
    at = {"handle": "carl", "number": "1"}
    await reader.good("GET", COMMENTS, **at)
    assert reading
    assert (await reader.good("GET", COMMENTS, **at))["comments"] == []


async def test_a_page_of_comments_goes_on_behind_those_that_are_not_shown(tea: World) -> None:
    carl, reader, loud = await blogger(tea, "carl"), await tea.person("reader"), await tea.person("loud")
    await carl.publish("A place to talk.")
    for number in range(6):
        await comment(loud if number % 3 else reader, "carl", body=str(number))
    await reader.good("PUT", MUTE, handle="loud")
    found, start = [], None
    while True:
        page = await reader.good("GET", COMMENTS, None, {"limit": 2, "from": start}, handle="carl", number="1")
        found += [each["body"] for each in page["comments"]]
        start = page.get("next_batch")
        if start is None:
            break
    assert found == ["0", "3"]


async def test_lists_of_the_muted_and_blocked_are_ones_own(tea: World) -> None:
    ann, bob = await tea.person("ann"), await tea.person("bob")
    for name in ("x1", "x2", "x3"):
        await tea.person(name)
        await ann.good("PUT", MUTE, handle=name)
    await ann.good("PUT", BLOCK, handle="x3")
    page = await ann.good("GET", f"{MY}/mutes", None, {"limit": 2})
    rest = await ann.good("GET", f"{MY}/mutes", None, {"limit": 2, "from": page["next_batch"]})
    assert [each["handle"] for each in [*page["accounts"], *rest["accounts"]]] == ["x1", "x2", "x3"]
    assert [each["handle"] for each in (await ann.good("GET", f"{MY}/blocks"))["accounts"]] == ["x3"]
    assert (await bob.good("GET", f"{MY}/mutes"))["accounts"] == []
    await ann.good("DELETE", MUTE, handle="x3")
    assert [each["handle"] for each in (await ann.good("GET", f"{MY}/blocks"))["accounts"]] == ["x3"]
    await tea.restart()
    assert [each["handle"] for each in (await ann.good("GET", f"{MY}/mutes"))["accounts"]] == ["x1", "x2"]


async def test_closing_an_account_and_erasing_what_it_kept_leaves_nothing_of_this(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await tea.person("bob")
    await bob.good("PUT", MUTE, handle="ann")
    await bob.good("PUT", f"{MY}/feed", {"words": ["secret"]})
    await bob.good("PUT", "/_teahouse/v1/mentions/seen", {"mention_id": "1"})
    await bob.good("DELETE", MUTE, handle="ann")
    await bob.good("PUT", f"{MY}/no_reposts/{{handle}}", handle="ann")
    await ann.publish("@bob")
    await tea.app.accounts.close(bob.user_no, erase=True)
    for table in ("shuns", "feed_settings", "post_mentions", "post_mentions_seen"):
        assert await tea.database.fetch(f"SELECT * FROM {table}") == [], table


async def test_boundaries_that_cannot_be_are_refused(tea: World) -> None:
    ann = await tea.person("ann")
    for name, status in (("nobody", 404), ("x" * 2_000, 404), ("näh", 404), ("nul\0", 400)):
        assert (await ann.ask("PUT", MUTE, handle=name)).status == status
    own = await ann.ask("PUT", BLOCK, handle="ann")
    assert (own.status, own.errcode) == (400, "M_INVALID_PARAM")
    for settings, status in (
        ({"words": ["x" * 101]}, 413), ({"words": ["…"]}, 400), ({"words": ["a"] * 201}, 400),
        ({"languages": ["not a tag"]}, 400), ({"sensitive": "maybe"}, 400), ({"languages": ["en"] * 21}, 400),
    ):  # fmt: skip
        assert (await ann.ask("PUT", f"{MY}/feed", settings)).status == status
    wanted = {"words": ["teabag", "green tea"], "languages": ["en", "zh-Hans"], "sensitive": "hide"}
    assert await ann.good("PUT", f"{MY}/feed", wanted) == wanted
    await tea.restart()
    assert await ann.good("GET", f"{MY}/feed") == wanted
