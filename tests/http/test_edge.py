"""The edge over real sockets: what every endpoint gets without asking for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from teahouse import errors
from teahouse.errors import Forbidden, LimitExceeded, StorageFull, TeahouseError, UnknownToken
from teahouse.http.addresses import ClientAddresses
from teahouse.http.app import QUERY_FIELDS_MAX, HttpApp
from teahouse.http.discovery import admin_contact
from teahouse.http.errors import RESPONSES
from teahouse.http.messages import Auth, Request, Requester, Response, Route
from teahouse.http.server import Server

ALICE = Requester("@alice:tea.test", 1, "PHONE")


class OneToken:
    """Knows Alice by her token."""

    async def requester(self, token: str) -> Requester:
        if token != "alices":
            raise UnknownToken("Who is that?", soft_logout=False)
        return ALICE

    def seen(self, requester: Requester, address: str) -> None:
        pass


class Patient:
    """Limits nothing but the limit `tight`."""

    def spend(self, limit: str, requester: Requester | None, client_ip: str) -> None:
        if limit == "tight":
            raise LimitExceeded("Slowly.", retry_after_ms=1_500)


class Desk:
    """A few endpoints, and what happened at them."""

    def __init__(self) -> None:
        self.parked = asyncio.Event()
        self.let_go = asyncio.Event()

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/whoami", self.whoami),
            Route("GET", "/maybe", self.whoami, Auth.OPTIONAL),
            Route("POST", "/echo", self.echo, Auth.NONE, body_max_bytes=100),
            Route("POST", "/count", self.count, Auth.NONE, body_max_bytes=10_000_000, streamed=True),
            Route("GET", "/broken", self.broken, Auth.NONE),
            Route("GET", "/refused", self.refused, Auth.NONE),
            Route("GET", "/full", self.full, Auth.NONE),
            Route("GET", "/tight", self.whoami, Auth.NONE, limit="tight"),
            Route("GET", "/long", self.long, Auth.NONE),
            Route("GET", "/park", self.park, Auth.NONE, waits=True),
        ]

    async def whoami(self, request: Request) -> Response:
        who = request.requester_or_none
        return Response(body=json.dumps(who.user_id if who else None).encode())

    async def echo(self, request: Request) -> Response:
        return Response(body=request.body, content_type="text/plain")

    async def count(self, request: Request) -> Response:
        return Response(body=str(sum([len(piece) async for piece in request.stream()])).encode())

    async def broken(self, request: Request) -> Response:
        raise ZeroDivisionError("secret words")

    async def refused(self, request: Request) -> Response:
        raise Forbidden("Not you.")

    async def full(self, request: Request) -> Response:
        raise StorageFull("The disk is full.")

    async def long(self, request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 1_000

        return Response(content_type="text/plain", stream=pieces())

    async def park(self, request: Request) -> Response:
        self.parked.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.let_go.set()
        return Response()


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[tuple[str, int]]:
    app = HttpApp(desk.routes(), OneToken(), Patient(), ClientAddresses(()), "mailto:host@tea.test")
    server = Server(app, "127.0.0.1", 0)
    ready = asyncio.Event()
    serving = asyncio.create_task(server.serve(ready.set))
    await ready.wait()
    try:
        yield server.address
    finally:
        server.stop()
        await serving


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with served(desk) as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        yield client


def subclasses(kind: type[TeahouseError]) -> Iterator[type[TeahouseError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from subclasses(each)


def test_every_refusal_has_one_errcode() -> None:
    assert set(RESPONSES) == set(subclasses(TeahouseError))


async def test_a_token_is_taken_from_the_header_or_the_query(client: httpx.AsyncClient) -> None:
    assert (await client.get("/whoami", headers={"Authorization": "Bearer alices"})).json() == ALICE.user_id
    assert (await client.get("/whoami?access_token=alices")).json() == ALICE.user_id
    for wrong in ({}, {"Authorization": "Basic alices"}):
        answer = await client.get("/whoami", headers=wrong)
        assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")
    answer = await client.get("/whoami", headers={"Authorization": "Bearer mallorys"})
    assert (answer.status_code, answer.json()["errcode"], answer.json()["soft_logout"]) == (
        401,
        "M_UNKNOWN_TOKEN",
        False,
    )
    assert (await client.get("/maybe", headers={"Authorization": "Bearer mallorys"})).json() is None


async def test_browsers_may_read_every_answer(client: httpx.AsyncClient) -> None:
    for method, path in (("OPTIONS", "/anything"), ("GET", "/nowhere"), ("DELETE", "/whoami"), ("GET", "/broken")):
        answer = await client.request(method, path)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert (await client.request("OPTIONS", "/anything")).status_code == 200


async def test_unknown_paths_and_methods_are_not_recognised(client: httpx.AsyncClient) -> None:
    unknown, wrong = await client.get("/nowhere"), await client.delete("/whoami")
    assert (unknown.status_code, unknown.json()["errcode"]) == (404, "M_UNRECOGNIZED")
    assert (wrong.status_code, wrong.json()["errcode"]) == (405, "M_UNRECOGNIZED")


async def test_a_bug_is_a_500_that_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken?access_token=alices")
    assert (answer.status_code, answer.json()["errcode"]) == (500, "M_UNKNOWN")
    assert "secret" not in answer.text


async def test_a_refusal_carries_its_words_and_a_limit_its_time(client: httpx.AsyncClient) -> None:
    assert (await client.get("/refused")).json() == {"errcode": "M_FORBIDDEN", "error": "Not you."}
    answer = await client.get("/tight")
    assert (answer.status_code, answer.json()["retry_after_ms"], answer.headers["retry-after"]) == (429, 1_500, "2")


async def test_a_full_server_says_where_its_operator_is_reached(client: httpx.AsyncClient) -> None:
    answer = await client.get("/full")
    assert answer.status_code == 507
    assert answer.json() == {
        "errcode": "M_RESOURCE_LIMIT_EXCEEDED",
        "error": "The disk is full.",
        "admin_contact": "mailto:host@tea.test",
    }


@pytest.mark.parametrize(
    ("left", "contact"),
    [
        (("host@tea.test", "https://tea.test/help", "https://tea.test"), "mailto:host@tea.test"),
        (("", "https://tea.test/help", "https://tea.test"), "https://tea.test/help"),
        (("", "", "https://chat.tea.test"), "https://chat.tea.test"),
        (("", "", ""), "https://tea.test/"),
    ],
)
def test_an_operator_is_reached_where_they_said_or_at_their_server(left: tuple[str, str, str], contact: str) -> None:
    assert admin_contact(*left, "tea.test") == contact


async def test_a_body_over_its_limit_is_refused_announced_or_not(client: httpx.AsyncClient) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10

    assert (await client.post("/echo", content=b"x" * 100)).content == b"x" * 100
    for body in (b"x" * 101, unannounced()):
        answer = await client.post("/echo", content=body)
        assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")


async def test_bodies_are_streamed_in_and_out(client: httpx.AsyncClient) -> None:
    assert (await client.post("/count", content=b"x" * 5_000_000)).text == "5000000"
    assert len((await client.get("/long")).content) == 100_000
    head = await client.head("/whoami?access_token=alices")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_query_is_bounded_and_must_be_text(client: httpx.AsyncClient) -> None:
    for query in ("&".join(f"a{n}=1" for n in range(QUERY_FIELDS_MAX + 1)), "a=%ff", "a=" + "x" * 32_768):
        assert (await client.get(f"/maybe?{query}")).status_code == 400


async def test_a_parked_request_ends_when_its_client_goes_away(desk: Desk) -> None:
    async with served(desk) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /park HTTP/1.1\r\nHost: tea.test\r\n\r\n")
        await asyncio.wait_for(desk.parked.wait(), 5)
        writer.close()
        await asyncio.wait_for(desk.let_go.wait(), 5)


async def test_requests_sent_ahead_are_answered_in_order(desk: Desk) -> None:
    async with served(desk) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        for text in (b"one", b"two", b"three"):
            writer.write(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        received = b""
        while b"three" not in received:
            received += await asyncio.wait_for(reader.read(65_536), 5)
        assert received.index(b"one") < received.index(b"two") < received.index(b"three")
        writer.close()


async def test_rubbish_on_the_socket_harms_nobody(desk: Desk) -> None:
    async with served(desk) as (host, port):
        for rubbish in (
            b"\0\xff\r\n\r\n",
            b"GET /%%% HTTP/9.9\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(rubbish)
            await asyncio.wait_for(reader.read(65_536), 5)
            writer.close()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{host}:{port}/maybe")).status_code == 200
