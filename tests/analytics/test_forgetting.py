"""Who read what is written nowhere, and after thirty days nothing is left that could tell."""

from typing import Any

from tests.analytics.press import crowd, mark, of_post, read, visit
from tests.public_accounts.newsroom import POST, newsroom
from tests.world import World

DAY_MS = 86_400_000


async def keys(tea: World) -> list[bytes]:
    rows = await tea.database.fetch("SELECT key FROM post_figures WHERE key IS NOT NULL")
    return [bytes(row[0]) for row in rows]


async def sketches(tea: World) -> list[bytes]:
    return [bytes(row[0]) for row in await tea.database.fetch("SELECT sketch FROM post_sketches")]


def files(tea: World) -> bytes:
    """Everything that an embedded database has on the disk, its write-ahead log included."""
    file = tea.place.file
    return b"" if file is None else b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


async def some_reading(tea: World) -> Any:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 6)
    post = await account.publish()
    for number, person in enumerate(people):
        await person.sync()
        await mark(person, account, post["event_id"])
        await visit(tea, "/@daily/1", f"198.51.100.{number}")
    await tea.app.readings.write()
    return account, people


async def test_after_thirty_days_only_the_numbers_stay(tea: World) -> None:
    account, _ = await some_reading(tea)
    held, seen = await keys(tea), await sketches(tea)
    assert (len(held), len(seen)) == (1, 3)
    if tea.place.file is not None:
        assert held[0] in files(tea)
    tea.clock.pass_ms(30 * DAY_MS - 1)
    await tea.app.readings.sweep()
    assert await keys(tea) == held
    tea.clock.pass_ms(1)
    await tea.app.readings.sweep()
    assert await keys(tea) == await sketches(tea) == []
    left = files(tea)
    assert held[0] not in left
    assert not any(sketch[1:] in left for sketch in seen)
    assert (await of_post(account, 1))["post"]["read"] == read(6, 6, 6)


async def test_a_kill_between_destroying_and_scrubbing_is_made_up_for_at_the_next_start(tea: World) -> None:
    await some_reading(tea)
    held = await keys(tea)
    tea.clock.pass_ms(30 * DAY_MS)

    async def killed() -> bool:
        return False

    tea.app.readings._scrub = killed
    await tea.app.readings.sweep()
    await tea.restart()
    await tea.app.readings.sweep()
    assert await keys(tea) == []
    assert held[0] not in files(tea)


async def test_an_old_post_is_counted_no_more(tea: World) -> None:
    account, people = await some_reading(tea)
    late = await tea.person("late")
    await late.join(account.room_id)
    tea.clock.pass_ms(30 * DAY_MS)
    for _ in range(2):  # before and after its key goes
        await late.sync()
        await late.good("GET", POST, handle="daily", number="1")
        await people[0].good("GET", POST, handle="daily", number="1")
        assert (await of_post(account, 1))["post"]["read"] == read(6, 6, 6)
        await tea.app.readings.sweep()


async def test_deleting_a_post_destroys_what_told_its_readers_apart(tea: World) -> None:
    account, people = await some_reading(tea)
    held = await keys(tea)
    await people[0].good("GET", POST, handle="daily", number="1")
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    await tea.app.readings.write()
    assert await keys(tea) == await sketches(tea) == []
    await tea.app.readings.sweep()
    assert held[0] not in files(tea)


async def test_no_row_pairs_a_reader_with_a_post(tea: World) -> None:
    """The same people and the same posts, read by different ones: nothing that is stored tells which, but under a key
    that is random."""
    _, people = await some_reading(tea)
    for table in ("post_figures", "post_sketches", "post_hours", "account_days"):
        for row in await tea.database.fetch(f"SELECT * FROM {table}"):
            for person in people:
                number = person.user_no
                assert number not in row
                for value in row:
                    if isinstance(value, bytes):
                        assert number.to_bytes(8, "big") not in value
                        assert number.to_bytes(8, "little") not in value
                        assert person.user_id.encode() not in value
