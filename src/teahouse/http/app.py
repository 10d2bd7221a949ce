"""The ASGI application: route, authenticate, limit, read, handle, answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote_plus

from teahouse.errors import Forbidden, InvalidParam, MissingToken, TeahouseError, TooLarge, Unavailable, UnknownToken
from teahouse.http import errors
from teahouse.http.messages import Auth, Request, Requester, Response, Route
from teahouse.http.router import Router

REQUESTS_MAX = 20_000  # under way at once, parked long polls included; beyond it new ones are asked to come back
QUERY_SIZE_MAX_BYTES = 32_768  # of a query string: an inline filter is the longest
QUERY_FIELDS_MAX = 100  # parameters of one query string
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"X-Requested-With, Content-Type, Authorization, Date, Range, If-Range"),
    (b"access-control-expose-headers", b"Retry-After, Content-Disposition, Content-Range, Accept-Ranges"),
]
QUERY_TEXTS_CACHED_MAX = 1_000  # percent-encoded pieces of query strings whose meaning is kept …
QUERY_TEXT_CACHED_MAX_BYTES = 1_024  # … of at most this size: the filters of clients
NO_QUERY: Mapping[str, list[str]] = {}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("teahouse.http")


class ClientGone(Exception):
    """The client closed the connection; nobody waits for an answer."""


class Authenticator(Protocol):
    """Turns access tokens into requesters."""

    async def requester(self, token: str) -> Requester:
        """Whose token this is; raises UnknownToken."""

    def seen(self, requester: Requester, address: str) -> None:
        """The requester's device was used from an address."""


class Limiter(Protocol):
    """Rate limits."""

    def spend(self, limit: str, requester: Requester | None, client_ip: str) -> None:
        """Count one request; raises LimitExceeded."""


class ClientAddress(Protocol):
    """Who is at the other end, behind proxies."""

    def of(self, peer: str, headers: Mapping[str, str]) -> str:
        """The client's address."""


