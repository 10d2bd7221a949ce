"""`kill -9` at any moment: what was acknowledged is there, once, in order; what was not may be retried."""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.databases import command
from tests.kill.crowd import Talker, history, messages
from tests.kill.faulty import DEAD
from tests.postgres import PostgresServer
from tests.serving import ROOT, ServedTeahouse

TALKERS = 6
KILLS = 4
KILLS_LONG = 20
SEED = 7

Kill = Callable[[], Awaitable[None]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedTeahouse]:
    server = ServedTeahouse(tmp_path / "data").start(recorded=False)
    yield server
    server.kill()


@asynccontextmanager
async def crowd(server: ServedTeahouse) -> AsyncIterator[None]:
    """People talking and listening; afterwards everything acknowledged must have been heard and stored once."""
    talkers = [Talker(server, f"talker{number}") for number in range(TALKERS)]
    await asyncio.gather(*(talker.enter() for talker in talkers))
    room = await talkers[0].ask("POST", "/_matrix/client/v3/createRoom", {"preset": "public_chat"})
    room_id = room["room_id"]
    for talker in talkers[1:]:
        await talker.ask("POST", f"/_matrix/client/v3/rooms/{room_id}/join", {})
    quiet, silence = asyncio.Event(), asyncio.Event()
    listening = asyncio.create_task(talkers[-1].listen(room_id, silence))
    talking = [asyncio.create_task(talker.talk(room_id, quiet)) for talker in talkers]
    yield
    quiet.set()
    await asyncio.gather(*talking)
    silence.set()
    heard = await listening
    stored = messages(await history(talkers[0], room_id))
    assert len(stored) == len(set(stored))
    assert heard == stored
    for talker in talkers:
        assert talker.acknowledged == [event_id for event_id in stored if event_id in set(talker.acknowledged)]
    assert sum(len(talker.acknowledged) for talker in talkers) == len(stored)
    assert len(stored) > TALKERS


async def kill_some(server: ServedTeahouse, kills: int) -> None:
    dice = random.Random(SEED)
    async with crowd(server):
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.2, 0.8))
            server.kill()
            await asyncio.to_thread(server.start, recorded=False)
        await asyncio.sleep(0.3)
    assert server.stop() == 0
    verified = server.command("verify")
    assert verified.returncode == 0, verified.stdout


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(server: ServedTeahouse) -> None:
    await kill_some(server, KILLS)


@pytest.mark.long
async def test_nothing_is_lost_in_twenty_kills(server: ServedTeahouse) -> None:
    await kill_some(server, KILLS_LONG)


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be killed, on real disk."""
    with tempfile.TemporaryDirectory(prefix="tea-") as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder)).start()
        yield server
        server.stop()


async def test_nothing_acknowledged_is_lost_when_postgresql_is_killed(tmp_path: Path, postgres: PostgresServer) -> None:
    await command(postgres, "CREATE DATABASE killed")
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_DATABASE_URL=postgres.url("killed")).start(recorded=False)
    try:
        async with crowd(server):
            for _ in range(KILLS // 2):
                await asyncio.sleep(0.6)
                await asyncio.to_thread(postgres.kill)
                assert server.process is not None
                assert await asyncio.to_thread(server.process.wait, 20) == 1  # its writer is gone, so it ends
                await asyncio.to_thread(postgres.start)
                await asyncio.to_thread(server.start, recorded=False)
            await asyncio.sleep(0.3)
        verified = await asyncio.to_thread(server.command, "verify")
        assert verified.returncode == 0, verified.stdout
    finally:
        server.kill()


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "checkpoint"])
async def test_a_death_inside_the_store_loses_nothing(server: ServedTeahouse, point: str) -> None:
    server.kill()
    launcher = server.start_with("tests.kill.faulty", point, "60" if point != "checkpoint" else "2")
    async with crowd(server):
        assert await asyncio.to_thread(launcher.wait, 60) == DEAD
        await asyncio.to_thread(server.start, recorded=False)
        await asyncio.sleep(0.3)
    assert server.stop() == 0
    assert server.command("verify").returncode == 0


@pytest.mark.parametrize("migration", range(1, 6))
def test_a_death_between_migrations_leaves_a_database_that_the_next_start_completes(
    tmp_path: Path, migration: int
) -> None:
    server = ServedTeahouse(tmp_path / "data")
    died = subprocess.run(
        [sys.executable, "-m", "tests.kill.faulty", "migration", str(migration), "serve", "--data",
         str(server.data_dir), "--port", "0", "--server-name", "tea.test"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert died.returncode == DEAD, died.stderr
    try:
        server.start(recorded=False)
        server.register("alice", "correct horse")
        assert json.loads(server.command("verify").stdout.splitlines()[-1])["problems"] == 0
    finally:
        server.kill()


def test_answers_go_out_only_after_an_fsync(tmp_path: Path) -> None:
    """strace sees, before each answer to a message, an fsync or fdatasync that completed since the answer before."""
    trace = tmp_path / "trace"
    server = ServedTeahouse(tmp_path / "data")
    calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
    server.start(recorded=False, wrapper=("strace", "-f", "-q", "-e", calls, "-s", "24", "-o", str(trace)))
    try:
        server.register("alice", "correct horse")
        login = {"type": "m.login.password", "user": "alice", "password": "correct horse"}
        with httpx.Client(base_url=f"{server.url}/_matrix/client/v3", timeout=20) as client:
            client.headers["Authorization"] = f"Bearer {client.post('/login', json=login).json()['access_token']}"
            room_id = client.post("/createRoom", json={}).json()["room_id"]
            before = len(trace.read_text().splitlines())
            for number in range(20):
                client.put(f"/rooms/{room_id}/send/m.room.message/{number}", json={"body": "x"}).raise_for_status()
    finally:
        server.kill()
        subprocess.run(["pkill", "-9", "-f", str(server.data_dir)], check=False)
    answered, synced = 0, False
    for line in trace.read_text().splitlines()[before:]:
        finished = "= 0" in line and ("sync(" in line or "sync resumed" in line)
        synced = synced or finished
        if "HTTP/1.1 200" in line:
            assert synced, f"an answer before any fsync: {line}"
            answered, synced = answered + 1, False
    assert answered >= 20
