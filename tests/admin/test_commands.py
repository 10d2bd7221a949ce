"""The operator's commands, against a running server and on its data directly."""

import asyncio
import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import command
from tests.postgres import PostgresServer
from tests.serving import ROOT, ServedTeahouse


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedTeahouse]:
    server = ServedTeahouse(tmp_path / "data")
    yield server
    server.kill()


@pytest.fixture(params=["running", "stopped"])
def prepared(request: pytest.FixtureRequest, server: ServedTeahouse) -> ServedTeahouse:
    """A server whose commands go through its socket, or work on its data themselves."""
    server.start(recorded=False)
    if request.param == "stopped":
        assert server.stop() == 0
    return server


def login(server: ServedTeahouse, user: str, password: str) -> httpx.Response:
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
    return httpx.post(f"{server.url}/_matrix/client/v3/login", json=body)


def write_some(server: ServedTeahouse, name: str = "alice") -> tuple[dict[str, str], str]:
    """A signed-in user with a room, three messages and an upload; the headers and the room id."""
    server.register(name, "correct horse")
    headers = {"Authorization": f"Bearer {login(server, name, 'correct horse').json()['access_token']}"}
    client = f"{server.url}/_matrix/client/v3"
    room_id: str = httpx.post(f"{client}/createRoom", json={"name": "Tea"}, headers=headers).json()["room_id"]
    for number in range(3):
        say(server, headers, room_id, f"cup {number}")
    httpx.post(f"{server.url}/_matrix/media/v3/upload", content=b"leaves", headers=headers).raise_for_status()
    return headers, room_id


def say(server: ServedTeahouse, headers: dict[str, str], room_id: str, body: str) -> str:
    answer = httpx.put(
        f"{server.url}/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{body.replace(' ', '-')}",
        json={"msgtype": "m.text", "body": body},
        headers=headers,
    )
    answer.raise_for_status()
    event_id: str = answer.json()["event_id"]
    return event_id


def test_accounts_are_made_listed_and_given_passwords(prepared: ServedTeahouse) -> None:
    assert prepared.command("user", "add", "alice", "--admin", stdin="correct horse\n").returncode == 0
    again = prepared.command("user", "add", "alice", stdin="correct horse\n")
    assert (again.returncode, again.stderr) == (1, "teahouse: This user name is taken.\n")
    assert "@alice:tea.test" in (listed := prepared.command("user", "list").stdout)
    assert "administrator" in listed
    assert prepared.command("user", "password", "alice", stdin="battery staple\n").returncode == 0
    assert prepared.command("user", "password", "nobody", stdin="battery staple\n").returncode == 1
    if prepared.process is not None and prepared.process.poll() is not None:
        prepared.start(recorded=False)
    assert login(prepared, "alice", "correct horse").status_code == 403
    assert login(prepared, "alice", "battery staple").status_code == 200


