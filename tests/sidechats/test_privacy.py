"""What is said in a side chat is in the log and nowhere else, and staff learn of nobody who does not write."""

from typing import Any

from teahouse.db import Row
from tests.databases import Engine
from tests.public_accounts.newsroom import ACCOUNT
from tests.sidechats.desk import CHAT, CHATS, ONE, desk, opened
from tests.world import World

SECRET = "wistful marmalade"
# The log, what every room has of its members, and the side chats' own rows, which hold no words.
LOG = {
    "events", "state", "memberships", "receipts", "relations", "mentions", "rooms", "account_data", "side_chats",
    "chat_turns", "chat_replied", "chat_errands", "txns",
}  # fmt: skip


async def tables(database: Engine) -> dict[str, list[str]]:
    """Every table with its columns."""
    if await is_sqlite(database):
        rows = await database.fetch(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        )
    else:
        rows = await database.fetch(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


async def is_sqlite(database: Engine) -> bool:
    return type(database).__name__ == "Sqlite"


async def rows_of(database: Engine, table: str) -> list[Row]:
    return await database.fetch(f"SELECT * FROM {table} LIMIT 10000")


def holds(row: Row, words: str) -> bool:
    return any(words in (value.decode(errors="ignore") if isinstance(value, bytes) else str(value)) for value in row)


async def test_no_other_slice_touches_a_side_chat_or_its_words(tea: World) -> None:
    work, reader = await desk(tea)
    rule = {"keywords": ["marmalade"], "reply": "We have some."}
    await work.owner.good("POST", f"{ACCOUNT}/chat_rules", rule, handle="daily")
    await work.account.publish("A public post about tea.")
    room_id = await opened(reader)
    room_no = tea.app.identifiers.room_no(room_id)
    assert room_no is not None
    event_id = await reader.say(room_id, f"Have you {SECRET} with #hashtag and @daily?")
    await reader.send(
        room_id, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "x"}}
    )
    await work.answer(work.owner, room_id, f"Yes, {SECRET} is in stock.")
    await reader.good("POST", "/rooms/{roomId}/receipt/m.read/{eventId}", {}, roomId=room_id, eventId=event_id)
    await tea.restart()
    for table, columns in (await tables(tea.database)).items():
        rows = await rows_of(tea.database, table)
        assert table == "events" or not any(holds(row, SECRET) for row in rows), table
        numbered = [columns.index(name) for name in columns if name == "room_no"]
        assert table in LOG or not any(row[place] == room_no for row in rows for place in numbered), table
        assert table in LOG or not any(holds(row, room_id) for row in rows), table


async def test_side_chats_are_in_no_list_that_others_see(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id, SECRET)
    other = await tea.person("other")
    for template, query in (
        ("/publicRooms", {}), ("/_teahouse/v1/accounts", {"search": "marmalade"}), ("/rooms/{roomId}/messages", {}),
        ("/rooms/{roomId}/state", {}), ("/rooms/{roomId}/members", {}),
    ):  # fmt: skip
        answer = await other.ask("GET", template, None, query, roomId=room_id)
        assert room_id not in str(answer.json)
        assert SECRET not in str(answer.json)
    # The staff's own clients have no part in it either: they read through the inbox.
    assert room_id not in str(await work.owner.sync())


async def test_staff_do_not_learn_who_follows_or_how_far_a_reader_read(tea: World) -> None:
    work, reader = await desk(tea)
    writer = await tea.person("writer")
    await reader.join(work.account.room_id)
    await opened(reader)
    room_id = await opened(writer)
    event_id = await writer.say(room_id, "Hello.")
    await writer.good("POST", "/rooms/{roomId}/receipt/m.read/{eventId}", {}, roomId=room_id, eventId=event_id)
    seen: list[Any] = []
    for state in ("waiting", "mine", "others", "answered"):
        seen += await work.listed(state)
    assert [each["user_id"] for each in seen] == [writer.user_id]
    assert "follow" not in str(seen)
    seen.append(await work.owner.good("GET", f"{ONE}/messages", handle="daily", roomId=room_id))
    for template in (CHAT, CHATS, f"{ACCOUNT}/chat_figures", ACCOUNT, f"{ACCOUNT}/staff"):
        seen.append(await work.owner.good("GET", template, handle="daily"))
    assert reader.user_id not in str(seen)
    assert "m.read" not in str(seen)


async def test_an_account_with_more_chats_costs_a_reader_no_more(tea: World) -> None:
    await desk(tea)
    costs = []
    for number in range(4):
        reader = await tea.person(f"r{number}")
        before = tea.counted.cost
        room_id = await opened(reader)
        await reader.say(room_id)
        costs.append(tea.counted.cost - before)
    assert costs[1:] == [costs[1]] * 3
