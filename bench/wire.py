"""An HTTP/1.1 client that costs little, because it shares the machine with the server that it measures.

It knows keep-alive, Content-Length and chunked bodies, and nothing else: requests come as ready bytes and bodies go
out as bytes. One request at a time on each connection.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import NamedTuple, TypeVar, cast

CONNECT_TIMEOUT_S = 10.0
EXCERPT_BYTES = 300  # of a refusal's body, for the message
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_BODILESS = (204, 304)

T = TypeVar("T")


class Answer(NamedTuple):
    status: int
    body: bytes
    arrived: float  # perf_counter when its last byte was read


class Refused(Exception):
    """The server's answer was not the expected one."""


class Broken(Exception):
    """The bytes were no answer this client knows, or the connection ended inside one."""


class AnswerReader:
    """Cuts a stream of bytes into answers, wherever the stream is split."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._status = 0
        self._end = 0  # where the answer ends; 0 while the head is incomplete, -1 when its body is chunked
        self._at = 0  # where the body begins, or the size line of its next chunk
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> tuple[int, bytes] | None:
        """Status and body as soon as an answer is whole; the stream may hold only one at a time."""
        if not self._buffer:  # most answers come in one piece
            head = data.find(b"\r\n\r\n")
            found = _LENGTH.search(data, 0, head + 2) if head > 0 else None
            if found is not None and len(data) == head + 4 + int(found[1]):
                return int(data[9:12]), data[head + 4 :]
        self._buffer += data
        if self._end == 0 and not self._read_head():
            return None
        return self._whole() if self._end > 0 else self._chunks()

    def _read_head(self) -> bool:
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return False
        if not self._buffer.startswith(b"HTTP/1.1 "):
            raise Broken(bytes(self._buffer[:EXCERPT_BYTES]))
        self._status = int(self._buffer[9:12])
        self._at = head + 4
        self._pieces = []
        found = _LENGTH.search(self._buffer, 0, head + 2)
        if found is not None:
            self._end = self._at + int(found[1])
        elif _CHUNKED.search(self._buffer, 0, head + 2):
            self._end = -1
        elif self._status in _BODILESS:
            self._end = self._at
        else:
            raise Broken("an answer without a length")
        return True

    def _whole(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < self._end:
            return None
        return self._done(bytes(self._buffer[self._at : self._end]))

    def _chunks(self) -> tuple[int, bytes] | None:
        while (line := self._buffer.find(b"\r\n", self._at)) >= 0:
            size = int(self._buffer[self._at : line].split(b";")[0], 16)
            after = line + 2 + size + 2
            if len(self._buffer) < after:
                return None
            if size == 0:
                return self._done(b"".join(self._pieces))
            self._pieces.append(bytes(self._buffer[line + 2 : line + 2 + size]))
            self._at = after
        return None

    def _done(self, body: bytes) -> tuple[int, bytes]:
        self._buffer = bytearray()
        self._end = 0
        return self._status, body


class Connection(asyncio.Protocol):
    """One keep-alive connection, opened again when the server let it go between requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer. The caller bounds the time."""
        if self._transport is None:
            await asyncio.wait_for(
                self._loop.create_connection(lambda: self, "127.0.0.1", self._port), CONNECT_TIMEOUT_S
            )
        transport = self._transport
        if transport is None:
            raise Broken("the connection ended as soon as it was made")
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self._waiter = waiter
        transport.write(request)
        return await waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reader = AnswerReader()

    def data_received(self, data: bytes) -> None:
        arrived = perf_counter()
        answer = self._reader.feed(data)
        if answer is not None and self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(Answer(*answer, arrived))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(Broken(f"the server ended the connection inside a request: {exc}"))


def request(method: str, path: str, token: str | None = None, body: bytes = b"") -> bytes:
    """The bytes of a request, ready to be written any number of times."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench.test\r\n"
    if token is not None:
        head += f"Authorization: Bearer {token}\r\n"
    if body or method != "GET":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def accepted(answer: Answer, asked: bytes = b"") -> bytes:
    """The body of a 200, else `Refused` with what was asked."""
    if answer.status != 200:
        line = asked.split(b"\r\n", 1)[0].decode()
        raise Refused(f"{line} -> {answer.status} {answer.body[:EXCERPT_BYTES].decode(errors='replace')}")
    return answer.body


async def each(items: Iterable[T], workers: int, work: Callable[[T, int], Awaitable[None]]) -> None:
    """Run `work(item, worker)` for every item, at most `workers` at once; the first failure ends all."""
    queue = iter(items)

    async def worker(number: int) -> None:
        for item in queue:
            await work(item, number)

    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(worker(number))
