"""A server lost and restored from its backup: clients with their old stores go on, and still decrypt."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.clients.actor import Actor
from tests.clients.environments import Environments
from tests.clients.stage import Stage, befriend, tells
from tests.serving import ServedTeahouse

LOOKS = 60
LOOK_AGAIN_S = 0.5


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServedTeahouse]:
    server = await asyncio.to_thread(ServedTeahouse(tmp_path / "data").start)
    yield server
    server.kill()


async def test_old_clients_chat_on_after_a_restore(
    server: ServedTeahouse, environments: Environments, tmp_path: Path
) -> None:
    (tmp_path / "clients").mkdir()
    stage = Stage(server, environments, tmp_path / "clients")
    try:
        alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
        nio, js = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "js", "browser"))
        room_id = await befriend(nio, js, "12")
        await tells(nio, [js], room_id, stage.secret("Before the backup"))
        await tells(js, [nio], room_id, stage.secret("I hear you"))

        kept = tmp_path / "backup"
        made = await asyncio.to_thread(server.command, "backup", str(kept))
        assert made.returncode == 0, made.stderr
        await tells(nio, [js], room_id, stage.secret("Lost with the disk"))
        await tells(js, [nio], room_id, stage.secret("This too"))

        server.kill()
        shutil.rmtree(server.data_dir)
        restored = await asyncio.to_thread(server.command, "restore", str(kept))
        assert restored.returncode == 0, restored.stderr
        await nio.stop()
        await asyncio.to_thread(server.start)
        again = await stage.come_back(nio, "nio")

        after, whole = stage.secret("After the restore"), stage.secret("Nothing is broken")
        await tells(js, [again], room_id, after)
        await tells(again, [], room_id, whole)
        await reads(js, room_id, [after, whole])
        await tells(again, [js], room_id, stage.secret("And on we go"))
        await tells(js, [again], room_id, stage.secret("As ever"))
        assert stage.secrets_found() == []
    finally:
        await stage.close()


async def reads(reader: Actor, room_id: str, texts: Sequence[str]) -> None:
    """The reader's timeline holds these texts, decrypted: a device that takes a room up anew decrypts what it shows."""
    for _ in range(LOOKS):
        shown = [message.get("body") for message in (await reader.do("history", room_id=room_id))["messages"]]
        if all(text in shown for text in texts):
            return
        await asyncio.sleep(LOOK_AGAIN_S)
    raise AssertionError(f"{texts} not in {shown}")
