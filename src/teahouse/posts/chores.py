"""Work that is too much for one transaction: rows say what is left, and it goes on whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from teahouse.errors import StorageFull

RETRY_S = 60.0  # until work that failed is tried again


class Chore:
    """Such work. `step` does some of it; False when nothing is left."""

    def __init__(self, step: Callable[[], Awaitable[bool]]) -> None:
        self._step = step
        self._more = asyncio.Event()

    def more(self) -> None:
        """There is something to do."""
        self._more.set()

    async def run(self) -> None:
        """Do what is left, until cancelled."""
        while True:
            self._more.clear()
            try:
                while await self._step():
                    pass
            except StorageFull:  # which must not end the server
                await asyncio.sleep(RETRY_S)
                continue
            await self._more.wait()
