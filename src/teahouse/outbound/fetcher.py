"""Fetching from web servers that somebody named: never from the operator's own network, never more than was asked for.

Every address is judged where it is connected to. A name is resolved once for each hop, and the addresses that were
judged are the ones the connection is made to, so an answer that changes meanwhile changes nothing. aiohttp does not
resolve IP literals, so these are judged before; redirects are followed here, each hop like the first.
"""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from teahouse import __version__
from teahouse.errors import FetchRefused, OutsideFailed, Unavailable
from teahouse.outbound.guard import Guard, parse
from teahouse.outbound.types import Fetched, FetchLimits, Names, Validators

REDIRECTS_MAX = 5  # hops of one fetch: more is a loop
FETCHES_MAX = 16  # under way at once
WAITING_MAX = 500  # fetches that wait for their turn; beyond it the caller is asked to come back
URL_MAX_CHARACTERS = 2_000  # what servers take
VALIDATOR_MAX_CHARACTERS = 1_000  # of an ETag or date that is kept
CHUNK_BYTES = 65_536
PORTS = (80, 443)
MOVED = (301, 302, 303, 307, 308)
UNKNOWN = Validators()
ACCEPTED = {"": False, "identity": False, "gzip": True, "x-gzip": True}  # encodings, and whether they are unpacked


class Fetcher:
    """Fetches. Raises FetchRefused for what it will not do, OutsideFailed for what others did not do."""

    def __init__(
        self, names: Names, guard: Guard, ports: Collection[int], home: str, limits: FetchLimits | None = None
    ) -> None:
        """`ports` are taken beside 80 and 443; `home` is where those who are asked learn who asks."""
        self._names = names
        self._guard = guard
        self._ports = {*PORTS, *ports}
        self._agent = f"Teahouse/{__version__} (+{home})"
        self._limits = limits or FetchLimits()
        self._turns = asyncio.Semaphore(FETCHES_MAX)
        self._waiting = 0
        self._opened: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, max_bytes: int, accept: str = "*/*", known: Validators = UNKNOWN) -> Fetched:
        """What stands at a web address, at most `max_bytes` of it after unpacking.

        With `known` of an earlier fetch the answer may be `unchanged`, and then has no body.
        """
        self.check(url)  # before waiting: a bad address should not have to
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Too much is being fetched from other servers; try again in a moment.")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._follow(url, max_bytes, headers_of(accept, known))
        except TimeoutError:
            raise OutsideFailed(f"{shown(url)} took too long to answer.") from None
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Let go of connections."""
        if self._opened is not None:
            await self._opened.close()

    def check(self, text: str) -> URL:
        """The address, if it may be fetched as far as can be told without asking anyone; raises FetchRefused."""
        try:
            url = URL(text) if len(text) <= URL_MAX_CHARACTERS else URL()
            host, port = url.raw_host, url.port
        except ValueError:
            url, host, port = URL(), None, None
        if url.scheme not in ("http", "https") or not host:
            raise FetchRefused("A web address begins with http:// or https:// and names a server.")
        if url.user is not None or url.password is not None:
            raise FetchRefused("A web address must hold no user name or password.")
        if port not in self._ports:
            raise FetchRefused(f"The port {port} of another server is not asked, only 80 and 443.")
        if parse(host) is not None and not self._guard.allows(host):
            raise not_public(host)
        return url.with_fragment(None)

    async def resolve(self, host: str, port: int) -> list[ResolveResult]:
        """The judged addresses of a host, as aiohttp connects to them; raises FetchRefused when one may not be."""
        addresses = await self._names.addresses(host)
        for address in addresses:
            if not self._guard.allows(address):
                raise not_public(host)
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in addresses
        ]  # fmt: skip

    def connecting(self, info: Any) -> socket.socket:
        """The socket for an address, judged once more: whatever led here, nothing else is ever connected to."""
        family, kind, protocol, _, address = info
        if not self._guard.allows(address[0]):
            raise not_public(address[0])
        return socket.socket(family, kind, protocol)

    async def _follow(self, text: str, max_bytes: int, headers: dict[str, str]) -> Fetched:
        for _ in range(REDIRECTS_MAX + 1):
            url = self.check(text)
            async with self._asked(url, headers) as answer:
                if answer.status not in MOVED:
                    return await taken(answer, url, max_bytes)
                try:
                    text = str(url.join(URL(answer.headers.get("Location", ""))))
                except ValueError:
                    raise OutsideFailed(f"{shown(str(url))} points at something that is no web address.") from None
        raise OutsideFailed(f"The address leads on more than {REDIRECTS_MAX} times.")

    @asynccontextmanager
    async def _asked(self, url: URL, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session().get(url, headers=headers, allow_redirects=False) as answer:
                yield answer
        except (aiohttp.ClientError, zlib.error, ValueError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise OutsideFailed(f"{shown(str(url))} took too long to answer.") from None
            raise OutsideFailed(f"{shown(str(url))} could not be fetched: {reason(error)}.") from None

    def _session(self) -> aiohttp.ClientSession:
        """The client, made when it is first needed, inside the loop it belongs to."""
        if self._opened is None:
            limits = self._limits
            self._opened = aiohttp.ClientSession(
                # Without kept connections and a cache of names: every request is judged anew.
                connector=aiohttp.TCPConnector(
                    resolver=Judging(self), use_dns_cache=False, force_close=True, limit=FETCHES_MAX,
                    socket_factory=self.connecting,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=limits.total_s, sock_connect=limits.connect_s, sock_read=limits.silence_s
                ),
                headers={"User-Agent": self._agent, "Accept-Encoding": "gzip"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # unpacked here, where the size is watched
                trust_env=False,
            )  # fmt: skip
        return self._opened


class Judging(AbstractResolver):
    """aiohttp's door to names."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return await self._fetcher.resolve(host, port)

    async def close(self) -> None:
        """Nothing is held."""


