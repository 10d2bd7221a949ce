"""Figures agree with what happened: known readers, by every way, at several devices, over retries and a restart."""

from teahouse.posts.types import Ref
from tests.analytics.press import ANALYTICS, crowd, mark, of_post, plain, read, report, visit
from tests.public_accounts.newsroom import FOLLOW, POST, newsroom, timeline
from tests.world import World

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAY = "2025-06-15"  # of the tests' clock


async def test_what_is_told_is_what_happened(tea: World) -> None:
    account, outsider = await newsroom(tea)
    people = await crowd(tea, account, 9)
    first, second = await account.publish("One."), await account.publish("Two.")
    tokens = [(await person.sync())["next_batch"] for person in people[:8]]
    others = [await person.device("SECOND") for person in people[:3]]
    for person in [*people[:4], *others]:  # again, and at another device
        await person.sync()
    for person in people[:6]:
        await mark(person, account, second["event_id"])
    await tea.restart()
    for person in people[:2]:
        await mark(person, account, second["event_id"], "m.read.private")
        await mark(person, account, first["event_id"])
    for person in others:
        await mark(person, account, second["event_id"])
    await mark(people[6], account, first["event_id"])
    for person in (people[0], people[7], outsider):
        await person.good("GET", POST, handle="daily", number="1")
        await person.good("GET", POST, handle="daily", number="1")
    await account.post(1)  # its own staff's look is none
    for number in range(7):
        for _ in range(2):
            assert await visit(tea, "/@daily/1", f"192.0.2.{number}") == 200
    await people[8].sync()
    await people[0].sync(tokens[0])  # an old token again
    shown = await of_post(account, 1)
    assert shown["post"]["read"] == read(9, 9, 7)  # opened by 0 to 5, 6, 7 and the outsider
    assert shown["post"]["open_percent"] == 100.0
    two = await of_post(account, 2)
    assert two["post"]["read"] == read(9, 6)
    assert two["post"]["open_percent"] == 66.7
    assert (await account.post(1))["views"] == 16
    assert (await account.post(2))["views"] == 6
    told = await report(account)
    assert [each["number"] for each in told["posts"]] == [2, 1]
    assert [each["number"] for each in told["best"]] == [1, 2]
    today = told["days"][-1]
    assert (today["day"], today["followers"], today["came"]) == (DAY, 9, 9)
    assert today["read"] == read(18, 15, 7)
    assert told["sources"] == [{"source": "channel", "came": 9}]


async def test_restarting_between_counts_nobody_twice_and_loses_nobody(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 6)
    post = await account.publish()
    for number, person in enumerate(people):
        await person.sync()
        await mark(person, account, post["event_id"])
        await person.good("GET", POST, handle="daily", number="1")
        if number % 2:
            await tea.restart()  # with what is still only in memory
    assert (await of_post(account, 1))["post"]["read"] == read(6, 6)


async def test_what_tells_of_an_edit_or_a_removal_is_no_delivery_of_the_post(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 11)
    await account.publish()
    for person in people[:6]:
        await person.sync()
    await account.owner.good("PUT", POST, {"content": {"text": "Better."}}, handle="daily", number="1")
    ref = Ref((await tea.app.public_accounts.require("daily")).account_no, 1)
    await tea.app.removals.remove(ref)
    await tea.app.removals.restore(ref)
    newest = '{"room":{"timeline":{"limit":1}}}'
    for person in people[6:]:
        shown = timeline(await person.sync(filter=newest), account.room_id)
        assert [event["content"]["m.relates_to"]["rel_type"] for event in shown] == ["m.replace"]
    assert (await of_post(account, 1))["post"]["read"] == read(6)
    for person in people[6:]:
        await person.sync()
    assert (await of_post(account, 1))["post"]["read"] == read(11)


