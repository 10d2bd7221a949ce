"""What the papers claim."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from teahouse.config import Config, load, settings
from tests.clients.conftest import environments
from tests.clients.environments import Environments
from tests.serving import ServedTeahouse

__all__ = ["environments"]

ROOT = Path(__file__).parents[1]
PAPERS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)


def block(paper: str, language: str, containing: str) -> str:
    """A code block of a paper."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / paper).read_text(), re.DOTALL)
    return next(found for found in blocks if containing in found)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_leads_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", paper.read_text()):
        if "://" not in target:
            assert (paper.parent / target).exists(), target


def test_every_setting_is_written_down() -> None:
    written = (ROOT / "docs/configuration.md").read_text()
    for setting in settings(Config()):
        default = "empty" if setting.default in ("", ()) else str(setting.default).lower().replace("'", "")
        row = f"| `{setting.name}` | {default}{f' {setting.unit}' if setting.unit else ''} | {setting.about} |"
        assert row in written, row


def test_the_example_configuration_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "teahouse.toml"
    path.write_text(block("docs/operators.md", "toml", "server_name"))
    config = load(path, {}, {})
    assert (config.server_name, config.public_url) == ("example.org", "https://chat.example.org")
    path.write_text(block("docs/operators.md", "toml", "[database]"))
    assert load(path, {}, {}).database.url.startswith("postgresql://")


def test_the_commands_of_the_papers_exist() -> None:
    for paper in PAPERS:
        for words in re.findall(
            r"^(?:\.venv/bin/)?teahouse ((?:user|token) \w+|[a-z]+)", paper.read_text(), re.MULTILINE
        ):
            asked = [sys.executable, "-m", "teahouse", *words.split(), "--help"]
            assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0, words


def test_a_stranger_chats_by_the_first_steps(tmp_path: Path) -> None:
    """The link, the word, registering, greeting: as the README has it."""
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_REGISTRATION="token", TEAHOUSE_RATE_LIMITS_ENABLED="true")
    server.start(recorded=False)
    try:
        link = re.search(r"http://\S+/setup\?token=(\S+)", server.log.read_text())
        assert link is not None
        form = {"token": link[1], "name": "hostess", "password": "correct horse", "again": "correct horse"}
        assert httpx.post(f"{server.url}/setup", data=form).status_code == 200
        word = server.command("token", "create").stdout.strip()
        client = f"{server.url}/_matrix/client/v3"
        body = {"username": "guest", "password": "correct horse"}
        asked = httpx.post(f"{client}/register", json=body)
        auth = {"type": "m.login.registration_token", "token": word, "session": asked.json()["session"]}
        guest = httpx.post(f"{client}/register", json=body | {"auth": auth}).json()
        login = {"type": "m.login.password", "user": "hostess", "password": "correct horse"}
        hostess = httpx.post(f"{client}/login", json=login).json()
        first = {"Authorization": f"Bearer {hostess['access_token']}"}
        second = {"Authorization": f"Bearer {guest['access_token']}"}

        group = {"preset": "private_chat", "invite": [guest["user_id"]]}
        assert httpx.post(f"{client}/createRoom", json=group, headers=first).status_code == 403
        direct = {"preset": "trusted_private_chat", "is_direct": True, "invite": [guest["user_id"]]}
        room_id = httpx.post(f"{client}/createRoom", json=direct, headers=first).json()["room_id"]
        assert httpx.post(f"{client}/rooms/{room_id}/join", json={}, headers=second).status_code == 200
        assert httpx.post(f"{client}/createRoom", json=group, headers=first).status_code == 200
    finally:
        server.kill()


def test_a_program_posts_as_the_paper_says(tmp_path: Path) -> None:
    server = ServedTeahouse(tmp_path / "data")
    server.start(recorded=False)
    try:
        server.register("owner", "correct horse")
        login = {"type": "m.login.password", "user": "owner", "password": "correct horse"}
        own = httpx.post(f"{server.url}/_matrix/client/v3/login", json=login).json()["access_token"]
        wish = {"handle": "daily", "kind": "media", "name": "The Daily Leaf"}
        headers = {"Authorization": f"Bearer {own}"}
        made = httpx.post(f"{server.url}/_teahouse/v1/accounts", json=wish, headers=headers)
        assert made.status_code == 200

        def follow(command: str, **environment: str) -> dict[str, Any]:
            """Run a command of the paper; what it printed."""
            variables = {"SERVER": server.url, "HANDLE": "daily", "PATH": os.environ["PATH"], **environment}
            done = subprocess.run(["sh", "-c", command], env=variables, capture_output=True, text=True, check=True)
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer

        token = follow(block("docs/publishers.md", "sh", "OWN_TOKEN"), OWN_TOKEN=own)["token"]
        publish = block("docs/publishers.md", "sh", "POSTING_TOKEN")
        numbers = [follow(publish, POSTING_TOKEN=token)["number"] for _ in range(2)]
        assert numbers == [1, 1]
        shown = httpx.get(f"{server.url}/_teahouse/v1/accounts/daily/posts/1").json()
        assert shown["content"]["text"] == "Rain by noon. #weather"
    finally:
        server.kill()


def test_the_example_bot_answers(teahouse_server: ServedTeahouse, environments: Environments, tmp_path: Path) -> None:
    name = f"echo{time.time_ns()}"
    asker = f"asker{time.time_ns()}"
    for user in (name, asker):
        teahouse_server.register(user, "correct horse")
    program = tmp_path / "bot.py"
    program.write_text(block("docs/bots.md", "python", "sync_forever"))
    python = environments.nio()[0]
    bot = subprocess.Popen([python, str(program), teahouse_server.url, f"@{name}:tea.test", "correct horse"])
    try:
        with httpx.Client(base_url=f"{teahouse_server.url}/_matrix/client/v3", timeout=40) as client:
            login = {"type": "m.login.password", "user": asker, "password": "correct horse"}
            client.headers["Authorization"] = f"Bearer {client.post('/login', json=login).json()['access_token']}"
            direct = {"is_direct": True, "invite": [f"@{name}:tea.test"]}
            room_id = client.post("/createRoom", json=direct).json()["room_id"]
            since = client.get("/sync").json()["next_batch"]
            deadline = time.monotonic() + 60
            said = False
            while time.monotonic() < deadline:
                answer = client.get("/sync", params={"since": since, "timeout": "2000"}).json()
                since = answer["next_batch"]
                text = json.dumps(answer)
                if not said and '"join"' in text and f"@{name}" in text:
                    said = client.put(
                        f"/rooms/{room_id}/send/m.room.message/1", json={"msgtype": "m.text", "body": "Tea?"}
                    ).is_success
                if "m.notice" in text:
                    assert "Tea?" in text
                    return
        raise AssertionError("the bot did not answer")
    finally:
        bot.kill()
        bot.wait()
