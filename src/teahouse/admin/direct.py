"""Commands that work on the data themselves, because no server runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from teahouse.admin import actions
from teahouse.admin.serve import locked, server_name
from teahouse.app import build
from teahouse.clock import SystemClock
from teahouse.config import Config


def perform_directly(config: Config, request: dict[str, Any]) -> dict[str, Any]:
    """Open the data, do what a request names, close it."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(config.data_dir):
        return asyncio.run(opened(config, request))


async def opened(config: Config, request: dict[str, Any]) -> dict[str, Any]:
    """The same, inside a loop."""
    app = await build(replace(config, server_name=server_name(config)), SystemClock())
    background = asyncio.get_running_loop().create_task(app.run())
    try:
        return await actions.perform(app, request)
    finally:
        background.cancel()
        await asyncio.wait((background,))
        await app.close()
