"""A web server on loopback whose answers are written byte by byte, for what no proper server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HEAD_LIMIT_BYTES = 65_536


@dataclass
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    address: str  # that it came in at


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Web:
    """The server. `pages` by path; `asked` holds every request."""

    port: int = 0
    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # a client went away

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, body: bytes, *headers: str, status: str = "200 OK") -> str:
        """A page with a proper length; its address."""

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(head(status, f"Content-Length: {len(body)}", *headers) + body)

        self.pages[path] = answer
        return self.url(path)

    def raw(self, path: str, *pieces: bytes) -> str:
        """A page of exactly these bytes; its address."""

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            for piece in pieces:
                writer.write(piece)

        self.pages[path] = answer
        return self.url(path)

    def moved(self, path: str, target: str, status: str = "302 Found") -> str:
        """A page that points elsewhere; its address."""
        return self.page(path, b"", f"Location: {target}", status=status)

    def endless(self, path: str, first: bytes, piece: bytes) -> str:
        """A page that goes on until its reader has had enough; its address."""

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(first)
            while True:
                writer.write(piece)
                await writer.drain()

        self.pages[path] = answer
        return self.url(path)

    def silent(self, path: str, first: bytes) -> str:
        """A page that stops half way and keeps its reader waiting; its address."""

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(first)
            await writer.drain()
            await self.ended.wait()

        self.pages[path] = answer
        return self.url(path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines[1:] if line}
            asked = Asked(lines[0].split()[1], headers, writer.get_extra_info("sockname")[0])
            self.asked.append(asked)
            answer = self.pages.get(asked.path.partition("?")[0])
            if answer is None:
                writer.write(head("404 Not Found", "Content-Length: 0"))
            else:
                await answer(asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def head(status: str = "200 OK", *headers: str) -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode()


@asynccontextmanager
async def web(host: str = "0.0.0.0") -> AsyncIterator[Web]:
    """A server on a free port of every loopback address."""
    made = Web()
    server = await asyncio.start_server(made.serve, host, 0, limit=HEAD_LIMIT_BYTES)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.ended.set()
        server.close()
