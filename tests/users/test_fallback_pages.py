"""Pages for clients that do not know a stage of authentication."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from teahouse.http.html import STYLE, digest
from tests.databases import Place
from tests.users.signing import PASSWORD, register
from tests.world import World, world

TERMS = "https://tea.test/terms?a=1&b=\"'<i>"


async def page(tea: World, method: str, stage: str, session: str | None, **fields: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(tea.app.http), base_url="http://tea.test") as browser:
        path = f"/_matrix/client/v3/auth/{stage}/fallback/web"
        if method == "GET":
            return await browser.get(path, params={} if session is None else {"session": session})
        return await browser.post(path, data=fields if session is None else {"session": session, **fields})


def told_the_client(answer: httpx.Response) -> bool:
    """Whether the page runs the specification's script, and its policy lets it."""
    found = re.search(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    policy = answer.headers["content-security-policy"]
    return found is not None and f"'{digest(found[1])}'" in policy and "authDone" in found[1]


async def deactivation(tea: World) -> tuple[str, str]:
    """(access token, session) of somebody about to close an account."""
    alice = await register(tea, "alice")
    asked = await tea.ask(alice["access_token"], "POST", "/account/deactivate", {})
    return alice["access_token"], asked.json["session"]


async def test_the_password_page_completes_the_stage(tea: World) -> None:
    token, session = await deactivation(tea)
    shown = await page(tea, "GET", "m.login.password", session)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert 'type="password"' in shown.text
    assert f'value="{session}"' in shown.text
    wrong = await page(tea, "POST", "m.login.password", session, password="wrong")
    assert 'role="alert"' in wrong.text
    assert not told_the_client(wrong)
    body = {"auth": {"session": session}}
    assert (await tea.ask(token, "POST", "/account/deactivate", body)).status == 401
    assert told_the_client(await page(tea, "POST", "m.login.password", session, password=PASSWORD))
    assert told_the_client(await page(tea, "GET", "m.login.password", session))
    assert told_the_client(await page(tea, "POST", "m.login.password", session, password="again"))
    assert (await tea.ask(token, "POST", "/account/deactivate", body)).status == 200


async def test_a_registration_goes_through_the_pages_of_its_stages(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", registration="token", accounts__terms_url=TERMS) as tea:
        await tea.app.accounts.make_token("leaf", 1, None)
        body: dict[str, Any] = {"username": "alice", "password": PASSWORD}
        session = (await tea.ask(None, "POST", "/register", body)).json["session"]
        wrong = await page(tea, "POST", "m.login.registration_token", session, token="<b>bud</b>")
        assert 'role="alert"' in wrong.text
        assert "<b>" not in wrong.text
        assert told_the_client(await page(tea, "POST", "m.login.registration_token", session, token="leaf"))
        half = await tea.ask(None, "POST", "/register", {**body, "auth": {"session": session}})
        assert (half.status, half.json["completed"]) == (401, ["m.login.registration_token"])
        terms = await page(tea, "GET", "m.login.terms", session)
        assert 'href="https://tea.test/terms?a=1&amp;b=&#34;&#39;&lt;i&gt;"' in terms.text
        assert told_the_client(await page(tea, "POST", "m.login.terms", session))
        assert (await tea.ask(None, "POST", "/register", {**body, "auth": {"session": session}})).status == 200
        (token,) = await tea.app.accounts.tokens()
        assert token.uses == 1


async def test_the_dummy_page_completes_the_stage(tea: World) -> None:
    body: dict[str, Any] = {"username": "alice", "password": PASSWORD}
    session = (await tea.ask(None, "POST", "/register", body)).json["session"]
    assert "<form" in (await page(tea, "GET", "m.login.dummy", session)).text
    assert told_the_client(await page(tea, "POST", "m.login.dummy", session))
    assert (await tea.ask(None, "POST", "/register", {**body, "auth": {"session": session}})).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("session", ["unknown", '"><script>', "\N{TEACUP WITHOUT HANDLE}"])
async def test_an_unknown_session_has_no_page(tea: World, method: str, session: str) -> None:
    answer = await page(tea, method, "m.login.password", session, password=PASSWORD)
    assert answer.status_code == 404
    assert "expired" in answer.text
    assert session not in answer.text


async def test_a_session_has_no_page_for_stages_it_does_not_ask_for(tea: World) -> None:
    token, session = await deactivation(tea)
    for method in ("GET", "POST"):
        assert (await page(tea, method, "m.login.dummy", session)).status_code == 404
    answer = await tea.ask(token, "POST", "/account/deactivate", {"auth": {"session": session}})
    assert (answer.status, answer.json["completed"]) == (401, [])


async def test_an_expired_session_has_no_page(tea: World) -> None:
    _, session = await deactivation(tea)
    tea.clock.pass_ms(900_000)
    assert (await page(tea, "GET", "m.login.password", session)).status_code == 404


async def test_what_is_no_page_and_no_form_is_refused(tea: World) -> None:
    assert (await page(tea, "GET", "m.login.sso", "unknown")).json()["errcode"] == "M_NOT_FOUND"
    assert (await page(tea, "GET", "m.login.dummy", None)).json()["errcode"] == "M_MISSING_PARAM"
    many = {f"f{number}": "x" for number in range(11)}
    assert (await page(tea, "POST", "m.login.dummy", "unknown", **many)).json()["errcode"] == "M_INVALID_PARAM"
    assert (await page(tea, "POST", "m.login.dummy", "unknown", token="x" * 9_000)).status_code == 413


async def test_a_page_runs_and_loads_nothing_else_and_is_kept_nowhere(tea: World) -> None:
    _, session = await deactivation(tea)
    headers = (await page(tea, "GET", "m.login.password", session)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'{digest(STYLE)}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
