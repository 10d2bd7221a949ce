"""Following by the standard calls: joining is a row, and every door answers as if it were a membership."""

from tests.posts.studio import PNG, upload
from tests.public_accounts.newsroom import ACCOUNT, FOLLOW, newsroom, opened, timeline
from tests.world import World

STATE = "/rooms/{roomId}/state/m.room.member/{userId}"


async def test_joining_a_channel_follows_and_shows_its_posts(tea: World) -> None:
    account, reader = await newsroom(tea)
    first = await account.publish("Before anybody came.")
    since = (await reader.sync())["next_batch"]
    await reader.join(account.room_id)
    shown = await reader.sync(since)
    room = shown["rooms"]["join"][account.room_id]
    assert [event["event_id"] for event in timeline(shown, account.room_id)][-1] == first["event_id"]
    events = [*room["state"]["events"], *timeline(shown, account.room_id)]
    members = [event for event in events if event["type"] == "m.room.member"]
    assert {event["state_key"] for event in members} == {reader.user_id, account.user_id}
    assert room["summary"]["m.joined_member_count"] == 2
    second = await account.publish("And after.")
    again = await reader.sync(shown["next_batch"])
    assert [event["event_id"] for event in timeline(again, account.room_id)] == [second["event_id"]]
    assert (await reader.good("GET", "/joined_rooms"))["joined_rooms"] == [account.room_id]
    assert (await reader.good("GET", ACCOUNT, handle="daily"))["followers"] == 1


