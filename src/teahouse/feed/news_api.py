"""`/_teahouse/v1/mentions` and `/_teahouse/v1/trending`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.errors import Forbidden
from teahouse.feed import scores
from teahouse.feed.api import NEWEST, V1, paged
from teahouse.feed.mentions import Mention, Mentions
from teahouse.feed.trending import Trending
from teahouse.feed.types import PAGE_MAX, Pause
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.comments import Comments
from teahouse.posts.service import Posts
from teahouse.posts.types import Comment, Fate
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import Done
from teahouse.public_accounts.post_views import PostReply, PostViews

PAUSES_PAGE_MAX = 100  # pauses of one page


class MentionedReply(msgspec.Struct, omit_defaults=True):
    """A mention: in a post or, with `comment`, in a comment on it. `new`: not marked as seen yet."""

    mention_id: str
    post: PostReply
    new: bool = False
    by: str = ""
    comment_id: str = ""
    comment: str = ""


class MentionsReply(msgspec.Struct, omit_defaults=True):
    """A page of mentions, newest first, and how many are new (counted up to 100)."""

    mentions: list[MentionedReply]
    new: int
    next_batch: str | None = None


class SeenBody(msgspec.Struct):
    """The newest mention that was seen, by its id; of the account `account` or, left out, of oneself."""

    mention_id: str
    account: str = ""


class TrendingTag(msgspec.Struct):
    """A hashtag with its score and what it is made of: people for each hour back, see `formula`."""

    tag: str
    score: float
    people: list[int]


class TrendingPost(msgspec.Struct):
    """A post with the same."""

    post: PostReply
    score: float
    people: list[int]


class PausedReply(msgspec.Struct):
    """Since when the list is, or was, paused, until when (0: it still is), by which office and why."""

    since_ts: int
    until_ts: int
    office: str
    reason: str


class TrendingReply(msgspec.Struct, omit_defaults=True):
    """What is trending, with the formula and all that goes into it. While it is paused both lists are empty."""

    formula: str
    half_life_hours: int
    people_min: int
    computed_ts: int
    tags: list[TrendingTag]
    posts: list[TrendingPost]
    paused: PausedReply | None = None


class PauseBody(msgspec.Struct):
    """Who pauses the list, and why: everybody can read it, for ever."""

    office: str
    reason: str


class PausesReply(msgspec.Struct, omit_defaults=True):
    """Every pause of the list, the newest first."""

    pauses: list[PausedReply]
    next_batch: str | None = None


class NewsApi:
    """Mentions and trending over HTTP."""

    def __init__(
        self, mentions: Mentions, trending: Trending, accounts: Accounts, posts: Posts, comments: Comments,
        views: PostViews,
    ) -> None:  # fmt: skip
        self._mentions = mentions
        self._trending = trending
        self._accounts = accounts
        self._posts = posts
        self._comments = comments
        self._views = views

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        account = Query("account", "an account that one works for; left out: oneself")
        trending, everyone = f"{V1}/trending", Auth.NONE
        return [
            Operation(Route("GET", f"{V1}/mentions", self.list_mentions), "List where one is named, newest first.",
                      MentionsReply, query=(account, *paging), refusals=(400, 401, 403, 404)),
            Operation(Route("PUT", f"{V1}/mentions/seen", self.see_mentions), "Mark mentions as seen.", Done, SeenBody,
                      refusals=(400, 401, 403, 404)),
            Operation(Route("GET", trending, self.get_trending, Auth.OPTIONAL),
                      "See what is trending, by which formula, from which numbers.", TrendingReply, refusals=()),
            Operation(Route("GET", f"{trending}/pauses", self.list_pauses, everyone),
                      "List every time for which the list of what is trending was paused.", PausesReply,
                      query=paging, refusals=(400,)),
            Operation(Route("PUT", f"{trending}/pause", self.pause_trending),
                      "Pause the list of what is trending, whole and publicly (the operator's staff).", Done, PauseBody,
                      refusals=(400, 401, 403, 409, 413)),
            Operation(Route("DELETE", f"{trending}/pause", self.resume_trending),
                      "Show the list of what is trending again (the operator's staff).", Done,
                      refusals=(401, 403, 404)),
        ]  # fmt: skip

    async def list_mentions(self, request: Request) -> Response:
        target_no = await self._target(request, codec.parameter(request, "account", "") or "")
        page, last = await self._mentions.page(target_no, *paged(request))
        seen = await self._mentions.seen(target_no)
        posts = await self._posts.these({each.ref for each in page})
        kept = [each for each in page if each.ref in posts]
        shown = await self._views.all(request.requester, [posts[each.ref] for each in kept])
        listed = [await self._mention(each, post, new=each.pos > seen) for each, post in zip(kept, shown, strict=True)]
        new = await self._mentions.new(target_no)
        return codec.reply(MentionsReply(listed, new, None if last is None else str(last)))

    async def see_mentions(self, request: Request) -> Response:
        body = codec.body(request, SeenBody)
        seen = codec.whole(body.mention_id, "'mention_id', the id of a mention,")
        await self._mentions.see(await self._target(request, body.account), seen)
        return codec.reply(Done())

    async def get_trending(self, request: Request) -> Response:
        trends, pause = await self._trending.trends(), await self._trending.paused()
        posts = await self._posts.these([each.item for each in trends.posts])
        standing = [each for each in trends.posts if each.item in posts and posts[each.item].content is not None]
        shown = await self._views.all(request.requester_or_none, [posts[each.item] for each in standing])
        reply = TrendingReply(
            scores.FORMULA, scores.HALF_LIFE_HOURS, scores.PEOPLE_MIN, trends.computed_ms,
            [TrendingTag(each.item, each.score, list(each.people)) for each in trends.tags],
            [TrendingPost(p, each.score, list(each.people)) for each, p in zip(standing, shown, strict=True)],
            None if pause is None else paused(pause),
        )  # fmt: skip
        return codec.reply(reply)

    async def list_pauses(self, request: Request) -> Response:
        limit = codec.integer(request, "limit", 20, low=1, high=PAUSES_PAGE_MAX)
        before = codec.integer(request, "from", NEWEST, low=1, high=NEWEST)
        found = await self._trending.pauses(before, limit)
        last = str(found[-1][0]) if len(found) == limit else None
        return codec.reply(PausesReply([paused(pause) for _, pause in found], last))

    async def pause_trending(self, request: Request) -> Response:
        self._require_staff(request)
        body = codec.body(request, PauseBody)
        await self._trending.pause(body.office, body.reason)
        return codec.reply(Done())

    async def resume_trending(self, request: Request) -> Response:
        self._require_staff(request)
        await self._trending.resume()
        return codec.reply(Done())

    def _require_staff(self, request: Request) -> None:
        if not request.requester.admin:
            raise Forbidden("Only the operator's staff pause the list of what is trending.")

    async def _target(self, request: Request, handle: str) -> int:
        """Whose mentions are asked for; raises Forbidden unless they are one's own, or of an account one works for."""
        if not handle:
            return request.requester.user_no
        account = await self._accounts.require(handle)
        await self._accounts.require_role(request.requester.user_no, account, "analyst")
        return account.account_no

    async def _mention(self, mention: Mention, post: PostReply, *, new: bool) -> MentionedReply:
        by = await self._accounts.users.user_id(mention.by_no)
        reply = MentionedReply(str(mention.pos), post, new, by)
        if mention.comment_no:
            comment: Comment = await self._comments.find(mention.comment_no)
            reply.comment_id = str(comment.comment_no)
            reply.comment = comment.body if comment.fate is Fate.STANDS else ""
        return reply


def paused(pause: Pause) -> PausedReply:
    """A pause as everybody sees it."""
    return PausedReply(pause.since_ms, pause.until_ms, pause.office, pause.reason)
