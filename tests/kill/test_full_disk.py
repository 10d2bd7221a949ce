"""A disk that is full: writes are refused, reads go on, and nothing is lost when there is room again."""

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import command
from tests.postgres import PostgresServer
from tests.serving import ServedTeahouse

SIZE = "96m"  # a database of PostgreSQL has some megabytes before anything is in it
FILLER_BYTES = 1_000_000


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of some megabytes; making one takes root. PostgreSQL, which runs as another user, may enter it."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs takes root")
    with tempfile.TemporaryDirectory(prefix="tea-") as folder:
        Path(folder).chmod(0o711)
        place = Path(folder) / "small"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "tmpfs", str(place)], check=True)
        yield place
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[ServedTeahouse]:
    """A server whose data, media and all, is on the small disk; with PostgreSQL all but its write-ahead log is."""
    if request.param == "sqlite":
        yield ServedTeahouse(small_disk / "data")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    name, place = f"full_{secrets.token_hex(4)}", small_disk / "tables"
    place.mkdir()
    if postgres.user is not None:
        shutil.chown(place, postgres.user)
    asyncio.run(command(postgres, f"CREATE TABLESPACE {name} LOCATION '{place}'"))
    asyncio.run(command(postgres, f"CREATE DATABASE {name} TABLESPACE {name}"))
    yield ServedTeahouse(small_disk / "data", TEAHOUSE_DATABASE_URL=postgres.url(name))
    asyncio.run(command(postgres, f"DROP DATABASE {name} WITH (FORCE)"))
    asyncio.run(command(postgres, f"DROP TABLESPACE {name}"))


def test_a_full_disk_refuses_writes_serves_reads_and_recovers(server: ServedTeahouse, small_disk: Path) -> None:
    server.start(recorded=False)
    try:
        server.register("alice", "correct horse")
        login = {"type": "m.login.password", "user": "alice", "password": "correct horse"}
        with httpx.Client(base_url=server.url, timeout=20) as client:
            token = client.post("/_matrix/client/v3/login", json=login).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            room_id = client.post("/_matrix/client/v3/createRoom", json={}).json()["room_id"]
            acknowledged = fill(client, room_id, small_disk)
            read_on(client, room_id, acknowledged)

            (small_disk / "filler").unlink()
            after = say(client, room_id, "after")
            assert after.status_code == 200, after.text
            assert upload(client, b"fits again").status_code == 200
            read_on(client, room_id, [*acknowledged, after.json()["event_id"]])
        assert server.stop() == 0
        verified = server.command("verify")
        assert verified.returncode == 0, verified.stdout
    finally:
        server.kill()


def fill(client: httpx.Client, room_id: str, disk: Path) -> list[str]:
    """Fill the disk, then send until the server says that it is full; the ids it acknowledged until then."""
    with (disk / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(b"\0" * FILLER_BYTES)
                filler.flush()
        except OSError:
            pass
    acknowledged = []
    for number in range(2_000):
        answer = say(client, room_id, str(number), "x" * 20_000)
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["errcode"]) == (507, "M_RESOURCE_LIMIT_EXCEEDED")
            assert upload(client, b"y" * 2_000_000).status_code == 507
            return acknowledged
        acknowledged.append(answer.json()["event_id"])
    raise AssertionError("the disk never filled")


def read_on(client: httpx.Client, room_id: str, acknowledged: list[str]) -> None:
    """Every acknowledged message is there, once, in order."""
    assert client.get("/_matrix/client/v3/sync").status_code == 200
    found, query = [], {"dir": "f", "limit": "1000"}
    while True:
        page = client.get(f"/_matrix/client/v3/rooms/{room_id}/messages", params=query).json()
        found += [event["event_id"] for event in page["chunk"] if event["type"] == "m.room.message"]
        if not page["chunk"]:
            break
        query["from"] = page["end"]
    assert found == acknowledged


def say(client: httpx.Client, room_id: str, txn_id: str, body: str = "x") -> httpx.Response:
    path = f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{txn_id}"
    return client.put(path, json={"msgtype": "m.text", "body": body})


def upload(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/_matrix/media/v3/upload", content=content)
