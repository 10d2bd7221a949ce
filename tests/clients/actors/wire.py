"""JSON lines between an actor and the play: commands come in on stdin, replies and events go out on stdout.

A command is `{"id": 1, "do": "join", "with": {"room_id": "!a"}}`; its reply `{"id": 1, "ok": {…}}` or
`{"id": 1, "failed": "…"}`; an event `{"event": "message", …}`. Standard library only: each actor has an environment
of its own, and this file is in all of them.
"""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

LINE_MAX_BYTES = 1_048_576  # a page of history in one line, with room to spare

Command = Callable[..., Awaitable[dict[str, Any]]]


class Wire:
    """The actor's end. Takes stdout for itself: whatever else prints there ends up in stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(self, event: str, **fields: Any) -> None:
        self._write({"event": event} | fields)

    async def serve(self, commands: Mapping[str, Command]) -> None:
        """Do what is asked, one command after the other, until stdin ends."""
        reader = asyncio.StreamReader(limit=LINE_MAX_BYTES)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            asked = json.loads(line)
            try:
                done = await commands[asked["do"]](**asked["with"])
            except Exception as error:  # the play decides what a failure means
                traceback.print_exc()
                self._write({"id": asked["id"], "failed": f"{type(error).__name__}: {error}"})
            else:
                self._write({"id": asked["id"], "ok": done})

    def _write(self, message: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
