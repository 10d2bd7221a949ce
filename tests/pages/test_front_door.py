"""The pages a person meets first, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.serving import ServedTeahouse


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedTeahouse]:
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_REGISTRATION="token").start(recorded=False)
    yield server
    server.kill()


def setup_link(server: ServedTeahouse) -> str:
    """The link that the server printed when it started."""
    found = re.search(r"http://\S+/setup\?token=\S+", server.log.read_text())
    assert found is not None
    return found[0]


def fits(page: Page) -> bool:
    """Whether nothing of the page runs out of the window sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_the_first_administrator_is_made_once(server: ServedTeahouse, visitor: Page) -> None:
    link = setup_link(server)
    visitor.goto(server.url)
    expect(visitor.get_by_role("heading", name="Almost open")).to_be_visible()

    visitor.goto(link)
    visitor.get_by_label("User name").fill("Hostess")
    visitor.get_by_label("Password").fill("correct horse")
    visitor.get_by_label("The same again").fill("another horse")
    visitor.get_by_role("button").click()
    expect(visitor.get_by_role("alert")).to_contain_text("not the same")
    assert fits(visitor)

    visitor.get_by_label("Password").fill("correct horse")
    visitor.get_by_label("The same again").fill("correct horse")
    visitor.get_by_role("button").click()
    expect(visitor.get_by_role("heading", name="The house is yours")).to_be_visible()
    expect(visitor.get_by_text("@hostess:tea.test")).to_be_visible()
    assert "administrator" in server.command("user", "list").stdout

    visitor.goto(link)
    expect(visitor.get_by_role("heading", name="does not open")).to_be_visible()
    visitor.goto(server.url)
    expect(visitor.get_by_role("heading", name="Welcome to tea.test")).to_be_visible()
    expect(visitor.get_by_text("registration token")).to_be_visible()
    expect(visitor.get_by_text(server.url)).to_be_visible()
    assert fits(visitor)


def test_what_comes_from_outside_is_shown_as_text(server: ServedTeahouse, visitor: Page) -> None:
    attack = "<script>document.title='taken'</script>\"><img src=x onerror=\"document.title='taken'\">"
    token = setup_link(server).rpartition("=")[2]
    form = {"token": token, "name": attack, "password": "correct horse", "again": "correct horse"}
    answer = httpx.post(f"{server.url}/setup", data=form)
    assert answer.status_code == 400
    visitor.route("**/attacked", lambda route: route.fulfill(body=answer.text, content_type="text/html"))
    visitor.goto(f"{server.url}/attacked")
    assert visitor.title() == "Make the first administrator"
    assert visitor.get_by_label("User name").input_value() == attack.lower()


def test_a_link_that_was_made_up_opens_nothing(server: ServedTeahouse) -> None:
    made = server.command("token", "create")
    for token in ("", "guess", made.stdout.strip()):
        assert httpx.get(f"{server.url}/setup", params={"token": token}).status_code == 404
        form = {"token": token, "name": "mallory", "password": "correct horse", "again": "correct horse"}
        assert httpx.post(f"{server.url}/setup", data=form).status_code == 404