async def taken(answer: aiohttp.ClientResponse, url: URL, max_bytes: int) -> Fetched:
    """The answer's content, read up to the limit."""
    validators = Validators(kept(answer, "ETag"), kept(answer, "Last-Modified"))
    if answer.status == 304:
        return Fetched(str(url), b"", "", "", validators, unchanged=True)
    if answer.status != 200:
        raise OutsideFailed(f"{shown(str(url))} answered with status {answer.status}.")
    if (answer.content_length or 0) > max_bytes:
        raise too_large(url, max_bytes)
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ACCEPTED:
        raise OutsideFailed(f"{shown(str(url))} is packed in a way that was not asked for.")
    content_type = answer.content_type.lower() if "Content-Type" in answer.headers else ""
    body = bytearray()
    async for piece in unpacked(answer) if ACCEPTED[encoding] else answer.content.iter_chunked(CHUNK_BYTES):
        body += piece
        if len(body) > max_bytes:
            raise too_large(url, max_bytes)
    return Fetched(str(url), bytes(body), content_type, answer.charset or "", validators)


async def unpacked(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A packed body's content in bounded pieces, so that a bomb is noticed early; raises ValueError when cut short."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    async for packed in answer.content.iter_chunked(CHUNK_BYTES):
        rest, piece = packed, b""
        # A full piece may leave more inside although all of the input is taken.
        while (rest or len(piece) == CHUNK_BYTES) and not unpacking.eof:
            piece = unpacking.decompress(rest, CHUNK_BYTES)
            rest = unpacking.unconsumed_tail
            yield piece
    if not unpacking.eof:
        raise ValueError("it ends too early")


def headers_of(accept: str, known: Validators) -> dict[str, str]:
    """What is asked for, and on which condition."""
    headers = {"Accept": accept}
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.modified:
        headers["If-Modified-Since"] = known.modified
    return headers


def kept(answer: aiohttp.ClientResponse, name: str) -> str:
    """A header to be sent back next time; '' when it is absent or beyond reason."""
    value = answer.headers.get(name, "")
    return value if len(value) <= VALIDATOR_MAX_CHARACTERS and value.isprintable() else ""


def not_public(host: str) -> FetchRefused:
    """The refusal of a place on a private network."""
    return FetchRefused(
        f"{host} is not on the public internet. Whoever runs this server can allow it: outbound.allowed_networks."
    )


def too_large(url: URL, max_bytes: int) -> OutsideFailed:
    """The refusal of more than was asked for."""
    return OutsideFailed(f"{shown(str(url))} is larger than {max_bytes:,} bytes.")


def shown(url: str) -> str:
    """An address as it may stand in a message: without its query, which may hold a secret."""
    return url.partition("?")[0][:200]


def reason(error: Exception) -> str:
    """Why a fetch failed, without what libraries add."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate does not hold"
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "the server cannot be reached"
    return "the answer is damaged"
