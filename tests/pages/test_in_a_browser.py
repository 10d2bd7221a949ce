"""The public pages of a small town in a real browser: walked without scripts, checked for accessibility, measured."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.serving import ServedTeahouse

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = (
    "/", "/explore", "/explore?q=nothing-like-it", "/explore?kind=media&lang=id", "/latest?lang=zh-Hans",
    "/@lanternpost", "/@lanternpost/1", "/@lanternpost/2", "/@lanternpost/2/history?lang=fr", "/@lanternpost/3",
    "/@lanternpost/4", "/@lanternpost/follow", "/@maison-feuille/1?lang=fr", "/@noor", "/@noor/2", "/@shanjian/2",
    "/@rivergarden/2", "/tag/river", "/tag/never-seen", "/@nobody?lang=zh-Hans", "/@lanternpost/99",
)  # fmt: skip
LOOKS = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedTeahouse]:
    """A server with the demo's people in it."""
    server = ServedTeahouse(tmp_path_factory.mktemp("town") / "data").start(recorded=False)
    filled = server.command("demo")
    assert filled.returncode == 0, filled.stderr
    yield server
    server.kill()


def opened(browser: Browser, width: int, **options: Any) -> BrowserContext:
    return browser.new_context(viewport={"width": width, "height": 844}, **options)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_can_be_used_by_everybody(town: ServedTeahouse, browser: Browser, width: int, theme: Any) -> None:
    context = opened(browser, width, color_scheme=theme)
    page = context.new_page()
    for path in PAGES:
        page.goto(town.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(AXE)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)
        told = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
        assert told == [], path
        assert len(found["passes"]) > 10
    context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_runs_out_of_its_window_or_misses_a_picture(town: ServedTeahouse, browser: Browser, width: int) -> None:
    context = opened(browser, width)
    page = context.new_page()
    wrong: list[str] = []
    page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 and "/media/" in got.url else None)
    page.on("request", lambda sent: None if sent.url.startswith(town.url) else wrong.append(sent.url))
    page.on("console", lambda said: wrong.append(said.text) if "Security" in said.text else None)
    for path in PAGES:
        page.goto(town.url + path)
        for picture in page.locator("main img").all():
            picture.scroll_into_view_if_needed()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
    context.close()
    assert wrong == []


def test_one_walks_from_the_front_door_to_a_post_and_on_without_a_script(
    town: ServedTeahouse, browser: Browser
) -> None:
    context = opened(browser, 390, java_script_enabled=False)
    page = context.new_page()
    page.goto(town.url)
    page.get_by_role("link", name="All public accounts").click()
    page.get_by_label("Name, handle or words").fill("lantern")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="The Lantern Post", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The Lantern Post")
    page.get_by_role("link", name="How the old bridge got its second life").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How the old bridge got its second life")
    expect(page.get_by_text("Under the planks lay a second set")).to_be_visible()
    expect(page.get_by_text("The cat went first.")).to_be_visible()
    page.get_by_role("link", name="#bridge").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("#bridge")
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_text("Publications avec #bridge")).to_be_visible()
    page.get_by_role("link", name="The Lantern Post").first.click()
    page.get_by_role("link", name="Suivre").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Suivre The Lantern Post")
    context.close()


def test_one_reaches_everything_by_keyboard(town: ServedTeahouse, browser: Browser) -> None:
    context = opened(browser, 1280)
    page = context.new_page()
    page.goto(f"{town.url}/@lanternpost/4")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the author
    page.keyboard.press("Tab")  # the warning
    expect(page.get_by_text("We said that the film ends well.")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("We said that the film ends well.")).to_be_visible()
    context.close()


def test_every_link_of_every_page_leads_somewhere(town: ServedTeahouse, browser: Browser) -> None:
    context = opened(browser, 1280)
    page = context.new_page()
    links: set[str] = set()
    for path in PAGES:
        page.goto(town.url + path)
        found = page.evaluate("[...document.querySelectorAll('a[href],link[href],img[src]')].map(e => e.href || e.src)")
        links |= {each.partition("#")[0] for each in found if each.startswith(town.url)}
    context.close()
    gone = ("/tag/never-seen", "/@nobody", "/@rivergarden/2", "/@lanternpost/99")
    with httpx.Client(timeout=60) as client:
        for link in links:
            status = client.get(link).status_code
            assert status == 200 or any(path in link for path in gone), (link, status)
    assert len(links) > 100
