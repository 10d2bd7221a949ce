"""The endpoint of sync v2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache

from teahouse.errors import BadJson, InvalidParam
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.matrix import filters
from teahouse.matrix.filters import Filter
from teahouse.rooms.types import Reader
from teahouse.sync.service import TIMEOUT_MAX_MS, Sync, SyncRequest

FILTERS_CACHED_MAX = 1_000  # inline filters kept decoded
STATE_AFTER = "use_state_after"
STATE_AFTER_UNSTABLE = "org.matrix.msc4222.use_state_after"
StoredFilter = Callable[[int, str], Awaitable[Filter]]


class SyncApi:
    """`GET /sync`."""

    def __init__(self, sync: Sync, stored_filter: StoredFilter) -> None:
        self._sync = sync
        self._stored_filter = stored_filter

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [Route("GET", "/_matrix/client/v3/sync", self.sync, limit="sync", waits=True)]

    async def sync(self, request: Request) -> Response:
        requester = request.requester
        reader = Reader(requester.user_no, requester.user_id, requester.device_id)
        asked = SyncRequest(
            since=codec.parameter(request, "since"),
            filter=await self._filter(reader, codec.parameter(request, "filter")),
            full_state=codec.boolean(request, "full_state"),
            timeout_ms=codec.integer(request, "timeout", 0, high=TIMEOUT_MAX_MS),
            presence=codec.parameter(request, "set_presence", "online") or "online",
            state_after=state_after(request),
        )
        return codec.reply(await self._sync.sync(reader, asked))

    async def _filter(self, reader: Reader, text: str | None) -> Filter:
        """A filter given by its id or inline."""
        if text is None:
            return Filter()
        return inline_filter(text) if text.startswith("{") else await self._stored_filter(reader.user_no, text)


@lru_cache(maxsize=FILTERS_CACHED_MAX)
def inline_filter(text: str) -> Filter:
    """A filter from the query: clients send the same one with every poll."""
    try:
        return filters.sync_filter(text.encode())
    except BadJson as error:
        raise InvalidParam(error.message) from None


def state_after(request: Request) -> str | None:
    """The name to answer `state_after` under, when either spelling asks for it."""
    if codec.boolean(request, STATE_AFTER):
        return "state_after"
    return "org.matrix.msc4222.state_after" if codec.boolean(request, STATE_AFTER_UNSTABLE) else None
