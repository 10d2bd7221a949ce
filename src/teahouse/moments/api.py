"""`/_teahouse/v1/moments`: publishing moments, reading those that are for oneself, and what is set for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from teahouse.errors import InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.moments.audience import Audience, Scope
from teahouse.moments.deeds import MomentDeeds
from teahouse.moments.lists import MomentLists
from teahouse.moments.service import NEWEST, Moments
from teahouse.moments.types import DAYS, LISTS, NAMED_MAX, NO_DEEDS, NOTICE, Deeds, ListName, Moment, MomentContent
from teahouse.rooms import Directory, Users
from teahouse.rooms.api import reader_of
from teahouse.rooms.service import txn_of

MOMENTS = "/_teahouse/v1/moments"
MOMENT = f"{MOMENTS}/{{momentId}}"
LIST = f"{MOMENTS}/lists/{{list}}"
PAGE_MAX = 50  # moments of one page
SCOPES = {"friends": Scope.FRIENDS, "some": Scope.SOME, "all_but": Scope.ALL_BUT, "self": Scope.SELF}
SCOPE_NAMES = {scope: name for name, scope in SCOPES.items()}


class AudienceBody(msgspec.Struct, omit_defaults=True):
    """Whom a moment is for: all `friends`, `some` of them or `all_but` some (`users`), or only one`self`."""

    scope: Literal["friends", "some", "all_but", "self"] = "friends"
    users: list[str] = []


class PublishBody(msgspec.Struct):
    """A new moment. The same `txn_id` again, from the same device, gives the same moment."""

    content: MomentContent
    audience: AudienceBody = msgspec.field(default_factory=AudienceBody)
    txn_id: str = ""


class MomentReply(msgspec.Struct, omit_defaults=True):
    """A moment. Likes and comments are counted as far as one may see them; `audience` is told to its author alone."""

    moment_id: str
    author: str
    created_ts: int
    content: MomentContent
    likes: int = 0
    likers: list[str] = []
    comments: int = 0
    liked: bool = False
    audience: AudienceBody | None = None


class MomentsReply(msgspec.Struct, omit_defaults=True):
    """A page of moments, newest first. A page may be short, or empty, and still go on."""

    moments: list[MomentReply]
    next_batch: str | None = None


class SettingsBody(msgspec.Struct):
    """How many days back friends see one's moments: 3, 90, or 0 for all."""

    days: int


class SettingsReply(msgspec.Struct):
    """What one has set. `room_id` is one's moments room, empty before the first moment."""

    days: int
    room_id: str
    end_to_end_encrypted: bool
    notice: str


class ListReply(msgspec.Struct):
    """Who is on a list."""

    users: list[str]


class Done(msgspec.Struct):
    """Nothing more to say."""