async def test_a_first_read_position_opens_what_came_since_one_follows(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number in range(3):
        await account.publish(f"Before {number}.")
    people = await crowd(tea, account, 5)
    last = await account.publish("After.")
    for person in people:
        await person.sync()
        await mark(person, account, last["event_id"])
    assert [(await of_post(account, number))["post"]["read"]["opens"] for number in (1, 2, 3, 4)] == [
        "<5", "<5", "<5", 5,
    ]  # fmt: skip
    newer = [await account.publish(f"Newer {number}.") for number in range(3)]
    for person in people:
        await mark(person, account, newer[1]["event_id"])
    assert [(await of_post(account, number))["post"]["read"]["opens"] for number in (5, 6, 7)] == [5, 5, "<5"]


async def test_hours_for_three_days_and_days_after_them(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 20)
    post = await account.publish()
    start = tea.clock.ms
    for group, passed in enumerate((0, 2 * HOUR_MS, 75 * HOUR_MS, 76 * HOUR_MS)):
        tea.clock.ms = start + passed
        for person in people[5 * group : 5 * group + 5]:
            await mark(person, account, post["event_id"])
        await tea.app.readings.write()
    hours = (await of_post(account, 1))["hours"]
    assert [each["read"]["opens"] for each in hours] == [5, 5, 10]
    assert [each["from_ts"] % HOUR_MS for each in hours] == [0, 0, 0]
    assert hours[1]["from_ts"] - hours[0]["from_ts"] == 2 * HOUR_MS
    assert hours[2]["from_ts"] % DAY_MS == 0


async def test_followers_by_day_and_source(tea: World) -> None:
    account, reader = await newsroom(tea)
    await crowd(tea, account, 6)
    tea.clock.pass_ms(DAY_MS)
    for person in await crowd(tea, account, 5, "s"):
        await person.leave(account.room_id)
        await person.good("PUT", FOLLOW, {"source": "page"}, handle="daily")
    await reader.good("PUT", FOLLOW, {"source": "link"}, handle="daily")
    told = await report(account)
    assert [(day["followers"], day["came"], day["left"]) for day in told["days"][-2:]] == [(6, 6, "<5"), (12, 11, 5)]
    assert told["sources"] == [
        {"source": "channel", "came": 11}, {"source": "page", "came": 5}, {"source": "link", "came": "<5"},
    ]  # fmt: skip
    earlier = await report(account, to=DAY, **{"from": DAY})
    assert [(day["day"], day["followers"]) for day in earlier["days"]] == [(DAY, 6)]
    assert len(told["days"]) == 30


async def test_fewer_than_five_read_less_than_five_everywhere(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 4)
    post = await account.publish()
    for number, person in enumerate(people):
        await person.sync()
        await mark(person, account, post["event_id"])
        await visit(tea, "/@daily/1", f"192.0.2.{number}")
    shown = await of_post(account, 1)
    assert shown["post"]["read"] == read()
    assert shown["post"]["open_percent"] is None
    assert all(hour["read"] == read() for hour in shown["hours"])
    told = await report(account)
    assert told["days"][-1]["read"] == read()
    assert told["sources"] == [{"source": "channel", "came": "<5"}]
    assert (await account.post(1))["views"] == 8  # four members and four visitors, told as one number
    for person in people:
        assert person.user_id not in plain([shown, told])


async def test_views_of_fewer_than_five_are_not_shown(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 5)
    await account.publish()
    for person in people[:4]:
        await person.good("GET", POST, handle="daily", number="1")
    await tea.app.readings.write()
    assert "views" not in await account.post(1)
    await people[4].good("GET", POST, handle="daily", number="1")
    await tea.app.readings.write()
    assert (await account.post(1))["views"] == 5


async def test_an_edited_post_is_the_same_post_and_a_repost_is_its_own(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 5)
    await account.publish("First wording.")
    await account.owner.good("PUT", POST, {"content": {"text": "Second."}}, handle="daily", number="1")
    carried = {"content": {"text": "See this.", "repost": {"account": "daily", "number": 1}}}
    await account.owner.good("POST", f"{ANALYTICS}".replace("analytics", "posts"), carried, handle="daily")
    for person in people:
        await person.sync()
    assert (await of_post(account, 1))["post"]["read"] == read(5)
    assert (await of_post(account, 2))["post"]["read"] == read(5)


async def test_what_nobody_shows_is_not_counted(tea: World) -> None:
    account, reader = await newsroom(tea)
    await crowd(tea, account, 5)
    await account.publish()
    group = await reader.create()
    await reader.say(group, "Not a post.")
    await reader.sync()
    assert await visit(tea, "/@daily/7", "192.0.2.1") == 404
    await tea.app.readings.write()
    assert await tea.database.fetch("SELECT * FROM post_figures") == []
