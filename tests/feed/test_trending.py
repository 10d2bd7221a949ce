"""What is trending: recomputed by anybody from what the answer says, and paused whole or not at all."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from teahouse.feed.scores import HALF_LIFE_HOURS, HOUR_MS, HOURS, PEOPLE_MIN, Deeds
from tests.feed.stage import V1, blogger, carry_on, comment
from tests.public_accounts.newsroom import POST
from tests.world import World

TRENDING = f"{V1}/trending"
PAUSE = f"{TRENDING}/pause"
NOW = 1_000 * HOUR_MS


async def trending(tea: World) -> Any:
    """The list, computed now."""
    await tea.app.microblog.trending.compute()
    answer = await tea.ask(None, "GET", TRENDING)
    assert answer.status == 200
    return answer.json


deeds = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.integers(NOW - 30 * HOUR_MS, NOW + HOUR_MS)), max_size=60
)


@given(deeds, st.randoms())
def test_scores_follow_the_published_formula_in_any_order(done: list[tuple[str, int, int]], random: Any) -> None:
    plain: dict[str, dict[int, int]] = {}
    for item, person, ms in done:
        if ms > NOW - HOURS * HOUR_MS:
            people = plain.setdefault(item, {})
            people[person] = max(people.get(person, 0), min(ms, NOW))
    shuffled = list(done)
    random.shuffle(shuffled)
    counted: Deeds[str] = Deeds(NOW)
    for deed in shuffled:
        counted.add(*deed)
    expected = {
        item: sum(2 ** (-((NOW - ms) // HOUR_MS) / HALF_LIFE_HOURS) for ms in people.values())
        for item, people in plain.items()
        if len(people) >= PEOPLE_MIN
    }
    found = {each.item: each.score for each in counted.scored()}
    assert found.keys() == expected.keys()
    assert all(abs(found[item] - score) < 0.0001 for item, score in expected.items())


async def test_people_count_once_and_fade_and_anybody_can_recompute(tea: World) -> None:
    ann = await blogger(tea, "ann")
    fans = [await blogger(tea, f"fan{number}") for number in range(4)]
    await ann.publish("old #tea")
    await ann.publish("new #tea #tea")
    for fan in fans[:3]:
        await comment(fan.owner, "ann", number=1)
        await comment(fan.owner, "ann", number=1)
        await fan.publish("#Tea #leaf" if fan is fans[0] else "#Tea")
    tea.clock.pass_ms(7 * HOUR_MS)
    for fan in fans[1:]:
        await fan.owner.good("PUT", f"{POST}/like", {}, handle="ann", number="2")
        await comment(fan.owner, "ann", number=2)
    await comment(ann.owner, "ann", number=2)
    assert (await carry_on(fans[1], "ann", 2)).status == 200
    shown = await trending(tea)
    posts = [(each["post"]["number"], each["people"][0], each["people"][7]) for each in shown["posts"]]
    assert posts == [(2, 3, 0), (1, 0, 3)]
    assert [(each["tag"], sum(each["people"])) for each in shown["tags"]] == [("tea", 4)]
    for each in [*shown["posts"], *shown["tags"]]:
        score = sum(count * 2 ** (-k / shown["half_life_hours"]) for k, count in enumerate(each["people"]))
        assert abs(score - each["score"]) < 0.0001
    assert "2^(-k / 6)" in shown["formula"]
    tea.clock.pass_ms(18 * HOUR_MS)
    assert [each["post"]["number"] for each in (await trending(tea))["posts"]] == [2]
    tea.clock.pass_ms(HOURS * HOUR_MS)
    shown = await trending(tea)
    assert (shown["posts"], shown["tags"]) == ([], [])


async def test_deeds_taken_back_and_posts_gone_do_not_trend(tea: World) -> None:
    ann = await blogger(tea, "ann")
    fans = [await blogger(tea, f"fan{number}") for number in range(3)]
    await ann.publish("one")
    await ann.publish("two")
    for fan in fans:
        for number in ("1", "2"):
            await fan.owner.good("PUT", f"{POST}/like", {}, handle="ann", number=number)
        await fan.publish("#tea")
    await fans[0].owner.good("DELETE", f"{POST}/like", handle="ann", number="1")
    await fans[0].owner.good("DELETE", POST, handle="fan0", number="1")
    shown = await trending(tea)
    assert ([each["post"]["number"] for each in shown["posts"]], shown["tags"]) == ([2], [])
    await ann.owner.good("DELETE", POST, handle="ann", number="2")
    assert (await tea.ask(None, "GET", TRENDING)).json["posts"] == []
    assert (await trending(tea))["posts"] == []


async def test_the_whole_list_is_paused_in_public_and_no_part_of_it(tea: World) -> None:
    ann, operator = await blogger(tea, "ann"), await tea.person("operator")
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 1 WHERE user_no = ?", operator.user_no)
    await tea.restart()
    fans = [await tea.person(f"fan{number}") for number in range(3)]
    for number in ("1", "2"):
        await ann.publish()
        for fan in fans:
            await fan.good("PUT", f"{POST}/like", {}, handle="ann", number=number)
    reasons = {"office": "Elections office", "reason": "The week of silence before the vote."}
    refused = await fans[0].ask("PUT", PAUSE, reasons)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    for bad in ({"office": " ", "reason": "x"}, {"office": "x", "reason": ""}, {"office": "x"}):
        assert (await operator.ask("PUT", PAUSE, bad)).status == 400
    assert (await operator.ask("PUT", PAUSE, {"office": "x", "reason": "y" * 1_001})).status == 413
    assert len((await trending(tea))["posts"]) == 2
    await operator.good("PUT", PAUSE, reasons)
    assert (await operator.ask("PUT", PAUSE, reasons)).status == 409
    shown = await trending(tea)
    assert (shown["posts"], shown["tags"]) == ([], [])
    assert shown["paused"] == {"since_ts": tea.clock.ms, "until_ts": 0, **reasons}
    began = tea.clock.ms
    tea.clock.pass_ms(60_000)
    await tea.restart()
    assert (await trending(tea))["paused"]["since_ts"] == began
    await operator.good("DELETE", PAUSE)
    assert (await operator.ask("DELETE", PAUSE)).status == 404
    shown = await trending(tea)
    assert (len(shown["posts"]), "paused" in shown) == (2, False)
    record = (await tea.ask(None, "GET", f"{TRENDING}/pauses")).json["pauses"]
    assert record == [{"since_ts": began, "until_ts": tea.clock.ms, **reasons}]


async def test_nothing_that_staff_can_ask_for_names_an_item_of_the_list(tea: World) -> None:
    document = (await tea.ask(None, "GET", f"{V1}/openapi.json")).json
    doors = {(path, method) for path in document["paths"] if "trending" in path for method in document["paths"][path]}
    assert doors == {(TRENDING, "get"), (PAUSE, "put"), (PAUSE, "delete"), (f"{TRENDING}/pauses", "get")}
    body = document["paths"][PAUSE]["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert set(document["components"]["schemas"][body.rpartition("/")[2]]["properties"]) == {"office", "reason"}