async def test_leaving_a_channel_unfollows_and_an_older_token_hears_of_it(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    before = (await reader.sync())["next_batch"]
    await reader.leave(account.room_id)
    await account.publish("Nobody hears this.")
    left = (await reader.sync(before))["rooms"]["leave"][account.room_id]
    own = left["timeline"]["events"][-1]
    assert (own["state_key"], own["content"]["membership"]) == (reader.user_id, "leave")
    assert all("Nobody hears" not in str(event) for event in left["timeline"]["events"])
    assert "rooms" not in await reader.sync()
    assert (await reader.good("GET", ACCOUNT, handle="daily"))["followers"] == 0
    await tea.restart()
    assert account.room_id in (await reader.sync(before))["rooms"]["leave"]


async def test_clients_that_take_state_after_the_timeline_hear_of_coming_and_going(tea: World) -> None:
    account, reader = await newsroom(tea)
    after = {"use_state_after": True}
    since = (await reader.sync(**after))["next_batch"]
    for verb, membership in ((reader.join, "join"), (reader.leave, "leave")):
        await verb(account.room_id)
        answer = await reader.sync(since, **after)
        since = answer["next_batch"]
        state = answer["rooms"][membership][account.room_id]["state_after"]["events"]
        [own] = [event for event in state if event["type"] == "m.room.member" and event["sender"] == reader.user_id]
        assert own["content"]["membership"] == membership


async def test_followers_are_hidden_from_each_other(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    for person in (reader, other):
        await person.join(account.room_id)
    chunk = (await reader.good("GET", "/rooms/{roomId}/members", roomId=account.room_id))["chunk"]
    assert {event["state_key"] for event in chunk} == {reader.user_id, account.user_id}
    own = await reader.good("GET", STATE, roomId=account.room_id, userId=reader.user_id)
    assert own["membership"] == "join"
    hidden = await reader.ask("GET", STATE, roomId=account.room_id, userId=other.user_id)
    assert (hidden.status, hidden.errcode) == (404, "M_NOT_FOUND")
    summary = (await reader.sync())["rooms"]["join"][account.room_id]["summary"]
    assert summary["m.joined_member_count"] == 3


async def test_a_post_tells_its_readers_how_many_follow_by_now(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    since = (await reader.sync())["next_batch"]
    await (await tea.person("other")).join(account.room_id)
    assert "rooms" not in await reader.sync(since)  # nobody is woken because somebody else follows
    await account.publish()
    section = (await reader.sync(since))["rooms"]["join"][account.room_id]
    assert section["summary"] == {"m.joined_member_count": 3, "m.invited_member_count": 0}


async def test_an_account_is_shown_under_its_name_and_picture_in_its_own_channel(tea: World) -> None:
    owner, reader = await tea.person("owner"), await tea.person("reader")
    one, two = await upload(owner), await upload(owner, PNG + b"2")
    account = await opened(owner, about={"picture": one})
    await reader.join(account.room_id)
    path = {"roomId": account.room_id, "userId": account.user_id}
    for body, shown in (
        (None, {"displayname": "The Daily Leaf", "avatar_url": one}),
        ({"name": "The Daily Leaf", "about": {"picture": two}}, {"displayname": "The Daily Leaf", "avatar_url": two}),
        ({"name": "Leaves", "about": {}}, {"displayname": "Leaves"}),
    ):
        if body is not None:
            await owner.good("PUT", ACCOUNT, body, handle="daily")
        assert await reader.good("GET", STATE, **path) == {"membership": "join"} | shown
        assert await reader.good("GET", "/profile/{userId}", userId=account.user_id) == shown
    since = (await reader.sync())["next_batch"]
    await owner.good("PUT", ACCOUNT, {"name": "Leaves", "about": {"description": "Of tea."}}, handle="daily")
    kinds = [event["type"] for event in timeline(await reader.sync(since), account.room_id)]
    assert "m.room.member" not in kinds


async def test_clients_are_told_that_readers_like_vote_and_take_back_and_write_nothing(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    path = "/rooms/{roomId}/state/m.room.power_levels/"
    levels = await reader.good("GET", path, roomId=account.room_id)
    free = {"m.reaction", "m.room.redaction", "m.poll.response", "org.matrix.msc3381.poll.response"}
    assert {kind for kind, level in levels["events"].items() if level < 100} == free
    assert (levels["users"], levels["users_default"]) == ({}, 0)
    assert {levels[key] for key in ("events_default", "state_default", "redact", "invite", "kick", "ban")} == {100}


async def test_following_by_either_door_is_the_same_and_happens_once(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.good("PUT", FOLLOW, {"alerts": True}, handle="daily")
    await reader.join(account.room_id)
    shown = await reader.good("GET", ACCOUNT, handle="daily")
    assert (shown["followers"], shown["following"], shown["alerts"]) == (1, True, True)
    rules = await reader.good("GET", "/pushrules/global/")
    assert [rule["rule_id"] for rule in rules["room"]] == [account.room_id]
    await reader.good("DELETE", FOLLOW, handle="daily")
    rules = await reader.good("GET", "/pushrules/global/")
    assert rules["room"] == []


async def test_posts_are_unread_for_those_who_want_alerts_alone(tea: World) -> None:
    account, reader = await newsroom(tea)
    quiet = await tea.person("quiet")
    await quiet.join(account.room_id)
    await reader.good("PUT", FOLLOW, {"alerts": True}, handle="daily")
    await account.publish()
    for person, unread in ((reader, 1), (quiet, 0)):
        room = (await person.sync())["rooms"]["join"][account.room_id]
        assert room["unread_notifications"] == {"notification_count": unread, "highlight_count": 0}


async def test_a_reader_who_writes_is_shown_the_side_chat(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    template = "/rooms/{roomId}/send/m.room.message/{txnId}"
    refused = await reader.ask("PUT", template, {"msgtype": "m.text", "body": "x"}, roomId=account.room_id, txnId="1")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert "side chat" in refused.json["error"]


async def test_a_reaction_is_a_like_that_only_its_sender_sees(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    for person in (reader, other):
        await person.join(account.room_id)
    post = await account.publish()
    since, others = (await reader.sync())["next_batch"], (await other.sync())["next_batch"]
    relates = {"rel_type": "m.annotation", "event_id": post["event_id"], "key": "🍵"}
    event_id = await reader.send(account.room_id, "m.reaction", {"m.relates_to": relates})
    shown = await reader.sync(since)
    [echo] = timeline(shown, account.room_id)
    assert (echo["event_id"], echo["content"]["m.relates_to"]) == (event_id, relates)
    assert "rooms" not in await other.sync(others)
    assert (await account.post(1))["likes"] == 1
    await reader.redact(account.room_id, event_id)
    [taken] = timeline(await reader.sync(shown["next_batch"]), account.room_id)
    assert taken["type"] == "m.room.redaction"
    assert (await account.post(1)).get("likes", 0) == 0


async def test_following_costs_the_same_whoever_follows_already(tea: World) -> None:
    account, reader = await newsroom(tea)
    people = [await tea.person(f"p{number}") for number in range(4)]
    costs = []
    for person in [reader, *people]:
        await person.sync()
        before = tea.counted.cost
        await person.join(account.room_id)
        costs.append(tea.counted.cost - before)
    assert len(set(costs[1:])) == 1
