"""`teahouse demo` fills a fresh instance, and no other."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import ServedTeahouse

API = "/_teahouse/v1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedTeahouse]:
    server = ServedTeahouse(tmp_path / "data")
    yield server
    server.kill()


def signed_in(server: ServedTeahouse, printed: str, name: str) -> httpx.Client:
    """One of the town's people, with the password that was printed."""
    password = re.search(r"Password: +(\S+)", printed)
    assert password is not None
    client = httpx.Client(base_url=server.url, timeout=60)
    body = {"type": "m.login.password", "user": name, "password": password[1]}
    answer = client.post("/_matrix/client/v3/login", json=body)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_fresh_instance_becomes_a_small_town_once(server: ServedTeahouse, running: bool) -> None:
    if running:
        server.start(recorded=False)
    filled = server.command("demo")
    assert filled.returncode == 0, filled.stderr
    assert "@mei:tea.test  (administrator)" in filled.stdout
    again = server.command("demo")
    assert (again.returncode, "Somebody lives here already" in again.stderr) == (1, True)
    verified = server.command("verify")
    assert json.loads(verified.stdout.splitlines()[-1])["problems"] == 0
    if not running:
        server.start(recorded=False)
    mei = signed_in(server, filled.stdout, "mei")
    accounts = mei.get(f"{API}/accounts").json()["accounts"]
    assert len(accounts) == 8
    assert {each["about"]["language"] for each in accounts} >= {"en", "id", "fr", "zh-Hans"}
    assert all(each["followers"] and each["posts"] for each in accounts)
    assert {each["handle"] for each in accounts if each["verified"]} == {"lanternpost", "balaikota"}
    written = [
        post["created_ts"] / 1_000
        for each in accounts
        for post in mei.get(f"{API}/accounts/{each['handle']}/posts").json()["posts"]
    ]
    assert len({int(moment // 86_400) for moment in written}) >= 5
    assert 3_600 < time.time() - max(written) < 86_400
    drafts = mei.get(f"{API}/accounts/lanternpost/drafts").json()["drafts"]
    assert [each["due_ts"] / 1_000 > time.time() for each in drafts] == [True]
    synced = mei.get("/_matrix/client/v3/sync").json()["rooms"]["join"]
    assert any("thermos" in json.dumps(room) for room in synced.values())
    contacts = mei.get(f"{API}/contacts").json()["contacts"]
    assert len(contacts) == 6
    assert httpx.get(f"{server.url}/@lanternpost/1").status_code == 200
    assert httpx.get(f"{server.url}/@rivergarden/2").status_code == 410


def test_an_instance_with_anybody_in_it_is_left_alone(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    server.register("resident", "correct horse")
    refused = server.command("demo")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "fills only an instance without users" in refused.stderr
    assert server.command("user", "list").stdout.count("@") == 1
