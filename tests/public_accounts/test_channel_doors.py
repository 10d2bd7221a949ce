"""What a follower is answered at each endpoint that a stock client asks about a room, and what nobody is."""

from typing import Any

import pytest

from tests.public_accounts.newsroom import Account, newsroom, opened, timeline
from tests.world import Person, World

ROOM = "/rooms/{roomId}"
RELATIONS = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}"


async def followed(tea: World) -> tuple[Account, Person, Person, Any]:
    """An account with a post and two followers."""
    account, reader = await newsroom(tea)
    other = await tea.person("other")
    for person in (reader, other):
        await person.join(account.room_id)
    return account, reader, other, await account.publish("The first leaves.")


async def own_member(reader: Person, account: Account) -> Any:
    """One's membership event, as the whole state has it."""
    state = await reader.good("GET", f"{ROOM}/state", roomId=account.room_id)
    [own] = [event for event in state if event.get("state_key") == reader.user_id]
    return own


async def test_one_s_own_membership_is_an_event_that_nobody_else_finds(tea: World) -> None:
    account, reader, other, _ = await followed(tea)
    own = await own_member(reader, account)
    assert (own["type"], own["content"]["membership"]) == ("m.room.member", "join")
    at = {"roomId": account.room_id, "eventId": own["event_id"]}
    assert (await reader.good("GET", f"{ROOM}/event/{{eventId}}", **at))["state_key"] == reader.user_id
    context = await reader.good("GET", f"{ROOM}/context/{{eventId}}", None, {"limit": 0}, **at)
    assert context["event"]["event_id"] == own["event_id"]
    for who in (other, account.owner):
        for path in (f"{ROOM}/event/{{eventId}}", f"{ROOM}/context/{{eventId}}"):
            hidden = await who.ask("GET", path, **at)
            assert (hidden.status, hidden.errcode) == (404, "M_NOT_FOUND")


async def test_following_anew_makes_a_new_membership_event(tea: World) -> None:
    account, reader, _, _ = await followed(tea)
    first = await own_member(reader, account)
    await reader.leave(account.room_id)
    await reader.join(account.room_id)
    assert (await own_member(reader, account))["event_id"] != first["event_id"]


async def test_member_lists_are_the_account_and_oneself_whatever_is_asked(tea: World) -> None:
    account, reader, _, _ = await followed(tea)
    everybody = {reader.user_id, account.user_id}
    since = (await reader.sync())["next_batch"]
    for query, wanted in (
        ({}, everybody), ({"membership": "join"}, everybody), ({"at": since}, everybody),
        ({"not_membership": "join"}, set()), ({"membership": "leave"}, set()),
    ):  # fmt: skip
        chunk = (await reader.good("GET", f"{ROOM}/members", None, query, roomId=account.room_id))["chunk"]
        assert {event["state_key"] for event in chunk} == wanted, query
    joined = (await reader.good("GET", f"{ROOM}/joined_members", roomId=account.room_id))["joined"]
    assert set(joined) == everybody
    late = await tea.person("late")
    before = (await late.sync())["next_batch"]
    await late.join(account.room_id)
    chunk = (await late.good("GET", f"{ROOM}/members", None, {"at": before}, roomId=account.room_id))["chunk"]
    assert {event["state_key"] for event in chunk} == {account.user_id}


async def test_history_holds_no_membership_of_followers(tea: World) -> None:
    account, reader, other, post = await followed(tea)
    query = {"dir": "b", "limit": 100}
    pages = [
        await who.good("GET", f"{ROOM}/messages", None, query, roomId=account.room_id)
        for who in (reader, other, await tea.person("passer"))
    ]
    ids = [[event["event_id"] for event in page["chunk"]] for page in pages]
    assert ids[0] == ids[1] == ids[2]
    assert post["event_id"] in ids[0]
    keys = {event.get("state_key") for event in pages[0]["chunk"] if event["type"] == "m.room.member"}
    assert keys == {account.user_id}


async def test_the_directory_counts_followers(tea: World) -> None:
    account, reader, _, _ = await followed(tea)
    [entry] = (await reader.good("GET", "/publicRooms"))["chunk"]
    assert (entry["room_id"], entry["num_joined_members"]) == (account.room_id, 3)
    assert (entry["join_rule"], entry["world_readable"]) == ("public", True)


