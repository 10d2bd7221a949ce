"""Mentions: who is named learns of it in a list of their own, and nobody is sent anything."""

import pytest

from teahouse.posts.naming import mentioned
from teahouse.posts.types import Ref
from tests.feed.stage import COMMENTS, MY, V1, blogger, comment
from tests.public_accounts.newsroom import POST, newsroom
from tests.world import Person, World

MENTIONS = f"{V1}/mentions"
BLOCK, MUTE = f"{MY}/blocks/{{handle}}", f"{MY}/mutes/{{handle}}"


async def named(person: Person, **query: object) -> list[tuple[str, int, str]]:
    """Where somebody is named: account, number, and the comment's words."""
    page = await person.good("GET", MENTIONS, None, query)
    return [(each["post"]["account"], each["post"]["number"], each.get("comment", "")) for each in page["mentions"]]


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@ann, hello @bob.", ["ann", "bob"]),
        ("你好@daily！", ["daily"]),
        ("mail ann@example.org or see https://x/@bob", []),
        ("@Ann and @ann", ["ann"]),
        ("(@ann) @@bob @ @-x @bob:tea.test", ["ann", "bob"]),
        (" ".join(f"@u{number}" for number in range(30)), [f"u{number}" for number in range(20)]),
    ],
)
def test_a_name_in_a_text_is_an_at_sign_and_a_handle(text: str, handles: list[str]) -> None:
    assert mentioned(text) == handles


async def test_people_and_accounts_list_where_they_are_named(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await tea.person("bob")
    daily, reader = await newsroom(tea)
    since = (await bob.sync())["next_batch"]
    await ann.publish("Hello @bob and @daily, and @ann herself, and @nobody")
    await comment(reader, "ann", "I agree with @bob")
    assert await named(bob) == [("ann", 1, "I agree with @bob"), ("ann", 1, "")]
    assert await named(daily.owner, account="daily") == [("ann", 1, "")]
    assert await named(ann.owner) == []
    assert "rooms" not in await bob.sync(since)
    refused = await bob.ask("GET", MENTIONS, None, {"account": "daily"})
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await bob.ask("GET", MENTIONS, None, {"account": "none"})).status == 404


async def test_new_mentions_are_counted_until_they_are_seen(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await tea.person("bob")
    for number in range(3):
        await ann.publish(f"{number} @bob")
    page = await bob.good("GET", MENTIONS, None, {"limit": 2})
    assert (page["new"], [each["new"] for each in page["mentions"]]) == (3, [True, True])
    rest = await bob.good("GET", MENTIONS, None, {"limit": 2, "from": page["next_batch"]})
    assert [each["post"]["number"] for each in [*page["mentions"], *rest["mentions"]]] == [3, 2, 1]
    await bob.good("PUT", f"{MENTIONS}/seen", {"mention_id": page["mentions"][1]["mention_id"]})
    assert (await bob.good("GET", MENTIONS))["new"] == 1
    await bob.good("PUT", f"{MENTIONS}/seen", {"mention_id": page["mentions"][0]["mention_id"]})
    await bob.good("PUT", f"{MENTIONS}/seen", {"mention_id": "1"})
    assert (await bob.good("GET", MENTIONS))["new"] == 0
    for wrong in ("", "x", "-1", "9" * 30):
        assert (await bob.ask("PUT", f"{MENTIONS}/seen", {"mention_id": wrong})).status == 400


async def test_edits_deletions_hiding_and_removals_change_what_is_listed(tea: World) -> None:
    ann, bob, carl = await blogger(tea, "ann"), await tea.person("bob"), await tea.person("carl")
    await ann.publish("@bob")
    await ann.publish("@bob")
    said = (await comment(carl, "ann", "@bob?")).json
    assert len(await named(bob)) == 3
    at = {"handle": "ann", "number": "1"}
    hidden = f"{V1}/comments/{{commentId}}/hidden"
    await ann.owner.good("PUT", hidden, {}, commentId=said["comment_id"])
    assert len(await named(bob)) == 2
    await ann.owner.good("DELETE", hidden, commentId=said["comment_id"])
    await carl.good("DELETE", f"{V1}/comments/{{commentId}}", commentId=said["comment_id"])
    await ann.owner.good("PUT", POST, {"content": {"text": "@carl"}}, **at)
    assert (await named(bob), await named(carl)) == ([("ann", 2, "")], [("ann", 1, "")])
    ref = Ref(ann.owner.user_no, 2)
    await tea.app.removals.remove(ref)
    assert await named(bob) == []
    await tea.app.removals.restore(ref)
    assert await named(bob) == [("ann", 2, "")]
    await ann.owner.good("DELETE", POST, handle="ann", number="2")
    assert await named(bob) == []
    assert len(await tea.database.fetch("SELECT * FROM post_mentions")) == 1
    assert (await carl.good("GET", COMMENTS, **at))["comments"] == []


async def test_a_mention_across_a_block_or_by_the_muted_gives_nothing(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    carl = await tea.person("carl")
    await bob.owner.good("PUT", MUTE, handle="ann")
    await carl.good("PUT", BLOCK, handle="ann")
    await ann.publish("@bob @carl")
    assert (await named(bob.owner), await named(carl)) == ([], [])
    await bob.owner.good("DELETE", MUTE, handle="ann")
    assert await named(bob.owner) == []
    await ann.owner.good("PUT", BLOCK, handle="bob")
    await ann.publish("@bob")
    await ann.owner.good("DELETE", BLOCK, handle="bob")
    assert await named(bob.owner) == []
    await ann.publish("@bob")
    assert await named(bob.owner) == [("ann", 3, "")]
    template = "/user/{userId}/account_data/m.ignored_user_list"
    ignored = {"ignored_users": {ann.owner.user_id: {}}}
    await bob.owner.good("PUT", template, ignored, userId=bob.owner.user_id)
    page = await bob.owner.good("GET", MENTIONS)
    assert (page["mentions"], page["new"]) == ([], 0)
