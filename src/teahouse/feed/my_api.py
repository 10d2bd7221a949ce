"""`/_teahouse/v1/my/…`: what one mutes, blocks and wants in one's own feed. Nobody else learns of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.errors import NotFound
from teahouse.feed.blocking import Blocking
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.types import BLOCKED, MUTED, NO_REPOSTS, Settings, Shun
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.public_accounts.api import MY, Done
from teahouse.rooms.api import reader_of
from teahouse.users.directory import UserDirectory

SHUNS_PAGE_MAX = 500  # accounts of one page
HIGHEST = 1 << 62


class ShunReply(msgspec.Struct):
    """Somebody muted or blocked."""

    handle: str
    user_id: str
    since_ts: int


class ShunsReply(msgspec.Struct, omit_defaults=True):
    """A page of those whom one mutes or blocks."""

    accounts: list[ShunReply]
    next_batch: str | None = None


class MyApi:
    """One's own boundaries over HTTP."""

    def __init__(self, boundaries: Boundaries, blocking: Blocking, users: UserDirectory) -> None:
        self._boundaries = boundaries
        self._blocking = blocking
        self._users = users

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (
            Query("from", "next_batch of the page before"),
            Query("limit", f"at most {SHUNS_PAGE_MAX}", "integer"),
        )
        mute, block, reposts = f"{MY}/mutes/{{handle}}", f"{MY}/blocks/{{handle}}", f"{MY}/no_reposts/{{handle}}"
        all_ = (400, 401, 403, 404)
        return [
            Operation(Route("GET", f"{MY}/mutes", self.list_mutes), "List whom one mutes.", ShunsReply,
                      query=paging, refusals=(400, 401)),
            Operation(Route("PUT", mute, self.mute), "Mute an account or person: their posts and comments are not "
                      "shown to oneself; one goes on following.", Done, refusals=all_),
            Operation(Route("DELETE", mute, self.unmute), "Mute no more.", Done),
            Operation(Route("GET", f"{MY}/blocks", self.list_blocks), "List whom one blocks.", ShunsReply,
                      query=paging, refusals=(400, 401)),
            Operation(Route("PUT", block, self.block), "Block an account or person: they cannot follow, comment on, "
                      "mention or carry on one's own account, and are not shown.", Done, refusals=all_),
            Operation(Route("DELETE", block, self.unblock), "Block no more.", Done),
            Operation(Route("PUT", reposts, self.hide_reposts), "Show no reposts of an account in one's feed.", Done,
                      refusals=all_),
            Operation(Route("DELETE", reposts, self.show_reposts), "Show an account's reposts again.", Done),
            Operation(Route("GET", f"{MY}/feed", self.get_settings), "Look at one's feed's settings.", Settings,
                      refusals=(401,)),
            Operation(Route("PUT", f"{MY}/feed", self.put_settings), "Change one's feed's settings.", Settings,
                      Settings, refusals=(400, 401, 413)),
        ]  # fmt: skip

    async def list_mutes(self, request: Request) -> Response:
        return await self._list(request, MUTED)

    async def mute(self, request: Request) -> Response:
        return await self._set(request, MUTED, on=True)

    async def unmute(self, request: Request) -> Response:
        return await self._set(request, MUTED, on=False)

    async def list_blocks(self, request: Request) -> Response:
        return await self._list(request, BLOCKED)

    async def block(self, request: Request) -> Response:
        await self._blocking.block(reader_of(request), await self._other(request))
        return codec.reply(Done())

    async def unblock(self, request: Request) -> Response:
        return await self._set(request, BLOCKED, on=False)

    async def hide_reposts(self, request: Request) -> Response:
        return await self._set(request, NO_REPOSTS, on=True)

    async def show_reposts(self, request: Request) -> Response:
        return await self._set(request, NO_REPOSTS, on=False)

    async def get_settings(self, request: Request) -> Response:
        return codec.reply(await self._boundaries.settings(request.requester.user_no))

    async def put_settings(self, request: Request) -> Response:
        settings = codec.body(request, Settings)
        await self._boundaries.set_settings(request.requester.user_no, settings)
        return codec.reply(settings)

    async def _list(self, request: Request, flag: int) -> Response:
        limit = codec.integer(request, "limit", 100, low=1, high=SHUNS_PAGE_MAX)
        after = codec.integer(request, "from", 0, high=HIGHEST)
        found = await self._boundaries.shunned(request.requester.user_no, flag, after, limit)
        following = str(found[-1].other_no) if len(found) == limit else None
        return codec.reply(ShunsReply([await self._shown(each) for each in found], following))

    async def _set(self, request: Request, flag: int, *, on: bool) -> Response:
        await self._boundaries.set(request.requester.user_no, await self._other(request), flag, on=on)
        return codec.reply(Done())

    async def _other(self, request: Request) -> int:
        """The account or person that the path names; raises NotFound."""
        number = await self._users.number(self._users.full_id(request.path["handle"]))
        if number is None:
            raise NotFound(f"There is no @{request.path['handle'][:100]} here.")
        return number

    async def _shown(self, shun: Shun) -> ShunReply:
        user_id = await self._users.user_id(shun.other_no)
        return ShunReply(self._users.localpart(user_id) or "", user_id, shun.since_ms)
