"""What others are told to show for a link to a post."""

import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.pages.test_public_pages import page
from tests.posts.studio import fetch, picture
from tests.public_accounts.newsroom import POST, newsroom
from tests.world import World

HERE = "http://tea.test"


async def asked(tea: World, address: str, more: str = "") -> tuple[int, Any]:
    answer = await fetch(tea, "/oembed", f"url={quote(address, safe='')}{more}", host="tea.test")
    return answer.status, json.loads(answer.body)


async def test_a_page_of_a_post_names_its_oembed_address_which_describes_the_post(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("A <b>cup</b> & more.", media=[await picture(account.owner, width=4, height=3)])
    html = await page(tea, "/@daily/1", host="tea.test")
    found = html.partition('type="application/json+oembed"')[2].partition('href="')[2].partition('"')[0]
    parts = urlsplit(found.replace("&amp;", "&"))
    assert (parts.netloc, parts.path) == ("tea.test", "/oembed")
    answer = await fetch(tea, parts.path, parts.query, host="tea.test")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    told = json.loads(answer.body)
    assert told.pop("thumbnail_url").startswith(f"{HERE}/media/")
    assert told == {
        "version": "1.0", "type": "link", "title": "A <b>cup</b> & more.", "author_name": "The Daily Leaf",
        "author_url": f"{HERE}/@daily", "provider_name": "tea.test", "provider_url": f"{HERE}/", "cache_age": 300,
        "thumbnail_width": 4, "thumbnail_height": 3,
    }  # fmt: skip
    assert "oembed" not in await page(tea, "/@daily", host="tea.test")


async def test_a_picture_is_left_out_when_it_does_not_fit_or_is_behind_a_warning(tea: World) -> None:
    account, _ = await newsroom(tea)
    shown = await picture(account.owner, width=4, height=3)
    await account.publish("Cups.", media=[shown])
    await account.publish("Spiders.", media=[shown], warning="Spiders")
    for address, more in ((f"{HERE}/@daily/1", "&maxwidth=3"), (f"{HERE}/@daily/1", "&maxheight=2"),
                          (f"{HERE}/@daily/2", "")):  # fmt: skip
        status, told = await asked(tea, address, more)
        assert (status, "thumbnail_url" in told) == (200, False)
    assert (await asked(tea, f"{HERE}/@daily/2"))[1]["title"] == "⚠ Spiders"
    assert "thumbnail_url" in (await asked(tea, f"{HERE}/@daily/1", "&maxwidth=4&maxheight=3"))[1]


@pytest.mark.parametrize(
    "address",
    ["", "x", "/@daily/1", "http://elsewhere.test/@daily/1", "http://tea.test/@daily", "http://tea.test/@daily/2",
     "http://tea.test/@daily/0", "http://tea.test/@daily/1/history", "http://tea.test/@nobody/1",
     "http://tea.test/daily/1", "http://tea.test/@daily/" + "9" * 40, "javascript://tea.test/@daily/1",
     "http://[/@daily/1", "http://tea.test/@daily/%31%00", "http://tea.test/@da%2Fily/1"],
)  # fmt: skip
async def test_what_is_no_post_of_ours_is_not_there(tea: World, address: str) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    assert (await asked(tea, address))[0] == 404
    assert (await asked(tea, f"{HERE}/%40Daily/1?lang=fr#comments"))[0] == 200


async def test_deleted_posts_and_other_formats_are_refused(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    assert (await asked(tea, f"{HERE}/@daily/1", "&format=json"))[0] == 200
    assert (await asked(tea, f"{HERE}/@daily/1", "&format=xml"))[0] == 501
    assert (await fetch(tea, "/oembed")).status == 400
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert (await asked(tea, f"{HERE}/@daily/1"))[0] == 404
