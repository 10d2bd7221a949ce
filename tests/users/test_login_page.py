"""The page on which people sign in whose client knows none of the logins here."""

import json
import re
from typing import Any

import httpx
import pytest

from teahouse.http.html import digest
from tests.users.signing import PASSWORD, register, signed_in
from tests.world import World

PATH = "/_matrix/static/client/login/"


async def visit(tea: World, method: str, **given: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(tea.app.http), base_url="http://tea.test") as browser:
        return await (browser.get(PATH, params=given) if method == "GET" else browser.post(PATH, data=given))


def told(answer: httpx.Response) -> Any:
    """What the page gives its client, by a script that its policy lets run."""
    found = re.search(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert found is not None
    assert f"'{digest(found[1])}'" in answer.headers["content-security-policy"]
    call = re.search(r"window\.matrixLogin\.onLogin\((.*)\); }", found[1])
    assert call is not None
    return json.loads(call[1])


async def test_who_signs_in_on_the_page_is_given_to_the_client(tea: World) -> None:
    await register(tea, "alice", inhibit_login=True)
    given = {"device_id": "PHONE", "initial_device_display_name": "</script>茶", "refresh_token": "true"}
    shown = await visit(tea, "GET", **given)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'value="PHONE"' in shown.text
    assert "</script>茶" not in shown.text
    answer = told(await visit(tea, "POST", user="alice", password=PASSWORD, **given))
    assert (answer["user_id"], answer["device_id"]) == ("@alice:tea.test", "PHONE")
    assert answer["refresh_token"]
    assert await signed_in(tea, answer["access_token"])


@pytest.mark.parametrize("fields", [{}, {"user": "alice"}, {"user": "bob", "password": PASSWORD}])
async def test_a_wrong_password_may_be_tried_again(tea: World, fields: dict[str, str]) -> None:
    await register(tea, "alice", inhibit_login=True)
    refused = await visit(tea, "POST", device_id="PHONE", **fields)
    assert 'role="alert"' in refused.text
    assert 'value="PHONE"' in refused.text
    assert "<script>" not in refused.text


async def test_a_device_that_cannot_be_is_refused(tea: World) -> None:
    await register(tea, "alice", inhibit_login=True)
    refused = await visit(tea, "POST", user="alice", password=PASSWORD, device_id="a b")
    assert 'role="alert"' in refused.text
