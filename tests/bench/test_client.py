"""The bench's own client reads answers wherever the stream is cut, and asks again over a connection that ended."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.wire import Answer, AnswerReader, Broken, Connection, Refused, accepted, each, request

BODY = b'{"next_batch":"s1"}'
WITH_LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\nserver: x\r\n\r\n" + BODY
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = CHUNKED_HEAD + b"8\r\n" + BODY[:8] + b"\r\nb;x=y\r\n" + BODY[8:] + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("stream", [WITH_LENGTH, CHUNKED], ids=["length", "chunked"])
@given(cuts=st.sets(st.integers(1, 110), max_size=6))
def test_an_answer_is_the_same_wherever_the_stream_is_cut(stream: bytes, cuts: set[int]) -> None:
    reader = AnswerReader()
    for _ in range(2):  # the second answer of a connection finds the reader clean
        edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
        pieces = [stream[a:b] for a, b in pairwise(edges)]
        answers = [reader.feed(piece) for piece in pieces]
        assert answers == [None] * (len(pieces) - 1) + [(200, BODY)]


def test_an_answer_without_a_length_is_broken() -> None:
    with pytest.raises(Broken):
        AnswerReader().feed(b"HTTP/1.1 200 OK\r\n\r\nhello")


async def test_a_connection_that_the_server_let_go_is_opened_again() -> None:
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WITH_LENGTH)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = Connection(server.sockets[0].getsockname()[1])
        for _ in range(2):
            answer = await asyncio.wait_for(connection.ask(request("GET", "/")), 5)
            assert accepted(answer) == BODY
            for _ in range(1_000):  # turns of the loop until the end of the stream was read
                if connection.is_open:
                    await asyncio.sleep(0)
            assert not connection.is_open
    assert opened == 2


async def test_a_connection_that_ends_inside_a_request_fails_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WITH_LENGTH[:-1])
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = Connection(server.sockets[0].getsockname()[1])
        with pytest.raises(Broken):
            await asyncio.wait_for(connection.ask(request("GET", "/")), 5)


async def test_a_refusal_names_what_was_asked() -> None:
    reader = AnswerReader()
    found = reader.feed(b"HTTP/1.1 429 Slow\r\nContent-Length: 2\r\n\r\n{}")
    assert found == (429, b"{}")
    with pytest.raises(Refused, match=r"PUT /x HTTP/1\.1 -> 429"):
        accepted(Answer(*found, 0.0), request("PUT", "/x", "token", b"{}"))


async def test_the_first_failure_ends_all_workers() -> None:
    done: list[int] = []

    async def work(item: int, _: int) -> None:
        if item == 3:
            raise Refused("three")
        await asyncio.sleep(0)
        done.append(item)

    with pytest.raises(ExceptionGroup):
        await each(range(1000), 4, work)
    assert len(done) < 20
