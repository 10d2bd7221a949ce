"""What a handler receives and returns, and how a slice says which endpoints it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

BODY_SIZE_MAX_BYTES = 1_048_576  # any JSON body; the largest legitimate ones are key uploads


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: the owner of the access token.

    A program's token is for one public `account`, by its handle, and opens only what its `scopes` name.
    """

    user_id: str
    user_no: int
    device_id: str
    admin: bool = False
    token_hash: bytes = b""
    account: str = ""
    scopes: frozenset[str] = frozenset()


class Auth(Enum):
    """What an endpoint asks of the access token."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # the requester is set when a valid token is there
    NONE = "none"


class Request:
    """One request, after routing. `path` and `query` are percent-decoded; `query` keeps every value of a key."""

    __slots__ = ("body", "client_ip", "headers", "method", "path", "query", "requester_or_none", "route", "stream")

    def __init__(
        self,
        method: str,
        route: Route,
        path: Mapping[str, str],
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        client_ip: str,
        body: bytes,
        stream: Callable[[], AsyncIterator[bytes]],
        requester: Requester | None,
    ) -> None:
        self.method = method
        self.route = route
        self.path = path
        self.query = query
        self.headers = headers
        self.client_ip = client_ip
        self.body = body
        self.stream = stream
        self.requester_or_none = requester

    @property
    def requester(self) -> Requester:
        """The requester of an endpoint whose token is required."""
        assert self.requester_or_none is not None
        return self.requester_or_none


class Response(msgspec.Struct):
    """`body` whole, or `stream` piece by piece (then `body` is unused)."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    `template` is the specification's path verbatim, e.g. `/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`;
    a last segment `{name*}` takes the rest of the path, and `@{name}` what follows a prefix. `limit` names the rate
    limit it spends from.
    With `streamed` the body is not read beforehand; the handler iterates `request.stream()`.
    """

    method: str
    template: str
    handler: Handler
    auth: Auth = Auth.REQUIRED
    limit: str = "default"
    body_max_bytes: int = BODY_SIZE_MAX_BYTES
    streamed: bool = False
    scope: str = ""  # what a program's token must hold to open it, for the account in the path; '': none opens it
    waits: bool = False  # may park for long: cancelled when its client goes away