async def test_a_receipt_is_the_reader_s_alone_and_reads_on_all_their_devices(tea: World) -> None:
    account, reader, other, post = await followed(tea)
    tablet = await reader.device("TABLET")
    since, others = (await tablet.sync())["next_batch"], (await other.sync())["next_batch"]
    at = {"roomId": account.room_id, "eventId": post["event_id"]}
    await reader.good("POST", f"{ROOM}/receipt/m.read/{{eventId}}", {}, **at)
    room = (await tablet.sync(since))["rooms"]["join"][account.room_id]
    [receipt] = [event for event in room["ephemeral"]["events"] if event["type"] == "m.receipt"]
    assert set(receipt["content"][post["event_id"]]["m.read"]) == {reader.user_id}
    assert "rooms" not in await other.sync(others)
    whole = (await other.sync())["rooms"]["join"][account.room_id]
    assert all(reader.user_id not in str(event) for event in whole["ephemeral"]["events"])


async def test_the_relations_of_a_post_hold_what_its_reader_did_and_nobody_else(tea: World) -> None:
    """Clients that open a poll ask for its relations, to show what one answered before."""
    account, reader, other, _ = await followed(tea)
    poll = await account.publish("", poll={"question": "Which?", "answers": ["Green", "Black"]})
    relates = {"rel_type": "m.reference", "event_id": poll["event_id"]}
    kind = "org.matrix.msc3381.poll.response"
    for person, answer in ((reader, "0"), (other, "1"), (reader, "1")):
        vote = await person.send(account.room_id, kind, {"m.relates_to": relates, kind: {"answers": [answer]}})
        if person is reader:
            own = vote
    annotates = {"rel_type": "m.annotation", "event_id": poll["event_id"], "key": "🍵"}
    like = await reader.send(account.room_id, "m.reaction", {"m.relates_to": annotates})

    async def related(person: Person, below: str = "", **query: Any) -> list[str]:
        path = {"roomId": account.room_id, "eventId": poll["event_id"]}
        page = await person.good("GET", f"{RELATIONS}{below}", None, query, **path)
        return [event["event_id"] for event in page["chunk"]]

    assert await related(reader) == [like, own]
    assert await related(reader, dir="f") == [own, like]
    assert await related(reader, limit=1) == [like]
    assert await related(reader, "/m.reference") == [own]
    assert await related(reader, f"/m.reference/{kind}") == [own]
    assert await related(reader, "/m.reference/m.reaction") == []
    assert len(await related(other)) == 1
    assert await related(account.owner) == []
    await reader.redact(account.room_id, like)
    assert await related(reader) == [own]


async def test_what_one_does_in_one_s_own_channel_reaches_one_s_other_devices(tea: World) -> None:
    ann = await tea.person("ann")
    account = await opened(ann, "ann", "person")
    first, _ = await account.publish("One."), await account.publish("Two.")
    laptop = await ann.device("LAPTOP")
    since = (await laptop.sync())["next_batch"]
    path = {"roomId": account.room_id, "receiptType": "m.read", "eventId": first["event_id"]}
    await ann.good("POST", f"{ROOM}/receipt/{{receiptType}}/{{eventId}}", {}, **path)
    answer = await laptop.sync(since)
    [shown] = answer["rooms"]["join"][account.room_id]["ephemeral"]["events"]
    assert ann.user_id in shown["content"][first["event_id"]]["m.read"]
    annotates = {"rel_type": "m.annotation", "event_id": first["event_id"], "key": "🍵"}
    like = await ann.send(account.room_id, "m.reaction", {"m.relates_to": annotates})
    assert [event["event_id"] for event in timeline(await laptop.sync(answer["next_batch"]), account.room_id)] == [like]


async def test_nobody_sees_a_follower_type(tea: World) -> None:
    account, reader, other, _ = await followed(tea)
    since = (await other.sync())["next_batch"]
    path = f"{ROOM}/typing/{{userId}}"
    await reader.good("PUT", path, {"typing": True, "timeout": 9_000}, roomId=account.room_id, userId=reader.user_id)
    assert "rooms" not in await other.sync(since)


