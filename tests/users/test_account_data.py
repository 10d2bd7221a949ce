"""What users keep with us: account data, tags, filters, whom they ignore."""

import asyncio
import json
from typing import Any

import pytest

from teahouse.bus.local import LocalBus
from teahouse.db import Database
from teahouse.errors import TooLarge
from teahouse.users import account_data
from teahouse.users.account_data import CONTENT_MAX_BYTES, FILTER_MAX_BYTES, FILTERS_MAX, AccountData
from tests.world import Answer, Person, World

DATA = "/user/{userId}/account_data/{type}"
ROOM_DATA = "/user/{userId}/rooms/{roomId}/account_data/{type}"
TAGS = "/user/{userId}/rooms/{roomId}/tags"
TAG = TAGS + "/{tag}"
FILTER = "/user/{userId}/filter"


async def put(person: Person, data_type: str, content: Any, room_id: str = "") -> Answer:
    template = ROOM_DATA if room_id else DATA
    return await person.ask("PUT", template, content, userId=person.user_id, type=data_type, roomId=room_id)


async def get(person: Person, data_type: str, room_id: str = "") -> Answer:
    template = ROOM_DATA if room_id else DATA
    return await person.ask("GET", template, userId=person.user_id, type=data_type, roomId=room_id)


async def test_account_data_is_kept_by_type_and_room_and_across_a_restart(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    content = {"cups": [1, {"tea": "茶", "none": None}]}
    assert (await put(alice, "org.example", content)).json == {}
    assert (await put(alice, "org.example", {"here": True}, room)).json == {}
    assert (await put(alice, "org.example", {"here": False}, room)).json == {}
    await tea.restart()
    assert (await get(alice, "org.example")).json == content
    assert (await get(alice, "org.example", room)).json == {"here": False}
    absent = await get(alice, "org.example.other")
    assert (absent.status, absent.errcode) == (404, "M_NOT_FOUND")


async def test_account_data_is_its_owners_alone(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create()
    for template, more in ((DATA, {}), (ROOM_DATA, {"roomId": room})):
        for method, body in (("GET", None), ("PUT", {})):
            refused = await bob.ask(method, template, body, userId=alice.user_id, type="org.example", **more)
            assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert (await bob.ask("GET", TAGS, userId=alice.user_id, roomId=room)).status == 403
    assert (await bob.ask("POST", FILTER, {}, userId=alice.user_id)).status == 403


@pytest.mark.parametrize("data_type", ["m.fully_read", "m.push_rules"])
async def test_what_the_server_writes_cannot_be_set(tea: World, data_type: str) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    for room_id in ("", room):
        refused = await put(alice, data_type, {}, room_id)
        assert (refused.status, refused.errcode) == (405, "M_BAD_JSON")


async def test_numbers_of_account_data_may_have_fractions(tea: World) -> None:
    alice = await tea.person("alice")
    content = {"size": 1.5, "more": [0.1, -2.25, 1e3]}
    assert (await put(alice, "org.example", content)).json == {}
    assert (await get(alice, "org.example")).json == content
    room = await alice.create()
    assert (await put(alice, "m.tag", {"tags": {"u.tea": {"order": 0.25}}}, room)).json == {}
    assert (await get(alice, "m.tag", room)).json == {"tags": {"u.tea": {"order": 0.25}}}
    for wrong in (2**53, float("inf"), float("nan")):
        assert (await put(alice, "org.example", {"size": wrong})).status == 400


async def test_the_rules_of_one_who_never_changed_one_are_read_as_those_of_others(tea: World) -> None:
    alice = await tea.person("alice")
    rules = (await get(alice, "m.push_rules")).json
    [shown] = [event for event in (await alice.sync())["account_data"]["events"] if event["type"] == "m.push_rules"]
    assert rules == shown["content"]
    await alice.good("PUT", "/pushrules/global/room/{ruleId}", {"actions": []}, ruleId="!tea:tea.test")
    assert (await get(alice, "m.push_rules")).json["global"]["room"][0]["rule_id"] == "!tea:tea.test"
    room = await alice.create()
    assert (await get(alice, "m.push_rules", room)).status == 404


async def test_account_data_is_an_object_that_must_be_there(tea: World) -> None:
    alice = await tea.person("alice")
    assert (await put(alice, "org.example", None)).errcode == "M_NOT_JSON"  # an empty body
    assert (await put(alice, "org.example", "text")).errcode == "M_BAD_JSON"


async def test_the_read_line_that_the_server_keeps_is_read(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    event_id = await alice.say(room)
    await alice.good("POST", "/rooms/{roomId}/read_markers", {"m.fully_read": event_id}, roomId=room)
    assert (await get(alice, "m.fully_read", room)).json == {"event_id": event_id}


async def test_of_a_room_that_is_not_here_nothing_is_kept(tea: World) -> None:
    alice = await tea.person("alice")
    absent = await get(alice, "org.example", "!nowhere:tea.test")
    assert (absent.status, absent.errcode) == (404, "M_NOT_FOUND")
    assert (await get(alice, "org.example", "no room")).errcode == "M_INVALID_PARAM"
    assert (await alice.good("GET", TAGS, userId=alice.user_id, roomId="!nowhere:tea.test")) == {"tags": {}}
    refused = await put(alice, "org.example", {}, "!nowhere:tea.test")
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_account_data_has_limits(tea: World) -> None:
    alice = await tea.person("alice")
    refused = await put(alice, "org.example", {"x": "x" * CONTENT_MAX_BYTES})
    assert (refused.status, refused.errcode) == (413, "M_TOO_LARGE")
    assert (await put(alice, "x" * 256, {})).errcode == "M_INVALID_PARAM"
    assert (await put(alice, "org.example", [])).errcode == "M_BAD_JSON"
    assert (await put(alice, "org.example", {}, "no room")).errcode == "M_INVALID_PARAM"
    assert (await put(alice, "m.ignored_user_list", {"ignored_users": []})).errcode == "M_BAD_JSON"


async def test_a_user_keeps_a_limited_number_of_entries(database: Database) -> None:
    kept = AccountData(database, LocalBus(), entries_max=2)
    await kept.put(1, 0, "a", {})
    await kept.put(1, 7, "a", {})
    with pytest.raises(TooLarge):
        await kept.put(1, 0, "b", {})
    await kept.put(1, 0, "a", {"changed": True})
    await kept.put(2, 0, "b", {})


async def test_what_changed_between_two_positions_is_found(database: Database) -> None:
    woken: list[int] = []
    bus = LocalBus()
    bus.subscribe(lambda rooms, users: woken.extend(users))
    kept = AccountData(database, bus)
    await kept.put(1, 0, "a", {"n": 1})
    first = database.head
    await kept.put(1, 7, "b", {"n": 2})
    second = database.head
    await kept.put(1, 0, "a", {"n": 3})
    await kept.put(2, 0, "a", {"n": 4})
    assert woken == [1, 1, 1, 2]
    assert await kept.since(1, 0, database.head) == [(7, "b", b'{"n":2}'), (0, "a", b'{"n":3}')]
    assert await kept.since(1, first, second) == [(7, "b", b'{"n":2}')]
    assert await kept.since(1, second, database.head) == [(0, "a", b'{"n":3}')]
    assert await kept.since(1, database.head, database.head) == []
    assert await AccountData(database, bus).since(1, database.head, database.head) == []


async def change_and_fail(database: Database, kept: AccountData) -> None:
    async with database.transaction() as tx:
        await kept.set_in(tx, 1, 0, "m.ignored_user_list", {})
        raise RuntimeError


async def test_nothing_of_a_change_that_failed_is_kept_or_told(database: Database) -> None:
    woken: list[int] = []
    bus = LocalBus()
    bus.subscribe(lambda rooms, users: woken.extend(users))
    kept = AccountData(database, bus)
    await kept.put(1, 0, "m.ignored_user_list", {"ignored_users": {"@bob:tea.test": {}}})
    assert await kept.ignored(1) == {"@bob:tea.test"}
    with pytest.raises(RuntimeError):
        await change_and_fail(database, kept)
    assert woken == [1]
    assert await kept.ignored(1) == {"@bob:tea.test"}


async def test_whom_one_ignores_follows_each_change(database: Database) -> None:
    kept = AccountData(database, LocalBus())
    assert await kept.ignored(1) == frozenset()
    async with database.transaction() as tx:
        await kept.ignore(tx, 1, "@bob:tea.test")
    async with database.transaction() as tx:
        await kept.ignore(tx, 1, "@carol:tea.test")
    assert await kept.ignored(1) == {"@bob:tea.test", "@carol:tea.test"}
    await kept.put(1, 0, "m.ignored_user_list", {"ignored_users": {}})
    assert await kept.ignored(1) == frozenset()
    await kept.put(1, 7, "m.ignored_user_list", {"ignored_users": {"@bob:tea.test": {}}})  # means nothing in a room
    assert await kept.ignored(1) == frozenset()


@pytest.mark.parametrize(
    ("content", "blocked"), [({"default_action": "block"}, True), ({"default_action": "allow"}, False), ({}, False)]
)
async def test_invites_are_blocked_as_the_user_set_it(
    database: Database, content: dict[str, Any], blocked: bool
) -> None:
    kept = AccountData(database, LocalBus())
    assert not await kept.invites_blocked(1)
    await kept.put(1, 0, "m.invite_permission_config", content)
    assert await kept.invites_blocked(1) is blocked


async def test_rooms_are_tagged_and_untagged(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    me: dict[str, str] = {"userId": alice.user_id, "roomId": room}
    assert await alice.good("GET", TAGS, **me) == {"tags": {}}
    await alice.good("PUT", TAG, {"order": 0.25}, **me, tag="m.favourite")
    await alice.good("PUT", TAG, {}, **me, tag="u.Tea & Cake")
    tags = {"m.favourite": {"order": 0.25}, "u.Tea & Cake": {}}
    assert await alice.good("GET", TAGS, **me) == {"tags": tags}
    synced = (await alice.sync())["rooms"]["join"][room]["account_data"]["events"]
    assert {"type": "m.tag", "content": {"tags": tags}} in synced
    await alice.good("DELETE", TAG, **me, tag="m.favourite")
    await alice.good("DELETE", TAG, **me, tag="m.favourite")
    assert await alice.good("GET", TAGS, **me) == {"tags": {"u.Tea & Cake": {}}}


@pytest.mark.parametrize(("tag", "body"), [("x" * 256, {}), ("u.a", {"order": 2}), ("u.a", {"order": "0"})])
async def test_a_tag_that_cannot_be_is_refused(tea: World, tag: str, body: Any) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    assert (await alice.ask("PUT", TAG, body, userId=alice.user_id, roomId=room, tag=tag)).status == 400


async def test_tags_set_at_once_are_all_kept(tea: World) -> None:
    alice = await tea.person("alice")
    me = {"userId": alice.user_id, "roomId": await alice.create()}
    names = [f"u.{number}" for number in range(10)]
    await asyncio.gather(*(alice.good("PUT", TAG, {}, **me, tag=name) for name in names))
    assert set((await alice.good("GET", TAGS, **me))["tags"]) == set(names)


async def add_filter(person: Person, wanted: Any) -> str:
    return str((await person.good("POST", FILTER, wanted, userId=person.user_id))["filter_id"])


async def test_a_filter_comes_back_as_it_was_and_the_same_one_is_stored_once(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    wanted = {"room": {"timeline": {"limit": 3}}, "org.example": 1}
    first = await add_filter(alice, wanted)
    assert await add_filter(alice, {}) != first
    assert await add_filter(alice, wanted) == first
    await tea.restart()
    path = FILTER + "/{filterId}"
    assert await alice.good("GET", path, userId=alice.user_id, filterId=first) == wanted
    for person, name in ((bob, first), (alice, "99"), (alice, "x"), (alice, "-1"), (alice, "9" * 30)):
        absent = await person.ask("GET", path, userId=person.user_id, filterId=name)
        assert (absent.status, absent.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("wanted", [[], {"room": 5}, {"room": {"timeline": {"limit": "x"}}}, {"event_format": "x"}])
async def test_what_is_no_filter_is_refused(tea: World, wanted: Any) -> None:
    alice = await tea.person("alice")
    refused = await alice.ask("POST", FILTER, wanted, userId=alice.user_id)
    assert (refused.status, refused.errcode) == (400, "M_BAD_JSON")


async def test_filters_have_limits_and_the_oldest_goes_first(database: Database) -> None:
    kept = AccountData(database, LocalBus())
    with pytest.raises(TooLarge):
        await kept.add_filter(1, json.dumps({"org.example": "x" * FILTER_MAX_BYTES}).encode())
    ids = [await kept.add_filter(1, json.dumps({"n": number}).encode()) for number in range(FILTERS_MAX + 1)]
    assert len(set(ids)) == FILTERS_MAX + 1
    ((count,),) = await database.fetch("SELECT count(*) FROM filters")
    assert count == FILTERS_MAX
    assert await kept.stored_filter(1, ids[1]) == b'{"n": 1}'
    with pytest.raises(Exception, match="no such filter"):
        await kept.stored_filter(1, ids[0])


async def test_memory_holds_a_limited_number_of_users(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_data, "USERS_CACHED_MAX", 3)
    kept = AccountData(database, LocalBus())
    for user_no in range(1, 8):
        await kept.put(user_no, 0, "a", {})
        await kept.ignored(user_no)
        await kept.filter(user_no, await kept.add_filter(user_no, b"{}"))
    assert max(map(len, (kept._newest, kept._ignored, kept._filters))) <= 3
