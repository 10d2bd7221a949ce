"""`kill -9` at any moment: what was acknowledged is there, once, in order; what was not may be retried."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from teahouse.db.migrate import POSTGRES_WORDS, SQLITE_WORDS, statements, versions
from tests.kill.crowd import Listener, Talker, history, messages
from tests.kill.faulty import DEAD
from tests.postgres import PostgresServer
from tests.serving import ROOT, ServedTeahouse

TALKERS = 6
KILLS = 4
KILLS_LONG = 20
SEED = 7
SENT_UNDER_TRACE = 20


@pytest.fixture
def server(unstarted: ServedTeahouse) -> ServedTeahouse:
    """A server, running."""
    return unstarted.start(recorded=False)


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
    listener = Listener(talkers[-1], room_id)
    listening = asyncio.create_task(listener.listen(silence))
    talking = [asyncio.create_task(talker.talk(room_id, quiet)) for talker in talkers]
    yield
    quiet.set()
    await asyncio.gather(*talking)
    silence.set()
    await listening
    stored = messages(await history(talkers[0], room_id))
    assert len(stored) == len(set(stored))
    assert listener.heard == stored
    for talker in talkers:
        assert talker.acknowledged == [event_id for event_id in stored if event_id in set(talker.acknowledged)]
    assert sum(len(talker.acknowledged) for talker in talkers) == len(stored)
    assert len(stored) > TALKERS
    await listener.check_old_tokens()
    for talker in talkers:
        await talker.go_home()


async def verified(server: ServedTeahouse) -> None:
    found = await asyncio.to_thread(server.command, "verify")
    assert found.returncode == 0, found.stdout


async def kill_the_server(server: ServedTeahouse, kills: int) -> None:
    dice = random.Random(SEED)
    async with crowd(server):
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.2, 0.8))
            server.kill()
            await asyncio.to_thread(server.start, recorded=False)
        await asyncio.sleep(0.3)
    assert server.stop() == 0
    await verified(server)


async def kill_the_database(server: ServedTeahouse, postgres: PostgresServer, kills: int) -> None:
    dice = random.Random(SEED)
    async with crowd(server):
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.2, 0.8))
            await asyncio.to_thread(postgres.kill)
            assert server.process is not None
            assert await asyncio.to_thread(server.process.wait, 20) == 1  # its writer is gone, so it ends
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(server.start, recorded=False)
        await asyncio.sleep(0.3)
    await verified(server)


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(server: ServedTeahouse) -> None:
    await kill_the_server(server, KILLS)


@pytest.mark.long
async def test_nothing_is_lost_in_twenty_kills(server: ServedTeahouse) -> None:
    await kill_the_server(server, KILLS_LONG)


@pytest.mark.parametrize("unstarted", ["postgres"], indirect=True)
async def test_nothing_acknowledged_is_lost_when_postgresql_is_killed(
    server: ServedTeahouse, postgres: PostgresServer
) -> None:
    await kill_the_database(server, postgres, KILLS // 2)


@pytest.mark.long
@pytest.mark.parametrize("unstarted", ["postgres"], indirect=True)
async def test_nothing_is_lost_in_twenty_kills_of_postgresql(server: ServedTeahouse, postgres: PostgresServer) -> None:
    await kill_the_database(server, postgres, KILLS_LONG)


async def die_within(server: ServedTeahouse, point: str, count: int) -> None:
    launcher = server.start_with("tests.kill.faulty", point, str(count))
    async with crowd(server):
        assert await asyncio.to_thread(launcher.wait, 60) == DEAD
        await asyncio.to_thread(server.start, recorded=False)
        await asyncio.sleep(0.3)
    assert server.stop() == 0
    await verified(server)


@pytest.mark.parametrize("point", ["before_commit", "in_commit", "after_commit"])
async def test_a_death_before_in_or_after_a_commit_loses_nothing(unstarted: ServedTeahouse, point: str) -> None:
    await die_within(unstarted, point, 60)


@pytest.mark.parametrize("unstarted", ["sqlite"], indirect=True)
async def test_a_death_inside_a_checkpoint_loses_nothing(unstarted: ServedTeahouse) -> None:
    await die_within(unstarted, "checkpoint", 2)


@pytest.mark.parametrize("part", [0.0, 0.4, 0.8, 1.0])
def test_a_death_inside_the_migrations_leaves_a_database_that_the_next_start_completes(
    unstarted: ServedTeahouse, part: float
) -> None:
    server = unstarted
    words = POSTGRES_WORDS if "TEAHOUSE_DATABASE_URL" in server.settings else SQLITE_WORDS
    last = sum(len(statements(version, words)) for version in versions())
    died = subprocess.run(
        [sys.executable, "-m", "tests.kill.faulty", "migration", str(1 + round(part * (last - 1))), "serve", "--data",
         str(server.data_dir), "--port", "0"],
        cwd=ROOT, env=os.environ | server.settings, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert died.returncode == DEAD, died.stderr
    server.start(recorded=False)
    server.register("alice", "correct horse")
    assert json.loads(server.command("verify").stdout.splitlines()[-1])["problems"] == 0


@pytest.mark.parametrize("unstarted", ["sqlite"], indirect=True)
def test_answers_go_out_only_after_an_fsync(unstarted: ServedTeahouse, tmp_path: Path) -> None:
    """strace sees, before each answer to a message, an fsync of the log begun after a write to it and completed."""
    server, trace = unstarted, tmp_path / "trace"
    calls = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg"
    server.start(recorded=False, wrapper=("strace", "-f", "-q", "-y", "-e", calls, "-s", "24", "-o", str(trace)))
    try:
        server.register("alice", "correct horse")
        login = {"type": "m.login.password", "user": "alice", "password": "correct horse"}
        with httpx.Client(base_url=f"{server.url}/_matrix/client/v3", timeout=20) as client:
            client.headers["Authorization"] = f"Bearer {client.post('/login', json=login).json()['access_token']}"
            room_id = client.post("/createRoom", json={}).json()["room_id"]
            before = len(trace.read_text().splitlines())
            for number in range(SENT_UNDER_TRACE):
                client.put(f"/rooms/{room_id}/send/m.room.message/{number}", json={"body": "x"}).raise_for_status()
    finally:
        traced = int((server.data_dir / "lock").read_text())  # it outlives strace
        server.kill()
        with suppress(ProcessLookupError):
            os.kill(traced, signal.SIGKILL)
    assert answered_after_syncs(trace.read_text().splitlines()[before:]) >= SENT_UNDER_TRACE


def answered_after_syncs(lines: list[str]) -> int:
    """Good answers in a trace; fails at one without a write to the log and a whole fsync of it since the one before."""
    answered, written, synced = 0, False, False
    syncing: set[str] = set()  # threads in an fsync that began after a write
    for line in lines:
        thread = line.split()[0]
        if re.search(r"pwrite64\(\d+<[^>]*-wal>", line):
            written = True
        elif re.search(r"f(data)?sync\(\d+<[^>]*-wal>", line) and written:
            syncing.add(thread)
        if thread in syncing and re.search(r"sync(\(| resumed).*= 0$", line):
            syncing.discard(thread)
            synced = True
        if "HTTP/1.1 200" in line:
            assert synced, f"an answer before any fsync: {line}"
            answered, written, synced = answered + 1, False, False
    return answered
