"""A mail server on loopback that keeps what it takes, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import email
import email.policy
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast


@dataclass(frozen=True)
class Taken:
    """A mail as it came in."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, email.message_from_bytes(self.raw, policy=email.policy.default))

    @property
    def text(self) -> str:
        return str(self.message.get_content())


@dataclass
class Sink:
    """The server. `greeting` and `refusals` (by recipient) are answers given instead of the good ones."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    greeting: str = "220 sink.test ESMTP"
    after_mail: str = "250 taken"
    vanishes_after_mail: bool = False  # takes a mail and dies before it says so
    silent: bool = False  # takes connections and says nothing
    connections: int = 0
    attempts: int = 0  # mails that were offered
    logins: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def until(self, count: int) -> list[Taken]:
        """Wait until so many mails were taken."""
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.taken

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.changed.set()
        try:
            if self.silent:
                await reader.read()
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting.encode() + b"\r\n")
        if not self.greeting.startswith("220"):
            return
        sender = recipient = ""
        while line := (await reader.readline()).decode().strip():
            word, _, rest = line.partition(" ")
            reply = "250 fine"
            match word.upper():
                case "EHLO":
                    reply = "250-sink.test\r\n250 AUTH PLAIN"
                case "AUTH":
                    self.logins.append(b64decode(rest.partition(" ")[2]).decode().replace("\0", " ").strip())
                    reply = "235 come in"
                case "MAIL":
                    sender = between(rest)
                    self.attempts += 1
                case "RCPT":
                    recipient = between(rest)
                    reply = self.refusals.get(recipient, reply)
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    raw = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
                    reply = self.after_mail
                    if reply.startswith("250"):
                        self.taken.append(Taken(sender, recipient, raw))
                        self.changed.set()
                    if self.vanishes_after_mail:
                        writer.transport.abort()
                        return
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
            writer.write(reply.encode() + b"\r\n")


def between(text: str) -> str:
    """What stands between angle brackets."""
    return text.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def sink(port: int = 0) -> AsyncIterator[Sink]:
    """A mail server on a free port, or on one that was used before."""
    made = Sink()
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
