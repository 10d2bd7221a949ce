"""Publishing: numbers, edits, deletion, comments and votes, through the public API and in channels."""

from tests.public_accounts.newsroom import POST, POSTS, newsroom, opened, timeline
from tests.world import World


async def test_numbers_are_dense_and_stay_when_a_post_is_deleted(tea: World) -> None:
    account, reader = await newsroom(tea)
    for text in ("one", "two", "three"):
        await account.publish(text)
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    listed = await reader.good("GET", POSTS, handle="daily")
    assert [post["number"] for post in listed["posts"]] == [3, 1]
    gone = await reader.good("GET", POST, handle="daily", number="2")
    assert (gone["state"], "content" in gone) == ("deleted", False)
    assert (await account.publish("four"))["number"] == 4
    missing = await reader.ask("GET", POST, handle="daily", number="9")
    assert (missing.status, missing.errcode) == (404, "M_NOT_FOUND")


async def test_an_edit_keeps_the_first_wording_and_reaches_followers(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    post = await account.publish("The tea is gren.")
    since = (await reader.sync())["next_batch"]
    body = {"content": {"text": "The tea is green."}, "correction": "A letter was missing."}
    await account.owner.good("PUT", POST, body, handle="daily", number="1")
    [edit] = timeline(await reader.sync(since), account.room_id)
    assert edit["content"]["m.relates_to"] == {"rel_type": "m.replace", "event_id": post["event_id"]}
    assert edit["content"]["m.new_content"]["body"] == "The tea is green.\n\n✎ A letter was missing."
    versions = (await reader.good("GET", f"{POST}/versions", handle="daily", number="1"))["versions"]
    assert [each["content"]["text"] for each in versions] == ["The tea is green.", "The tea is gren."]
    assert versions[0]["correction"] == "A letter was missing."


async def test_deleting_a_post_empties_it_in_every_wording(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    await account.publish("secret-first")
    await account.owner.good("PUT", POST, {"content": {"text": "secret-second"}}, handle="daily", number="1")
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 50}, roomId=account.room_id)
    assert "secret" not in str(page)
    for table, column in (("events", "event"), ("post_versions", "content")):
        rows = await tea.database.fetch(f"SELECT {column} FROM {table}")
        assert all(b"secret" not in bytes(row[0]) for row in rows)


async def test_the_same_transaction_publishes_once(tea: World) -> None:
    account, _ = await newsroom(tea)
    body = {"content": {"text": "once"}, "txn_id": "t1"}
    first = await account.owner.good("POST", POSTS, body, handle="daily")
    again = await account.owner.good("POST", POSTS, body, handle="daily")
    assert (first["number"], again["number"], again["event_id"]) == (1, 1, first["event_id"])


async def test_only_staff_publish(tea: World) -> None:
    account, reader = await newsroom(tea)
    refused = await reader.ask("POST", POSTS, {"content": {"text": "mine"}}, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    staff = "/_teahouse/v1/accounts/{handle}/staff/{userId}"
    await account.owner.good("PUT", staff, {"role": "editor"}, handle="daily", userId=reader.user_id)
    post = await reader.good("POST", POSTS, {"content": {"text": "ours"}}, handle="daily")
    assert post["author"] == reader.user_id
    stranger = await tea.person("stranger")
    shown = await stranger.good("GET", POST, handle="daily", number="1")
    assert "author" not in shown


async def test_a_repost_says_what_its_original_says_now(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    from tests.public_accounts.newsroom import opened

    other = await opened(await tea.person("other"), "weekly")
    await other.publish("leaves-fall")
    await account.publish("Look:", repost={"account": "weekly", "number": 1})
    assert (await other.post(1))["reposts"] == 1
    assert "leaves-fall" in timeline(await reader.sync(), account.room_id)[-1]["content"]["body"]
    await other.owner.good("DELETE", POST, handle="weekly", number="1")
    shown = timeline(await reader.sync(), account.room_id)[-1]["content"]["body"]
    assert "leaves-fall" not in shown
    assert "deleted by its owner" in shown


async def test_votes_are_counted_once_for_each_reader(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("", poll={"question": "Which?", "answers": ["green", "black"]})
    for answers in ([0], [1], [1]):
        await reader.good("PUT", f"{POST}/vote", {"answers": answers}, handle="daily", number="1")
    assert (await account.post(1))["votes"] == [0, 1]
    bad = await reader.ask("PUT", f"{POST}/vote", {"answers": [2]}, handle="daily", number="1")
    assert (bad.status, bad.errcode) == (400, "M_INVALID_PARAM")


async def test_comments_go_one_level_deep_and_can_be_hidden_and_deleted(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    path, at = f"{POST}/comments", {"handle": "daily", "number": "1"}
    first = await reader.good("POST", path, {"body": "Good."}, **at)
    answer = await account.owner.good("POST", path, {"body": "Thanks.", "answers_to": first["comment_id"]}, **at)
    deep = await reader.ask("POST", path, {"body": "x", "answers_to": answer["comment_id"]}, **at)
    assert (deep.status, deep.errcode) == (400, "M_INVALID_PARAM")
    assert (await account.post(1))["comments"] == 2
    comment = "/_teahouse/v1/comments/{commentId}"
    await account.owner.good("PUT", f"{comment}/hidden", {}, commentId=first["comment_id"])
    stranger = await tea.person("stranger")
    [place] = (await stranger.good("GET", path, **at))["comments"]
    assert (place["state"], place["body"], place["user_id"], place["answers"]) == ("hidden", "", "", 1)
    [own] = (await reader.good("GET", path, **at))["comments"]
    assert own["state"] == "hidden"
    await reader.good("DELETE", comment, commentId=first["comment_id"])
    [place] = (await reader.good("GET", path, **at))["comments"]
    assert (place["state"], place["body"], place["user_id"]) == ("deleted", "", "")
    assert (await account.post(1))["comments"] == 1


async def test_a_repost_shows_the_warning_and_not_what_is_behind_it(tea: World) -> None:
    account, reader = await newsroom(tea)
    post = await account.publish("The ending: he drinks the tea.", warning="Spoilers")
    carrier = await opened(reader, "reader-daily", "person", name="Reader")
    await carrier.publish("", repost={"account": account.handle, "number": post["number"]})
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=carrier.room_id)
    [shown] = [event["content"] for event in page["chunk"] if event["type"] == "m.room.message"]
    assert "⚠ Spoilers" in shown["body"]
    assert "he drinks" not in str(shown)
