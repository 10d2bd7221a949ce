"""Posts whose hour comes while the server dies: each is published, once, and numbers stay dense."""

import os
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest

from tests.kill.faulty import DEAD
from tests.serving import ROOT, ServedTeahouse

ACCOUNT = "/_teahouse/v1/accounts/daily"
POSTS = 24
DUE_IN_MS = 4_000
LIMIT_S = 60.0


def editor(server: ServedTeahouse) -> httpx.Client:
    """The owner of an account, signed in. Each request by a connection of its own: servers die between them."""
    server.register("alice", "correct horse")
    client = httpx.Client(base_url=server.url, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
    login = {"type": "m.login.password", "user": "alice", "password": "correct horse"}
    token = client.post("/_matrix/client/v3/login", json=login).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    made = client.post("/_teahouse/v1/accounts", json={"handle": "daily", "kind": "media", "name": "Daily"})
    assert made.status_code == 200, made.text
    return client


def schedule(client: httpx.Client, due_in_ms: int) -> float:
    """So many posts, two at a time; when the last of them is due, in seconds."""
    due_ts = int(time.time() * 1_000) + due_in_ms
    for number in range(POSTS):
        body = {"content": {"text": f"post {number}"}, "due_ts": due_ts + number // 2}
        assert client.post(f"{ACCOUNT}/drafts", json=body).status_code == 200
    return (due_ts + POSTS // 2) / 1_000


def check(client: httpx.Client) -> None:
    """Wait until no draft is left; every post stands once."""
    deadline = time.monotonic() + LIMIT_S
    while client.get(f"{ACCOUNT}/drafts").json()["drafts"]:
        assert time.monotonic() < deadline, "a scheduled post was never published"
        time.sleep(0.05)
    posts = client.get(f"{ACCOUNT}/posts", params={"limit": 100}).json()["posts"]
    assert sorted(post["content"]["text"] for post in posts) == sorted(f"post {number}" for number in range(POSTS))
    assert [post["number"] for post in posts] == list(range(POSTS, 0, -1))


@pytest.mark.parametrize("point", ["before_commit", "in_commit", "after_commit"])
def test_a_death_in_the_midst_of_publishing_neither_loses_nor_doubles_a_post(
    unstarted: ServedTeahouse, point: str
) -> None:
    unstarted.start(recorded=False)
    with closing(editor(unstarted)) as client:
        due_s = schedule(client, DUE_IN_MS)
        assert unstarted.stop() == 0
        # What fell due while the server was down comes at its start, where it dies at the twelfth commit.
        time.sleep(max(0.0, due_s - time.time()))
        dying = ["-m", "tests.kill.faulty", point, "12", "serve", "--data", str(unstarted.data_dir), "--port", "0"]
        died = subprocess.run(
            [sys.executable, *dying], cwd=ROOT, env=os.environ | unstarted.settings, stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        assert died.returncode == DEAD, died.stderr
        unstarted.start(recorded=False)
        check(client)
    assert unstarted.stop() == 0
    verified = unstarted.command("verify")
    assert verified.returncode == 0, verified.stdout


def test_kills_at_any_moment_neither_lose_nor_double_a_post(unstarted: ServedTeahouse) -> None:
    unstarted.start(recorded=False)
    with closing(editor(unstarted)) as client:
        schedule(client, DUE_IN_MS)
        for _ in range(4):
            time.sleep(0.15)
            unstarted.kill()
            unstarted.start(recorded=False)
        check(client)
    assert unstarted.stop() == 0
