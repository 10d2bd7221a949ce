"""Nobody passes for a verified account: not by other letters, other scripts, or one letter more or less."""

from __future__ import annotations

import pytest

from teahouse.public_accounts import lookalikes
from teahouse.public_accounts.naming import RESERVED
from teahouse.public_accounts.skeletons import alike, one_edit, skeletons
from tests.public_accounts.crowd import verified_crowd
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, newsroom, opened
from tests.world import World


async def guarded(tea: World, handle: str = "daily") -> None:
    """The account counts as verified."""
    account = await tea.app.public_accounts.require(handle)
    async with tea.database.transaction() as tx:
        await lookalikes.guard(tx, lookalikes.Named(account.account_no, account.handle, account.name))


@pytest.mark.parametrize(
    "handle",
    [
        "dai1y",
        "da-i.l_y",
        "daiiy",
        "dail",
        "dailyy",
        "dally",
        "dialy",
        "thedailyleaf",
        "the.dai1y.1eaf",
        "thedailyleef",
    ],
)
async def test_a_handle_like_a_verified_one_is_refused_by_name(tea: World, handle: str) -> None:
    account, reader = await newsroom(tea)
    await guarded(tea)
    wish = {"handle": handle, "kind": "company", "name": "Something else"}
    refused = await reader.ask("POST", ACCOUNTS, wish)
    assert refused.status == 409
    assert "The Daily Leaf (@daily)" in refused.json["error"]
    assert account.handle == "daily"


@pytest.mark.parametrize(
    "name",
    ["The Daily Leaf", "THE DAILY LEAF", "Τhе Dаilу Lеаf", "𝐓𝐡𝐞 𝐃𝐚𝐢𝐥𝐲 𝐋𝐞𝐚𝐟", "The  Daily-Leaf", "The Dai1y Leaf",
     "The Daily Leaf 🍃", "The Daíly Léaf", "The Daily Leafs", "The Dailly Leaf", "Tho Daily Leaf",
     "The\u200bDaily Leaf", "D.a.i.l.y"],
)  # fmt: skip
async def test_a_name_like_a_verified_one_is_refused_also_when_it_is_taken_later(tea: World, name: str) -> None:
    account, reader = await newsroom(tea)
    await guarded(tea)
    refused = await reader.ask("POST", ACCOUNTS, {"handle": "other", "kind": "company", "name": name})
    assert (refused.status, "@daily" in refused.json["error"]) in ((409, True), (400, False))
    assert (refused.status == 400) == ("\u200b" in name)
    await opened(reader, "other", "company", name="Something else")
    refused = await reader.ask("PUT", ACCOUNT, {"name": name, "about": {}}, handle="other")
    assert refused.status in (400, 409)
    assert account.handle == "daily"


@pytest.mark.parametrize("name", ["The Weekly Leaf", "Daily Bread", "Leaf", "The Daily Leaf of Uzbekistan"])
async def test_names_that_are_not_alike_are_taken(tea: World, name: str) -> None:
    _, reader = await newsroom(tea)
    await guarded(tea)
    await opened(reader, "other", "company", name=name)


async def test_short_names_are_other_names_when_a_letter_differs(tea: World) -> None:
    account, reader = await newsroom(tea, "bbc")
    await guarded(tea, "bbc")
    await opened(reader, "nbc", name="Another one")
    refused = await reader.ask("POST", ACCOUNTS, {"handle": "b.bc", "kind": "media", "name": "Yet another"})
    assert refused.status == 409
    await opened(reader, "nanjing", name="南京日报")
    await guarded(tea, "nanjing")
    await opened(account.owner, "beijing", name="北京日报")


async def test_an_account_may_describe_itself_without_looking_like_itself(tea: World) -> None:
    account, _ = await newsroom(tea)
    await guarded(tea)
    body = {"name": "The Daily Leaves", "about": {}}
    await account.owner.good("PUT", ACCOUNT, body, handle="daily")


async def test_without_a_badge_names_may_be_alike_but_handles_may_not(tea: World) -> None:
    _, reader = await newsroom(tea)
    await opened(reader, "leaflet", name="The Daily Leaf")
    refused = await reader.ask("POST", ACCOUNTS, {"handle": "dai1y", "kind": "media", "name": "Other"})
    assert (refused.status, "@daily" in refused.json["error"]) == (409, True)
    await opened(reader, "dailyy", name="One letter more")
    people = [await tea.person(name) for name in ("pau1", "paul", "da1ly")]
    for person in people[:2]:
        await opened(person, person.user_id[1:5], "person", name="Paul")
    await guarded(tea)
    wish = {"handle": "da1ly", "kind": "person", "name": "Da"}
    assert (await people[2].ask("POST", ACCOUNTS, wish)).status == 409


