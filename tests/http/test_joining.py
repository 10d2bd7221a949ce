"""The head of an answer and its body are written together; nothing else is kept back."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from teahouse.http.joining import Joining

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire:
    """A transport that keeps what each write brought."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, written: bytes) -> None:
        self.written.append(written)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


def joining() -> tuple[Wire, Joining]:
    wire = Wire()
    return wire, Joining(cast(asyncio.Transport, wire))


def test_a_head_leaves_with_the_first_piece_of_its_body() -> None:
    wire, transport = joining()
    for piece in (HEAD, b"{}", b"more"):
        transport.write(piece)
    assert wire.written == [HEAD + b"{}", b"more"]


def test_a_head_without_a_body_leaves_when_the_answer_is_complete_or_the_connection_ends() -> None:
    for verb in ("flush", "close"):
        wire, transport = joining()
        transport.write(HEAD)
        assert wire.written == []
        getattr(transport, verb)()
        assert (wire.written, wire.closed) == ([HEAD], verb == "close")


def test_a_client_that_waits_to_be_told_to_go_on_is_told_at_once() -> None:
    wire, transport = joining()
    transport.write(CONTINUE)
    assert wire.written == [CONTINUE]


def test_everything_else_is_the_transport_s_own() -> None:
    wire, transport = joining()
    own: Any = transport
    assert own.get_extra_info("peername") == "the peername"
    wire.closed = True
    assert own.is_closing()
