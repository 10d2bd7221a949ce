"""A socket in the data folder: the operator's commands reach the running server through it.

One JSON object a line in each direction: {"command", …} and {"ok", …} or {"error"}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from teahouse.errors import TeahouseError

log = logging.getLogger("teahouse.admin")

FILE = "control.sock"
LINE_MAX_BYTES = 65_536  # of one request
ANSWER_TIMEOUT_S = 3_600.0  # a backup of much media takes long


class ControlSocket:
    """The server's side. `perform` does what a request names; it may raise TeahouseError."""

    def __init__(self, perform: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]], folder: Path) -> None:
        self._perform = perform
        self._path = folder / FILE
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        """Listen; only the server's own user can connect."""
        self._path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bound.bind(str(self._path))
        # Before listening: a folder that was made by hand may let others in, who must not be quicker than this.
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._converse, sock=bound, limit=LINE_MAX_BYTES)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(await reader.readline())
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": await self._perform(json.loads(line))}
        except TeahouseError as error:
            return {"error": error.message}
        except ValueError:
            return {"error": "The request was not understood."}
        except Exception as error:  # the other edge of the server: whoever asks hears that it failed
            log.exception("a command failed")
            return {"error": f"The server made a mistake: {type(error).__name__}. It has been logged."}


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """Ask the server of a data folder; None when none is running. Raises TeahouseError for a refusal."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_TIMEOUT_S)
    with connection:
        try:
            connection.connect(str(folder / FILE))
        except OSError:
            return None
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as stream:
            line = stream.readline()
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise Refused(answer["error"])
    found: dict[str, Any] = answer["ok"]
    return found


class Refused(TeahouseError):
    """What the running server said no to."""