class MomentsApi:
    """Moments over HTTP."""

    def __init__(
        self, moments: Moments, deeds: MomentDeeds, lists: MomentLists, users: Users, directory: Directory
    ) -> None:
        self._moments = moments
        self._deeds = deeds
        self._lists = lists
        self._users = users
        self._directory = directory

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        all_ = (400, 401, 403, 404)
        return [
            Operation(Route("GET", MOMENTS, self.moments_feed),
                      f"List one's friends' moments and one's own, newest first. {NOTICE}", MomentsReply, query=paging),
            Operation(Route("POST", MOMENTS, self.publish_moment, limit="send"), f"Publish a moment. {NOTICE}",
                      MomentReply, PublishBody, refusals=(*all_, 409, 413)),
            Operation(Route("GET", f"{MOMENTS}/of/{{userId}}", self.moments_of),
                      "List somebody's moments, as far as they are for oneself, newest first.", MomentsReply,
                      query=paging),
            Operation(Route("GET", MOMENT, self.get_moment), "Look at a moment.", MomentReply),
            Operation(Route("DELETE", MOMENT, self.delete_moment, limit="send"),
                      "Delete one's moment for good, with what was said of it.", Done, refusals=(*all_, 409)),
            Operation(Route("PUT", f"{MOMENT}/audience", self.set_moment_audience, limit="send"),
                      "Change whom one's moment is for.", MomentReply, AudienceBody, refusals=(*all_, 409)),
            Operation(Route("GET", f"{MOMENTS}/settings", self.moment_settings),
                      "Look at what one has set for one's moments.", SettingsReply, refusals=(401,)),
            Operation(Route("PUT", f"{MOMENTS}/settings", self.set_moment_settings),
                      "Set how far back friends see.", Done, SettingsBody),
            Operation(Route("GET", LIST, self.moment_list),
                      "List who does not see one's moments (hidden), or whose one does not want (unwanted).",
                      ListReply),
            Operation(Route("PUT", f"{LIST}/{{userId}}", self.put_on_moment_list), "Put somebody on a list.", Done,
                      refusals=all_),
            Operation(Route("DELETE", f"{LIST}/{{userId}}", self.take_off_moment_list), "Take somebody off a list.",
                      Done),
        ]  # fmt: skip

    async def moments_feed(self, request: Request) -> Response:
        before, limit = place(request)
        page = await self._moments.feed(request.requester.user_no, before, limit)
        return await self._page(request, page.moments, page.before)

    async def moments_of(self, request: Request) -> Response:
        before, limit = place(request)
        author_no = await self._number(request.path["userId"])
        page = await self._moments.of_author(request.requester.user_no, author_no, before, limit)
        return await self._page(request, page.moments, page.before)

    async def publish_moment(self, request: Request) -> Response:
        body = codec.body(request, PublishBody)
        audience = await self._audience(body.audience)
        txn = txn_of(reader_of(request), "moment", body.txn_id) if body.txn_id else None
        moment = await self._moments.publish(reader_of(request), body.content, audience, txn)
        return codec.reply(await self._shown(request, moment, NO_DEEDS))

    async def get_moment(self, request: Request) -> Response:
        moment = await self._moments.one(request.requester.user_no, request.path["momentId"])
        return codec.reply(await self._with_deeds(request, moment))

    async def delete_moment(self, request: Request) -> Response:
        await self._moments.delete(reader_of(request), request.path["momentId"])
        return codec.reply(Done())

    async def set_moment_audience(self, request: Request) -> Response:
        audience = await self._audience(codec.body(request, AudienceBody))
        moment = await self._moments.change_audience(reader_of(request), request.path["momentId"], audience)
        return codec.reply(await self._with_deeds(request, moment))

    async def moment_settings(self, request: Request) -> Response:
        user_no = request.requester.user_no
        settings = await self._lists.settings(user_no)
        room_no = await self._moments.room_no(user_no)
        room_id = "" if room_no is None else await self._directory.room_id(room_no)
        return codec.reply(SettingsReply(settings.days, room_id, False, NOTICE))

    async def set_moment_settings(self, request: Request) -> Response:
        days = codec.body(request, SettingsBody).days
        if days not in DAYS:
            raise InvalidParam(f"'days' must be one of {', '.join(map(str, DAYS))}.")
        await self._lists.set_days(reader_of(request), days)
        return codec.reply(Done())

    async def moment_list(self, request: Request) -> Response:
        listed = await self._lists.listed(request.requester.user_no, list_name(request))
        return codec.reply(ListReply([await self._users.user_id(number) for number in listed]))

    async def put_on_moment_list(self, request: Request) -> Response:
        other_no = await self._number(request.path["userId"])
        await self._lists.put_on(reader_of(request), list_name(request), other_no)
        return codec.reply(Done())

    async def take_off_moment_list(self, request: Request) -> Response:
        other_no = await self._number(request.path["userId"])
        await self._lists.take_off(reader_of(request), list_name(request), other_no)
        return codec.reply(Done())

    async def _audience(self, body: AudienceBody) -> Audience:
        scope = SCOPES[body.scope]
        if scope in (Scope.FRIENDS, Scope.SELF):
            if body.users:
                raise InvalidParam(f"An audience of '{body.scope}' names nobody.")
            return Audience(scope)
        if len(body.users) > NAMED_MAX:
            raise InvalidParam(f"An audience names at most {NAMED_MAX:,} people.")
        return Audience(scope, frozenset([await self._number(user_id) for user_id in body.users]))

    async def _number(self, user_id: str) -> int:
        number = await self._users.number(user_id)
        if number is None:
            raise NotFound(f"There is no user {user_id} here.")
        return number

    async def _page(self, request: Request, moments: Sequence[Moment], before: int | None) -> Response:
        deeds = await self._deeds.seen(request.requester.user_no, moments)
        shown = [await self._shown(request, moment, deeds[moment.pos]) for moment in moments]
        return codec.reply(MomentsReply(shown, None if before is None else str(before)))

    async def _with_deeds(self, request: Request, moment: Moment) -> MomentReply:
        deeds = await self._deeds.seen(request.requester.user_no, [moment])
        return await self._shown(request, moment, deeds[moment.pos])

    async def _shown(self, request: Request, moment: Moment, deeds: Deeds) -> MomentReply:
        reply = MomentReply(
            await self._moments.id_of(moment), await self._users.user_id(moment.author_no), moment.created_ms,
            moment.content, deeds.likes, [await self._users.user_id(number) for number in deeds.likers],
            deeds.comments, deeds.liked,
        )  # fmt: skip
        if moment.author_no == request.requester.user_no:
            named = [await self._users.user_id(number) for number in sorted(moment.audience.named)]
            reply.audience = AudienceBody(SCOPE_NAMES[moment.audience.scope], named)  # type: ignore[arg-type]
        return reply


def place(request: Request) -> tuple[int, int]:
    """Where a page goes on and how long it is."""
    limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
    return codec.integer(request, "from", NEWEST, low=1, high=NEWEST), limit


def list_name(request: Request) -> ListName:
    """The list in the path; raises NotFound."""
    name = request.path["list"]
    if name not in LISTS:
        raise NotFound(f"There is no such list: {' and '.join(LISTS)} are there.")
    return name  # type: ignore[return-value]