async def test_those_who_look_like_a_newly_verified_account_are_listed_page_by_page(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookalikes, "SCAN_ROWS", 3)
    _, reader = await newsroom(tea)
    for number in range(6):
        await opened(reader, f"leaf-{'abcdef'[number] * 3}", name="The Daily Leaf" if number % 2 else f"Other {number}")
    account = await tea.app.public_accounts.require("daily")
    named = lookalikes.Named(account.account_no, account.handle, account.name)
    found, after, pages = set(), 0, 0
    while True:
        some, after = await lookalikes.existing(tea.database, named, after, 3, 2)
        found |= {each.handle for each in some}
        pages += 1
        if not after:
            break
    assert found == {"leaf-bbb", "leaf-ddd", "leaf-fff"}
    assert pages > 1


async def test_the_check_costs_the_same_among_a_hundred_thousand_verified_accounts(tea: World) -> None:
    await newsroom(tea)
    costs = []
    for first, last in ((1, 1_000), (1_001, 100_000)):
        await verified_crowd(tea, first, last)
        await tea.counted.settle()

        async def look() -> None:
            await lookalikes.check(tea.counted, ("somebody-new", "Somebody new"))
            await lookalikes.check_handle(tea.counted, "somebody-new")

        costs.append((await tea.counted.taken(look))[0])
    assert costs[0].like(costs[1]), costs
    assert costs[0].rows == 0


@pytest.mark.parametrize(
    "handle", ["a", "123", "Daily", "dai ly", "-daily", "daily-", "da/ily", "dä", "x" * 41, "", "a=b"]
)
async def test_what_cannot_be_a_handle_is_refused(tea: World, handle: str) -> None:
    person = await tea.person("person")
    refused = await person.ask("POST", ACCOUNTS, {"handle": handle, "kind": "media", "name": "Name"})
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize("handle", ["admin", "l0gin", "set-up", "search", "tag"])
async def test_words_of_the_server_itself_are_kept_for_the_operator_s_staff(tea: World, handle: str) -> None:
    person = await tea.person("person")
    wish = {"handle": handle, "kind": "organisation", "name": "Name"}
    refused = await person.ask("POST", ACCOUNTS, wish)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    staff = await tea.person("staff-member")
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 1 WHERE user_no = ?", staff.user_no)
    await tea.restart()
    await staff.good("POST", ACCOUNTS, wish)
    assert "daily" not in RESERVED


@pytest.mark.parametrize("sign", "✓✔☑✅🗸")
async def test_no_name_shows_what_looks_like_a_badge(tea: World, sign: str) -> None:
    account, reader = await newsroom(tea)
    room_id = await reader.create(preset="private_chat")
    template = "/profile/{userId}/displayname"
    tries = [
        await reader.ask("PUT", template, {"displayname": f"Reader {sign}"}, userId=reader.user_id),
        await reader.ask(
            "PUT", "/rooms/{roomId}/state/m.room.member/{userId}",
            {"membership": "join", "displayname": f"{sign}"}, roomId=room_id, userId=reader.user_id,
        ),
        await account.owner.ask("PUT", ACCOUNT, {"name": f"Daily {sign}", "about": {}}, handle="daily"),
    ]  # fmt: skip
    for refused in tries:
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
        assert "badge" in refused.json["error"]


async def test_profile_fields_of_the_server_are_not_for_people_to_write(tea: World) -> None:
    reader = await tea.person("reader")
    template = "/profile/{userId}/io.teahouse.verified"
    body = {"io.teahouse.verified": {"kind": "government"}}
    for refused in (
        await reader.ask("PUT", template, body, userId=reader.user_id),
        await reader.ask("DELETE", template, userId=reader.user_id),
    ):
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert "server alone" in refused.json["error"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("abcd", "abcd", True), ("abcd", "abxd", True), ("abcd", "abcde", True), ("abcd", "abdc", True),
     ("abcd", "abcdef", False), ("abcd", "badc", False), ("abcd", "axyd", False), ("abcd", "", False)],
)  # fmt: skip
def test_one_edit_is_one_character_or_two_neighbours(one: str, other: str, expected: bool) -> None:
    assert one_edit(one, other) == one_edit(other, one) == expected


def test_what_shares_no_form_is_never_alike() -> None:
    """The table of forms leads to everything that the close look calls alike."""
    texts = [
        "daily",
        "dally",
        "dialy",
        "daiy",
        "dailyy",
        "bbc",
        "nbc",
        "abcd",
        "abcde",
        "茶馆",
        "老街茶馆",
        "Τhе Dаilу",
    ]
    for one in texts:
        for other in texts:
            if any(alike(a, b) for a in skeletons(one) for b in skeletons(other)):
                assert lookalikes.forms(one) & lookalikes.forms(other), (one, other)
