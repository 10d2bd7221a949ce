"""The head of an answer leaves together with its body: one system call and one packet instead of two.

uvicorn writes them one after the other, and uvloop hands each write to the kernel at once. A small answer costs as much
there as everything that made it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1.1 "
CONTINUE = b"HTTP/1.1 100 "  # a client waits for it before it sends more


class Joining:
    """A transport that keeps back what looks like a head until the next write, or until the answer is complete."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._write = transport.write
        self.is_closing = transport.is_closing  # asked with every answer
        self._head = b""

    def write(self, written: bytes) -> None:
        """Write, or keep back a head."""
        if self._head:
            self._write(self._head + written)
            self._head = b""
        elif written.startswith(HEAD) and not written.startswith(CONTINUE):
            self._head = written
        else:
            self._write(written)

    def flush(self) -> None:
        """Write a head that no body has followed."""
        if self._head:
            self._write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's protocol on such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joining = Joining(transport)
        super().connection_made(self._joining)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        self._joining.flush()  # an answer to HEAD has no body to leave with
        super().on_response_complete()