def test_closing_an_account_needs_a_reason_that_its_owner_reads(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    headers, _ = write_some(server)
    assert "reason" in server.command("user", "deactivate", "alice").stderr
    assert server.command("user", "deactivate", "alice", "--reason", "Sold tea that was none.").returncode == 0
    answer = login(server, "alice", "correct horse")
    assert (answer.status_code, answer.json()["errcode"]) == (403, "M_USER_DEACTIVATED")
    assert answer.json()["error"] == "Sold tea that was none."
    assert httpx.get(f"{server.url}/_matrix/client/v3/account/whoami", headers=headers).status_code == 401
    assert server.stop() == 0
    with sqlite3.connect(server.data_dir / "teahouse.db") as connection:
        [row] = connection.execute("SELECT action, subject, reason FROM staff_actions").fetchall()
    assert row == ("deactivate", "@alice:tea.test", "Sold tea that was none.")


def test_registration_tokens_are_made_and_listed(prepared: ServedTeahouse) -> None:
    made = prepared.command("token", "create", "--token", "oolong", "--uses", "2", "--days", "3")
    assert made.stdout == "oolong\n"
    assert "oolong  used 0 of 2" in prepared.command("token", "list").stdout
    assert prepared.command("token", "create", "--token", "not a token").returncode == 1


def test_status_reads_the_durability_back(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    status = json.loads(server.command("status").stdout)
    assert status["durability"] == {"engine": "sqlite", "journal_mode": "wal", "synchronous": "FULL"}
    assert status["server_name"] == "tea.test"


def test_a_second_server_on_the_same_data_is_refused_by_name(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    assert server.process is not None
    refused = server.command("serve", "--port", "0")
    assert refused.returncode == 1
    assert f"in use by process {server.process.pid}" in refused.stderr


def test_the_name_of_a_server_cannot_change(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    assert server.stop() == 0
    server.settings = server.settings | {"TEAHOUSE_SERVER_NAME": "other.test"}
    refused = server.command("serve", "--port", "0")
    assert refused.returncode == 1
    assert "server_name: this data belongs to tea.test" in refused.stderr


def test_a_stop_leaves_one_database_file(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    write_some(server)
    assert server.stop() == 0
    assert not list(server.data_dir.glob("*-wal"))
    assert not list(server.data_dir.glob("*.sock"))


def test_verify_counts_what_is_there_and_finds_what_does_not_fit(server: ServedTeahouse) -> None:
    server.start(recorded=False)
    write_some(server)
    found = server.command("verify")
    assert found.returncode == 0, found.stdout
    counts = json.loads(found.stdout.splitlines()[-1])
    assert (counts["messages"], counts["rooms"], counts["users"], counts["media"], counts["problems"]) == (
        3,
        1,
        1,
        1,
        0,
    )
    assert server.stop() == 0
    with sqlite3.connect(server.data_dir / "teahouse.db") as connection:
        connection.execute(
            "UPDATE events SET event = replace(event, '$', '#') WHERE pos = (SELECT max(pos) FROM events)"
        )
        connection.execute("UPDATE memberships SET membership = 'ban'")
        connection.execute("DELETE FROM events WHERE pos = (SELECT min(pos) FROM state)")
    [content] = [path for path in (server.data_dir / "media").rglob("*") if path.is_file()]
    content.write_bytes(b"weeds")
    broken = server.command("verify")
    assert broken.returncode == 1
    problems = broken.stdout
    for words in ("id of another place", "is ban in room", "has no event", "named after", "miscounts"):
        assert words in problems, problems


def test_a_restored_backup_goes_on_in_a_new_life_of_the_log(server: ServedTeahouse, tmp_path: Path) -> None:
    server.start(recorded=False)
    headers, room_id = write_some(server)
    kept = say(server, headers, room_id, "kept")
    backed_up = server.command("backup", str(tmp_path / "backup"))
    assert backed_up.returncode == 0, backed_up.stderr
    assert server.command("backup", str(tmp_path / "backup")).returncode == 1
    client = f"{server.url}/_matrix/client/v3"
    lost = say(server, headers, room_id, "lost")
    since = httpx.get(f"{client}/sync", headers=headers).json()["next_batch"]
    server.kill()

    restored = ServedTeahouse(tmp_path / "restored", server.port)
    assert restored.command("restore", str(tmp_path / "backup")).returncode == 0
    assert "not empty" in restored.command("restore", str(tmp_path / "backup")).stderr
    try:
        restored.start(recorded=False)
        answer = httpx.get(f"{client}/sync?since={since}", headers=headers).json()
        timeline = answer["rooms"]["join"][room_id]["timeline"]["events"]
        assert kept in [event["event_id"] for event in timeline]
        assert httpx.get(f"{client}/rooms/{room_id}/event/{lost}", headers=headers).status_code == 404
        assert httpx.get(f"{client}/rooms/{room_id}/event/{kept}", headers=headers).status_code == 200
        assert say(restored, headers, room_id, "new") not in (kept, lost)
        counts = json.loads(restored.command("verify").stdout.splitlines()[-1])
        assert (counts["messages"], counts["problems"]) == (5, 0)
    finally:
        restored.kill()


def test_a_backup_of_postgresql_goes_into_an_empty_database_and_no_other(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    first, second = [f"backup_{secrets.token_hex(4)}" for _ in range(2)]
    for name in (first, second):
        asyncio.run(command(postgres_server, f"CREATE DATABASE {name}"))
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_DATABASE_URL=postgres_server.url(first))
    server.start(recorded=False)
    try:
        headers, room_id = write_some(server)
        kept = say(server, headers, room_id, "kept")
        made = server.command("backup", str(tmp_path / "backup"))
        assert made.returncode == 0, made.stderr
        lost = say(server, headers, room_id, "lost")
    finally:
        server.kill()
    restored = ServedTeahouse(tmp_path / "restored", TEAHOUSE_DATABASE_URL=postgres_server.url(first))
    assert "not empty" in restored.command("restore", str(tmp_path / "backup")).stderr
    restored.settings = restored.settings | {"TEAHOUSE_DATABASE_URL": postgres_server.url(second)}
    done = restored.command("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    restored.start(recorded=False)
    try:
        event = f"{restored.url}/_matrix/client/v3/rooms/{room_id}/event"
        assert httpx.get(f"{event}/{kept}", headers=headers).status_code == 200
        assert httpx.get(f"{event}/{lost}", headers=headers).status_code == 404
        assert say(restored, headers, room_id, "new") not in (kept, lost)
        counts = json.loads(restored.command("verify").stdout.splitlines()[-1])
        assert (counts["messages"], counts["media"], counts["problems"]) == (5, 1, 0)
    finally:
        restored.kill()


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    server = ServedTeahouse(tmp_path / "data")
    (tmp_path / "something").mkdir()
    refused = server.command("restore", str(tmp_path / "something"))
    assert (refused.returncode, "is not a backup" in refused.stderr) == (1, True)


def test_config_names_every_setting(server: ServedTeahouse) -> None:
    shown = server.command("config").stdout
    for name in ("server_name = tea.test", "registration = open", "rooms.group_members_max = 500 members"):
        assert name in shown


def test_a_command_whose_reader_has_gone_ends_quietly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m teahouse config --data {tmp_path}/data | true"
    shown = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stderr) == (0, "")
