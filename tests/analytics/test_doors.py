"""Who sees figures, in which form, and what is refused."""

import csv
import io

import pytest

from teahouse.analytics.tables import table
from tests.analytics.press import ANALYTICS, OF_POST, crowd, mark, report
from tests.public_accounts.newsroom import ACCOUNT, newsroom
from tests.public_accounts.test_tokens import program
from tests.world import Person, World

TABLES = (f"{ANALYTICS}.csv", f"{ANALYTICS}/posts.csv", f"{OF_POST}.csv")
DOORS = (ANALYTICS, OF_POST, *TABLES)


async def rows(person: Person, template: str) -> list[list[str]]:
    answer = await person.ask("GET", template, handle="daily", number="1")
    assert answer.status == 200
    return list(csv.reader(io.StringIO(answer.json)))


async def test_analysts_see_figures_and_readers_do_not(tea: World) -> None:
    account, reader = await newsroom(tea)
    analyst = await tea.person("analyst")
    path = {"handle": "daily", "userId": analyst.user_id}
    await account.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "analyst"}, **path)
    await account.publish()
    for door in DOORS:
        assert (await analyst.ask("GET", door, handle="daily", number="1")).status == 200
        refused = await reader.ask("GET", door, handle="daily", number="1")
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert (await tea.ask(None, "GET", door, handle="daily", number="1")).status == 401
        assert (await analyst.ask("GET", door, handle="nobody", number="1")).status == 404


async def test_tables_say_what_the_json_says(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await crowd(tea, account, 5)
    post = await account.publish("=1+1, she said.")
    for person in people:
        await person.sync()
        await mark(person, account, post["event_id"])
    told = await report(account)
    days = await rows(account.owner, TABLES[0])
    assert days[0] == ["day", "followers", "came", "left", "impressions", "opens", "visits"]
    assert days[-1] == [told["last_day"], "5", "5", "<5", "5", "5", "<5"]
    assert len(days) == 31
    posts = await rows(account.owner, TABLES[1])
    assert posts[1][:3] == ["1", "text", "'=1+1, she said."]
    assert posts[1][4:8] == ["5", "5", "<5", "100.0"]
    assert (await rows(account.owner, TABLES[2]))[1][1:] == ["5", "5", "<5"]


def test_no_cell_is_run_by_a_spreadsheet() -> None:
    [head, *cells] = csv.reader(io.StringIO(table(["a"], [["=x"], ["+x"], ["-x"], ["@x"], ["x"], [None], [-1]])))
    assert head == ["a"]
    assert cells == [["'=x"], ["'+x"], ["'-x"], ["'@x"], ["x"], [""], ["-1"]]


@pytest.mark.parametrize(
    "query",
    [{"from": "yesterday"}, {"to": "2026-13-01"}, {"from": "2025-06-16", "to": "2025-06-15"},
     {"from": "2024-01-01", "to": "2025-06-15"}, {"from": ""}],
)  # fmt: skip
async def test_days_that_make_no_sense_are_refused(tea: World, query: dict[str, str]) -> None:
    account, _ = await newsroom(tea)
    for door in (ANALYTICS, *TABLES[:2]):
        refused = await account.owner.ask("GET", door, None, query, handle="daily")
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_posts_that_are_not_there_have_no_figures(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number, status in (("1", 404), ("x", 400), ("9" * 30, 400)):
        assert (await account.owner.ask("GET", OF_POST, handle="daily", number=number)).status == status
    quiet = await report(account)
    assert (quiet["posts"], quiet["best"], quiet["sources"]) == ([], [], [])


async def test_a_posting_token_sees_figures_within_its_scopes(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish()
    press, _ = await program(tea, account, ["analytics"])
    other, _ = await program(tea, account, ["publish"])
    for door in DOORS:
        assert (await press.ask("GET", door, handle="daily", number="1")).status == 200
        assert (await other.ask("GET", door, handle="daily", number="1")).status == 403
