"""The socket by which the operator's commands reach the server: for the server's own user and nobody else."""

import asyncio
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from teahouse.admin import actions
from teahouse.admin.socket import FILE, ControlSocket, ask
from tests.world import World


async def test_nobody_else_can_connect_from_its_first_moment_on(
    tea: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "by-hand"
    folder.mkdir()
    folder.chmod(0o755)
    modes = []
    listen = asyncio.start_unix_server

    async def look_and_listen(*arguments: Any, **options: Any) -> asyncio.AbstractServer:
        modes.append(stat.S_IMODE((folder / FILE).stat().st_mode))
        return await listen(*arguments, **options)

    monkeypatch.setattr(asyncio, "start_unix_server", look_and_listen)
    control = ControlSocket(partial(actions.perform, tea.app), folder)
    await control.open()
    try:
        assert modes == [0o600]
        status = await asyncio.to_thread(ask, folder, {"command": "status"})
        assert status is not None
        assert status["server_name"] == tea.app.config.server_name
    finally:
        await control.close()
    assert await asyncio.to_thread(ask, folder, {"command": "status"}) is None
