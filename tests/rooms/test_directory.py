"""Aliases and the public directory."""

from typing import Any

from tests.world import SERVER, Person, World


async def test_an_alias_leads_to_its_room_until_it_is_removed(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", room_alias_name="tea")
    alias = f"#tea:{SERVER}"
    assert (await bob.good("GET", "/directory/room/{roomAlias}", roomAlias=alias))["room_id"] == room
    assert (await bob.good("POST", "/join/{roomIdOrAlias}", {}, roomIdOrAlias=alias))["room_id"] == room
    taken = await bob.ask("POST", "/createRoom", {"room_alias_name": "tea"})
    assert (taken.status, taken.errcode) == (400, "M_ROOM_IN_USE")
    refused = await bob.ask("DELETE", "/directory/room/{roomAlias}", roomAlias=alias)
    assert refused.status == 403
    await alice.good("DELETE", "/directory/room/{roomAlias}", roomAlias=alias)
    assert (await bob.ask("GET", "/directory/room/{roomAlias}", roomAlias=alias)).status == 404


async def test_the_directory_pages_through_listed_rooms_by_size_and_finds_by_any_text(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    rooms = {}
    for name in ("100% Tea", "under_score", "Bang! Über", "plain"):
        rooms[name] = await alice.create(preset="public_chat", visibility="public", name=name)
    await alice.create(preset="public_chat", name="unlisted")
    await bob.join(rooms["plain"])
    found: list[str] = []
    since = None
    while True:
        page = await bob.good("GET", "/publicRooms", None, {"limit": 1, "since": since})
        found += [room["room_id"] for room in page["chunk"]]
        since = page.get("next_batch")
        if since is None:
            break
    assert found[0] == rooms["plain"]
    assert sorted(found) == sorted(rooms.values())

    async def search(term: str) -> set[str]:
        body = {"filter": {"generic_search_term": term}}
        return {room["room_id"] for room in (await bob.good("POST", "/publicRooms", body))["chunk"]}

    assert await search("%") == {rooms["100% Tea"]}
    assert await search("_") == {rooms["under_score"]}
    assert await search("!") == {rooms["Bang! Über"]}
    assert await search("ÜBER") == {rooms["Bang! Über"]}
    assert await search("0% t") == {rooms["100% Tea"]}
    assert await search("nothing") == set()


async def test_listing_a_room_survives_a_restart(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat")
    await alice.good("PUT", "/directory/list/room/{roomId}", {"visibility": "public"}, roomId=room)
    await tea.restart()
    assert await alice.good("GET", "/directory/list/room/{roomId}", roomId=room) == {"visibility": "public"}
    await alice.good("PUT", "/directory/list/room/{roomId}", {"visibility": "private"}, roomId=room)
    assert (await alice.good("GET", "/publicRooms"))["chunk"] == []


async def test_an_upgraded_room_hands_over_its_aliases_and_a_retry_finds_the_same_room(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    old = await alice.create(preset="public_chat", room_alias_name="tea", name="tea house", room_version="11")
    await bob.join(old)
    assert (await bob.ask("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old)).status == 403
    made = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old)
    new = made["replacement_room"]
    assert await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old) == made
    found = await bob.good("GET", "/directory/room/{roomAlias}", roomAlias=f"#tea:{SERVER}")
    assert found["room_id"] == new
    path = {"roomId": old, "eventType": "m.room.tombstone"}
    tombstone = await bob.good("GET", "/rooms/{roomId}/state/{eventType}/", **path)
    assert tombstone["replacement_room"] == new
    path = {"roomId": new, "eventType": "m.room.create"}
    create = await alice.good("GET", "/rooms/{roomId}/state/{eventType}/", **path)
    assert create["predecessor"]["room_id"] == old
    path = {"roomId": new, "eventType": "m.room.name"}
    assert await alice.good("GET", "/rooms/{roomId}/state/{eventType}/", **path) == {"name": "tea house"}


async def test_a_room_goes_no_more_by_an_alias_that_is_gone(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", room_alias_name="tea")
    await bob.join(room)
    aliases = [f"#{name}:{SERVER}" for name in ("tea", "chai", "bobs")]
    for person, alias in ((alice, aliases[1]), (bob, aliases[2])):
        await person.good("PUT", "/directory/room/{roomAlias}", {"room_id": room}, roomAlias=alias)
    await alice.set(room, "m.room.canonical_alias", {"alias": aliases[0], "alt_aliases": aliases[1:]})

    async def after(person: Person, alias: str) -> Any:
        await person.good("DELETE", "/directory/room/{roomAlias}", roomAlias=alias)
        return await alice.good("GET", "/rooms/{roomId}/state/m.room.canonical_alias", roomId=room)

    assert await after(alice, aliases[1]) == {"alias": aliases[0], "alt_aliases": [aliases[2]]}
    assert await after(bob, aliases[2]) == {"alias": aliases[0], "alt_aliases": [aliases[2]]}  # not his to change
    assert await after(alice, aliases[0]) == {"alt_aliases": [aliases[2]]}


async def test_the_main_alias_goes_with_the_room_to_the_one_that_replaces_it(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat", room_alias_name="tea", room_version="11")
    upgraded = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=room)
    content = {"alias": f"#tea:{SERVER}"}
    template = "/rooms/{roomId}/state/m.room.canonical_alias"
    assert await alice.good("GET", template, roomId=upgraded["replacement_room"]) == content
    assert await alice.good("GET", template, roomId=room) == {}
    levels = await alice.good(
        "GET", "/rooms/{roomId}/state/m.room.power_levels", roomId=upgraded["replacement_room"]
    )
    assert levels["events"]["m.room.tombstone"] > levels["state_default"]


async def test_the_directory_is_of_this_server_and_this_network(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(visibility="public")
    for method, body in (("GET", None), ("POST", {})):
        own = await alice.good(method, "/publicRooms", body, {"server": SERVER})
        assert [listed["room_id"] for listed in own["chunk"]] == [room]
        other = await alice.ask(method, "/publicRooms", body, {"server": "elsewhere.test"})
        assert (other.status, other.errcode) == (404, "M_NOT_FOUND")
    everywhere = await alice.good("POST", "/publicRooms", {"include_all_networks": True})
    assert [listed["room_id"] for listed in everywhere["chunk"]] == [room]
    elsewhere = await alice.good("POST", "/publicRooms", {"third_party_instance_id": "irc"})
    assert elsewhere == {"chunk": [], "total_room_count_estimate": 0}
    both = {"third_party_instance_id": "irc", "include_all_networks": True}
    assert (await alice.ask("POST", "/publicRooms", both)).errcode == "M_INVALID_PARAM"