class HttpApp:
    """All endpoints behind one ASGI callable."""

    def __init__(
        self,
        routes: Iterable[Route],
        authenticator: Authenticator,
        limiter: Limiter,
        address: ClientAddress,
        admin_contact: str = "",
    ) -> None:
        """`admin_contact` is the URI at which the operator is reached."""
        self.router = Router(routes)
        self._authenticator = authenticator
        self._limiter = limiter
        self._address = address
        self._admin_contact = admin_contact
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "OPTIONS":
            await answer(send, Response(), head=False)
            return
        self._under_way += 1
        try:
            response = await self._respond(scope, receive)
        except ClientGone:
            return
        finally:
            self._under_way -= 1
        await answer(send, response, head=scope["method"] == "HEAD")

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        try:
            if self._under_way > REQUESTS_MAX:
                raise Unavailable("The server is overloaded; try again in a moment.")
            return await self._handle(scope, receive)
        except TeahouseError as refusal:
            return errors.response(refusal, self._admin_contact)
        except (ClientGone, asyncio.CancelledError):
            raise
        except Exception:
            # The path names no secrets; the query string may hold a token and stays out of the log.
            log.exception("%s %s failed", scope["method"], scope["path"])
            return errors.internal()

    async def _handle(self, scope: Scope, receive: Receive) -> Response:
        route, path = self.router.find(scope["method"], scope["raw_path"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_query(scope["query_string"])
        client = scope["client"]
        client_ip = self._address.of(client[0] if client else "", headers)
        requester = await self._authenticate(route, path, headers, query)
        if requester is not None:
            self._authenticator.seen(requester, client_ip)
        self._limiter.spend(route.limit, requester, client_ip)
        body = b"" if route.streamed else await read(receive, headers, route.body_max_bytes)
        request = Request(
            scope["method"], route, path, query, headers, client_ip, body,
            lambda: stream(receive, headers, route.body_max_bytes), requester,
        )  # fmt: skip
        if route.waits:
            return await unless_gone(route.handler(request), receive)
        return await route.handler(request)

    async def _authenticate(
        self, route: Route, path: Mapping[str, str], headers: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> Requester | None:
        if route.auth is Auth.NONE:
            return None
        token = token_of(headers, query)
        if token is None:
            if route.auth is Auth.OPTIONAL:
                return None
            raise MissingToken("This endpoint needs an access token.")
        try:
            requester = await self._authenticator.requester(token)
        except UnknownToken:
            if route.auth is Auth.OPTIONAL:
                return None
            raise
        if not requester.account:
            return requester
        if route.auth is Auth.OPTIONAL and not route.scope:
            return None  # a program is nobody, where anybody may look
        check_scope(requester, route, path)
        return requester


def check_scope(requester: Requester, route: Route, path: Mapping[str, str]) -> None:
    """Raises Forbidden unless a program's token opens this endpoint, for the account in its path."""
    if not route.scope or path.get("handle") != requester.account:
        raise Forbidden(f"A posting token opens only endpoints of its account, @{requester.account}, that take one.")
    if route.scope not in requester.scopes:
        raise Forbidden(f"For this a posting token needs the scope '{route.scope}'.")


def token_of(headers: Mapping[str, str], query: Mapping[str, list[str]]) -> str | None:
    """The access token of a request: from the header, else from the query, as older clients send it."""
    header = headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    values = query.get("access_token")
    return values[0] if values else None


def parse_query(raw: bytes) -> Mapping[str, list[str]]:
    """Query parameters, every value of each kept in order."""
    if not raw:
        return NO_QUERY
    if len(raw) > QUERY_SIZE_MAX_BYTES:
        raise InvalidParam(f"A query string has at most {QUERY_SIZE_MAX_BYTES} bytes.")
    query: dict[str, list[str]] = {}
    try:
        fields = raw.decode("ascii").split("&", QUERY_FIELDS_MAX)
        if len(fields) > QUERY_FIELDS_MAX:
            raise InvalidParam(f"A query string has at most {QUERY_FIELDS_MAX} parameters.")
        for field in fields:
            name, _, value = field.partition("=")
            if field:
                query.setdefault(unquoted(name), []).append(unquoted(value))
    except UnicodeDecodeError:
        raise InvalidParam("The query string is not valid.") from None
    return query


def unquoted(text: str) -> str:
    """A piece of a query string without its percent-encoding. Raises InvalidParam, UnicodeDecodeError."""
    if "%" not in text and "+" not in text:
        return text
    return decoded_cached(text) if len(text) <= QUERY_TEXT_CACHED_MAX_BYTES else decoded(text)


def decoded(text: str) -> str:
    """The same for a piece that has some."""
    value = unquote_plus(text, errors="strict")
    if "\0" in value:
        raise InvalidParam("The query string holds a NUL character, which no database holds.")
    return value


decoded_cached = lru_cache(QUERY_TEXTS_CACHED_MAX)(decoded)  # a client sends the same filter with every poll


async def read(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body; raises TooLarge before more than the limit is held."""
    check_announced(headers, limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise too_large(limit)
        return body
    pieces = [body]
    size = len(body)
    async for piece in rest(receive):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


async def stream(receive: Receive, headers: Mapping[str, str], limit: int) -> AsyncIterator[bytes]:
    """The body piece by piece, up to the limit."""
    check_announced(headers, limit)
    size = 0
    async for piece in rest(receive):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        yield piece


async def rest(receive: Receive) -> AsyncIterator[bytes]:
    """Pieces of the body still to come."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message.get("more_body", False)
        piece = message.get("body", b"")
        if piece:
            yield piece


def check_announced(headers: Mapping[str, str], limit: int) -> None:
    """Raises TooLarge for a body whose announced length is over the limit, before any of it is read."""
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    """The refusal of a body."""
    return TooLarge(f"The body is larger than {limit} bytes.")


async def unless_gone(handling: Awaitable[Response], receive: Receive) -> Response:
    """Run a handler that may park in the request's own task, and end it when its client goes away.

    In its own task, because an answer that a hundred readers wait for should leave in the step that made it.
    """
    task = asyncio.current_task()
    assert task is not None
    watching = asyncio.ensure_future(receive())
    watching.add_done_callback(lambda watched: None if watched.cancelled() else task.cancel())
    try:
        return await handling
    except asyncio.CancelledError:
        if not watching.done() or watching.cancelled():
            raise
        task.uncancel()
        raise ClientGone from None
    finally:
        watching.cancel()


async def answer(send: Send, response: Response, *, head: bool) -> None:
    """Send a response."""
    headers = [*CORS, (b"content-type", response.content_type.encode()), *response.headers]
    if response.stream is None:
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else response.body})
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if not head:
        async for piece in response.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