async def test_following_shares_no_room_for_keys_and_names(tea: World) -> None:
    account, reader, other, _ = await followed(tea)
    before = (await other.sync())["next_batch"]
    keys = {"algorithms": [], "device_id": reader.device_id, "user_id": reader.user_id, "keys": {}, "signatures": {}}
    await reader.ask("POST", "/keys/upload", {"device_keys": keys})
    await reader.good("PUT", "/profile/{userId}/displayname", {"displayname": "New"}, userId=reader.user_id)
    answer = await other.sync(before)
    assert "rooms" not in answer
    assert "device_lists" not in answer
    own = await own_member(reader, account)
    assert own["content"]["displayname"] == "New"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/rooms/{roomId}/state/m.room.encryption/", {"algorithm": "m.megolm.v1.aes-sha2"}),
        ("PUT", "/rooms/{roomId}/state/m.room.power_levels/", {"users": {}}),
        ("PUT", "/rooms/{roomId}/state/m.room.join_rules/", {"join_rule": "invite"}),
        ("PUT", "/rooms/{roomId}/state/m.room.history_visibility/", {"history_visibility": "joined"}),
        ("PUT", "/rooms/{roomId}/state/io.teahouse.channel/", {"account": "other"}),
        ("PUT", "/rooms/{roomId}/state/m.room.name/", {"name": "The Daily Leaf"}),
        ("PUT", "/rooms/{roomId}/state/m.room.avatar/", {"url": "mxc://tea.test/another"}),
        ("POST", "/rooms/{roomId}/invite", {"user_id": "@other:tea.test"}),
        ("POST", "/rooms/{roomId}/kick", {"user_id": "@other:tea.test"}),
        ("POST", "/rooms/{roomId}/ban", {"user_id": "@other:tea.test"}),
        ("POST", "/rooms/{roomId}/upgrade", {"new_version": "11"}),
        ("POST", "/knock/{roomId}", {}),
        ("PUT", "/directory/room/%23x:tea.test", {"room_id": "{roomId}"}),
        ("PUT", "/directory/list/room/{roomId}", {"visibility": "private"}),
    ],
)
async def test_a_channel_s_settings_are_nobody_s_to_change(tea: World, method: str, path: str, body: Any) -> None:
    owner = await tea.person("owner")
    await tea.person("other")
    wish = {"handle": "owner", "kind": "person", "name": "Owner"}
    made = await owner.good("POST", "/_teahouse/v1/accounts", wish)
    room_id = made["room_id"]
    sent = {key: room_id if value == "{roomId}" else value for key, value in body.items()}
    if "%23x" in path:
        answer = await owner.ask(method, "/directory/room/{alias}", sent, alias="#x:tea.test")
    else:
        answer = await owner.ask(method, path, sent, roomId=room_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN"), answer.json


async def test_nobody_else_can_make_a_room_look_like_a_channel(tea: World) -> None:
    person = await tea.person("person")
    state = [{"type": "io.teahouse.channel", "state_key": "", "content": {"account": "daily"}}]
    made = await person.ask("POST", "/createRoom", {"initial_state": state})
    assert (made.status, made.errcode) == (403, "M_FORBIDDEN")
    room_id = await person.create()
    path = "/rooms/{roomId}/state/io.teahouse.channel/"
    assert (await person.ask("PUT", path, {"account": "daily"}, roomId=room_id)).status == 403


async def test_an_alias_that_is_taken_keeps_nobody_from_opening_an_account(tea: World) -> None:
    squatter, owner = await tea.person("squatter"), await tea.person("owner")
    await squatter.create(room_alias_name="daily")
    account = await opened(owner, "daily")
    assert (await account.publish())["number"] == 1


async def test_forgetting_a_channel_drops_it_and_following_brings_it_back(tea: World) -> None:
    account, reader, _, _ = await followed(tea)
    since = (await reader.sync())["next_batch"]
    still = await reader.ask("POST", f"{ROOM}/forget", {}, roomId=account.room_id)
    assert still.status == 400
    await reader.leave(account.room_id)
    await reader.good("POST", f"{ROOM}/forget", {}, roomId=account.room_id)
    archived = '{"room":{"include_leave":true}}'
    assert "rooms" not in await reader.sync(filter=archived)
    await reader.join(account.room_id)
    assert timeline(await reader.sync(since), account.room_id) != []


async def test_one_who_closes_their_account_follows_nobody(tea: World) -> None:
    _, reader, _, _ = await followed(tea)
    assert (await tea.app.public_accounts.require("daily")).followers == 2
    await tea.app.accounts.close(reader.user_no)
    assert (await tea.app.public_accounts.require("daily")).followers == 1
    await tea.restart()
    assert (await tea.app.public_accounts.require("daily")).followers == 1
