"""The public directory against a plain model, in both directions, and its cost with a hundred times as much in it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from teahouse.db.migrate import POSTGRES_WORDS, SQLITE_WORDS, statements
from teahouse.eventlog import listing
from teahouse.rooms import finding
from tests.public_accounts.crowd import NUMBERS
from tests.public_accounts.newsroom import ACCOUNT, opened
from tests.world import Person, World

FAR = 1 << 45  # numbers that no room of a test has
TEMPLATE = "/directory/list/room/{roomId}"
NAMES = ("Green tea", "Black tea & milk", "老街茶馆", "街茶", "Ünïted Tea", "a", "ab", "tea 🍵🍵", "100%_!", "TEAPOT")


async def asked(person: Person, search: str = "", **query: Any) -> Any:
    """One page."""
    return await person.good("POST", "/publicRooms", {"filter": {"generic_search_term": search}, **query})


async def walked(person: Person, search: str, limit: int) -> tuple[list[str], list[str]]:
    """The room ids of all pages, downwards, and upwards again from the last page on."""
    page = await asked(person, search, limit=limit)
    down = [room["room_id"] for room in page["chunk"]]
    assert "prev_batch" not in page
    last = page
    while "next_batch" in page:
        page = await asked(person, search, limit=limit, since=page["next_batch"])
        down += [room["room_id"] for room in page["chunk"]]
        last = page
    up = [room["room_id"] for room in reversed(last["chunk"])]
    while "prev_batch" in page:
        page = await asked(person, search, limit=limit, since=page["prev_batch"])
        up += [room["room_id"] for room in reversed(page["chunk"])]
    return down, up


@pytest.mark.parametrize("few", [1_000, 2], ids=["by-rare-characters", "looking-through"])
async def test_every_part_of_a_name_finds_what_a_plain_look_finds_in_both_directions(
    tea: World, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(finding, "FEW_MAX", few)
    monkeypatch.setattr(finding, "SCANNED_MAX", 3)
    alice, bob = await tea.person("alice"), await tea.person("bob")
    listed: list[tuple[int, int, str, str]] = []
    for number, name in enumerate(NAMES):
        room = await alice.create(preset="public_chat", visibility="public", name=name)
        if number % 3 == 0:
            await bob.join(room)
        row = await tea.database.fetch_one("SELECT max(room_no) FROM rooms")
        assert row is not None
        listed.append((1 + (number % 3 == 0), row[0], room, name.casefold()))
    listed.sort(reverse=True)
    rng = random.Random(7)
    parts = {"", "tea", "te", "t", "%", "_!", "馆", "街茶", "茶", "ünï", "🍵", "nothing", "ab", "x" * 300}
    for name in NAMES:
        start = rng.randrange(len(name))
        parts.add(name[start : start + rng.randrange(1, 5)])
    for part in sorted(parts):
        expected = [room for _, _, room, about in listed if part[:200].casefold() in about]
        for limit in (1, 4):
            down, up = await walked(bob, part, limit)
            assert down == expected, part
            assert up == expected[::-1], part


async def test_pages_stay_as_they_are_while_other_rooms_come_and_go(tea: World) -> None:
    alice = await tea.person("alice")
    rooms = [await alice.create(preset="public_chat", visibility="public", name=f"tea {n}") for n in range(6)]
    order = (await walked(alice, "tea", 10))[0]
    first = await asked(alice, "tea", limit=2)
    gone = order[0]
    await alice.good("PUT", TEMPLATE, {"visibility": "private"}, roomId=gone)
    new = await alice.create(preset="public_chat", visibility="public", name="tea, the newest")
    second = await asked(alice, "tea", limit=2, since=first["next_batch"])
    seen = [room["room_id"] for page in (first, second) for room in page["chunk"]]
    assert [room for room in seen if room != new] == [room for room in order if room != new][: len(seen)]
    back = await asked(alice, "tea", limit=5, since=second["prev_batch"])
    assert gone not in [room["room_id"] for room in back["chunk"]]
    assert sorted(order) == sorted(rooms)


async def test_rooms_are_found_by_what_they_say_now_and_counted_while_they_are_listed(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat", visibility="public", name="Oolong", room_version="11")
    hidden = await alice.create(preset="public_chat", name="Oolong too")

    async def found(text: str) -> tuple[list[str], int]:
        page = await asked(alice, text)
        return [each["room_id"] for each in page["chunk"]], page["total_room_count_estimate"]

    assert await found("long") == ([room], 1)
    await alice.set(room, "m.room.name", {"name": "Sencha"})
    assert (await found("long"), await found("ench")) == (([], 1), ([room], 1))
    await alice.good("PUT", TEMPLATE, {"visibility": "public"}, roomId=hidden)
    await alice.good("PUT", TEMPLATE, {"visibility": "public"}, roomId=hidden)
    assert await found("long") == ([hidden], 2)
    await alice.good("PUT", TEMPLATE, {"visibility": "private"}, roomId=hidden)
    assert await found("long") == ([], 1)
    made = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=room)
    assert await found("ench") == ([made["replacement_room"]], 1)
    assert await alice.good("GET", TEMPLATE, roomId=room) == {"visibility": "private"}
    rows = await tea.database.fetch("SELECT DISTINCT room_no FROM listed_grams")
    assert len(rows) == 1


@pytest.mark.parametrize("since", ["", "x1_2", "p1", "p1_2_3", "p-1_2", "b1_" + "9" * 30, "p1_²"])
async def test_what_is_no_token_is_refused(tea: World, since: str) -> None:
    alice = await tea.person("alice")
    refused = await alice.ask("POST", "/publicRooms", {"since": since})
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_rooms_listed_before_this_version_are_found_by_the_same_characters(tea: World) -> None:
    alice = await tea.person("alice")
    topic = "long " + "".join(chr(0x4E00 + number) for number in range(800))
    for name in NAMES:
        await alice.create(preset="public_chat", visibility="public", name=name)
    await alice.create(preset="public_chat", visibility="public", topic=topic)
    now = await tea.database.fetch("SELECT gram, room_no FROM listed_grams ORDER BY gram, room_no")
    words = POSTGRES_WORDS if tea.place.file is None else SQLITE_WORDS
    async with tea.database.transaction() as tx:
        await tx.execute("DELETE FROM listed_grams")
        await tx.execute(statements("0014_listing", words)[-1])
    assert await tea.database.fetch("SELECT gram, room_no FROM listed_grams ORDER BY gram, room_no") == now
    assert {row[0] for row in now} == {gram for text in (*NAMES, topic) for gram in listing.grams(text.casefold())}


async def listed_crowd(tea: World, first: int, last: int) -> None:
    """Rows of so many listed channels, named `crowd{number} tea`, as the index has them."""
    async with tea.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO rooms (room_no, version, creator_no, created_ms, listed, joined_count, about) "
            f"{NUMBERS} SELECT {FAR} + i, '11', 0, 0, 1, 0, 'crowd' || CAST(i AS TEXT) || ' tea' FROM n",
            first, last,
        )  # fmt: skip
        await listing.count(tx, last - first + 1)
        for place in range(1, 6):  # grams at fixed places are enough: "crowd" and the first digits
            await tx.execute(
                f"INSERT INTO listed_grams (gram, room_no) {NUMBERS}, r(room_no, a) AS (SELECT {FAR} + i, "
                "'crowd' || CAST(i AS TEXT) || ' tea' FROM n) SELECT "
                + " + ".join(
                    f"CAST({'ascii' if tea.place.file is None else 'unicode'}(substr(a, {place + at}, 1)) AS BIGINT)"
                    f" * {1 << bits}" for at, bits in enumerate(listing.PREFIX_BITS)
                )
                + ", room_no FROM r WHERE 1 = 1 ON CONFLICT DO NOTHING",
                first, last,
            )  # fmt: skip


async def test_the_directory_costs_the_same_with_a_hundred_thousand_channels_in_it(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "FEW_MAX", 200)
    monkeypatch.setattr(finding, "SCANNED_MAX", 500)
    alice = await tea.person("alice")
    account = await opened(alice, "oolong")
    for number in range(4):
        await alice.create(preset="public_chat", visibility="public", name=f"oolong {number}")
    costs = []
    questions = [("", {}), ("oolong", {}), ("oolong", {"since": "b0_0"}), ("crowd", {}), ("o", {}), ("nowhere", {}),
                 ("", {"since": f"p0_{1 << 50}"}), ("crowd", {"since": f"p0_{1 << 50}"})]  # fmt: skip
    for first, last in ((1, 1_000), (1_001, 100_000)):
        await listed_crowd(tea, first, last)
        await tea.counted.settle()
        measured = []
        for search, query in questions:
            await asked(alice, search, limit=5, **query)
            cost, page = await tea.counted.taken(
                lambda search=search, query=query: asked(alice, search, limit=5, **query)  # type: ignore[misc]
            )
            assert page["total_room_count_estimate"] == last + 5
            measured.append(cost)
        for name in ("The Daily Leaf", "Sencha"):
            body = {"name": name, "about": {}}
            cost, _ = await tea.counted.taken(
                lambda body=body: alice.good("PUT", ACCOUNT, body, handle="oolong")  # type: ignore[misc]
            )
        measured.append(cost)
        costs.append(measured)
    assert account.handle == "oolong"
    for (search, query), one, other in zip([*questions, ("rename", {})], *costs, strict=True):
        assert one.like(other), (search, query, one, other)


async def test_few_rooms_of_a_type_fill_a_page_however_many_others_there_are(tea: World) -> None:
    alice = await tea.person("alice")
    made: dict[str | None, list[str]] = {None: [], "m.space": [], "org.example": []}
    for number in range(12):
        kind = {3: "m.space", 7: "org.example", 11: "m.space"}.get(number)
        content = {} if kind is None else {"type": kind}
        made[kind].insert(0, await alice.create(visibility="public", creation_content=content))

    async def look(types: list[str | None], since: str | None, limit: int) -> Any:
        wanted = {"limit": limit, "since": since, "filter": {"room_types": types}}
        return await alice.good("POST", "/publicRooms", wanted)

    def ids(page: Any) -> list[str]:
        return [room["room_id"] for room in page["chunk"]]

    assert ids(await look(["m.space"], None, 2)) == made["m.space"]
    first = await look(["m.space"], None, 1)
    second = await look(["m.space"], first["next_batch"], 1)
    assert ids(first) + ids(second) == made["m.space"]
    assert ids(await look(["m.space"], second["prev_batch"], 1)) == ids(first)
    assert ids(await look([None], None, 100)) == made[None]
    assert ids(await look([None, "org.example"], None, 3)) == [made[None][0], made[None][1], made[None][2]]
    assert ids(await look(["org.other"], None, 2)) == []
