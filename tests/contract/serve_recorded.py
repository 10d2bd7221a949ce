"""Run a Python module's server with every answer recorded: `python -m tests.contract.serve_recorded teahouse serve …`.

Takes the module's name and its arguments. The one seam is uvicorn's: whatever ASGI application the module gives to
uvicorn is wrapped before it serves, so real clients over sockets are recorded without a line for it in the product.
"""

import os
import runpy
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from tests.contract.recording import (
    BODY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    TRAFFIC_ENVIRONMENT,
    Recording,
    describe,
    folder_of_this_run,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class RecordedApplication:
    """An ASGI application that passes everything on as it is, and records each HTTP answer."""

    def __init__(self, application: Application, recording: Recording) -> None:
        self._application = application
        self._recording = recording

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        passage = _Passage(scope, receive, send)
        try:
            await self._application(scope, passage.receive, passage.send)
        finally:
            # Also when the application raised or the client went away: an answer that began was seen by someone.
            if passage.status:
                self._recording.add(passage.exchange())


class _Passage:
    """What one request and its answer carried, kept up to the recording's limits."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._request = bytearray()
        self._answer: bytearray | None = bytearray()
        self._finished = False
        self._media_type = ""
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if len(self._request) < REQUEST_MAX_BYTES:
            self._request += message.get("body", b"")[:REQUEST_MAX_BYTES]
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = {bytes(name).lower(): bytes(value) for name, value in message.get("headers", ())}
            self._media_type = headers.get(b"content-type", b"").decode("latin-1")
        elif message["type"] == "http.response.body":
            self._keep(message.get("body", b""))
            self._finished = not message.get("more_body", False)
        await self._send(message)

    def _keep(self, piece: bytes) -> None:
        if self._answer is not None:
            self._answer = self._answer + piece if len(self._answer) + len(piece) <= BODY_MAX_BYTES else None

    def exchange(self) -> Any:
        query = self._scope["query_string"]
        target = self._scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
        whole = bytes(self._answer) if self._finished and self._answer is not None else None
        method = self._scope["method"]
        return describe(method, target, bytes(self._request), self.status, self._media_type, whole)


def record_uvicorn(recording: Recording) -> None:
    """Make every uvicorn server of this process serve its application recorded."""
    loaded = uvicorn.Config.load

    def load(self: uvicorn.Config) -> None:
        loaded(self)
        self.loaded_app = RecordedApplication(self.loaded_app, recording)  # type: ignore[assignment]

    uvicorn.Config.load = load  # type: ignore[method-assign]


def main() -> None:
    module, *arguments = sys.argv[1:]
    record_uvicorn(Recording(folder_of_this_run()))
    # The product refuses settings it does not know; what the tests set for themselves is not for it.
    os.environ.pop(TRAFFIC_ENVIRONMENT, None)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
