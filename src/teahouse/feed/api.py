"""`/_teahouse/v1/feed`, `/public`, `/tags`, `/search/posts` and who carried a post on: timelines over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from teahouse.db import Database
from teahouse.errors import InvalidParam
from teahouse.feed.query import parse
from teahouse.feed.search import Search
from teahouse.feed.timelines import Timelines
from teahouse.feed.types import PAGE_MAX, Timeline
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.checking import check_language
from teahouse.posts.service import Posts
from teahouse.posts.types import Ref
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.post_views import PostReply, PostsReply, PostViews
from teahouse.public_accounts.posts_api import POST, number

V1 = "/_teahouse/v1"
NEWER_MAX = 99  # new posts that are counted; a list has no place for a larger number
NEWEST = 1 << 62
EPOCH = date(1970, 1, 1)


class FeedReply(msgspec.Struct, omit_defaults=True):
    """A page of one's home feed, newest first. `newer_since` asks later what is new since this answer."""

    posts: list[PostReply]
    newer_since: str
    next_batch: str | None = None


class NewerReply(msgspec.Struct):
    """How many posts by others are new in one's home feed; `more`: there are more than that."""

    count: int
    more: bool


class DayReply(msgspec.Struct):
    """How many standing posts of a day (UTC) have a hashtag."""

    day: str
    posts: int


class TagReply(msgspec.Struct, omit_defaults=True):
    """A page of a hashtag's posts, newest first, and how many there were on its newest days."""

    tag: str
    posts: list[PostReply]
    days: list[DayReply]
    next_batch: str | None = None


class RepostsReply(msgspec.Struct, omit_defaults=True):
    """Who carried a post on, newest first, and how it is liked. All reposts are public."""

    likes: int
    reposts: int
    posts: list[PostReply]
    next_batch: str | None = None


class FeedApi:
    """Timelines and search over HTTP."""

    def __init__(
        self, database: Database, timelines: Timelines, search: Search, accounts: Accounts, posts: Posts,
        views: PostViews,
    ) -> None:  # fmt: skip
        self._database = database
        self._timelines = timelines
        self._search = search
        self._accounts = accounts
        self._posts = posts
        self._views = views

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        asked = Query("q", 'words, "phrases", from:, lang:, has:, since:, until:; see docs/microblog.md')
        everyone = Auth.OPTIONAL
        return [
            Operation(Route("GET", f"{V1}/feed", self.home_feed),
                      "Read one's home feed: what one follows and oneself, newest first, in no hidden order.",
                      FeedReply, query=paging, refusals=(400, 401)),
            Operation(Route("GET", f"{V1}/feed/newer", self.newer), "Count what is new in one's home feed.",
                      NewerReply, query=(Query("since", "newer_since of an earlier answer"),), refusals=(400, 401)),
            Operation(Route("GET", f"{V1}/public", self.public_feed, everyone),
                      "Read everything public, newest first.", PostsReply,
                      query=(Query("language", "a language tag, such as zh"), *paging), refusals=(400,)),
            Operation(Route("GET", f"{V1}/tags/{{tag}}", self.tag_page, everyone),
                      "Read the posts with a hashtag, newest first.", TagReply, query=paging, refusals=(400,)),
            Operation(Route("GET", f"{V1}/search/posts", self.search_posts, everyone),
                      "Search public posts, newest first.", PostsReply, query=(asked, *paging), refusals=(400,)),
            Operation(Route("GET", f"{POST}/reposts", self.list_reposts, everyone),
                      "List who carried a post on, newest first.", RepostsReply, query=paging, refusals=(400, 404)),
        ]  # fmt: skip

    async def home_feed(self, request: Request) -> Response:
        # What is written while the page is read belongs to the next one that begins anew: it counts as newer.
        head = self._database.head
        before, limit = paged(request)
        page = await self._timelines.home(request.requester.user_no, 0, min(before, head + 1), limit)
        return codec.reply(FeedReply(await self._shown(request, page), str(head), following(page)))

    async def newer(self, request: Request) -> Response:
        if codec.required(request, "since").startswith("-"):
            raise InvalidParam("'since' must be newer_since of an earlier answer.")
        since = codec.integer(request, "since", 0, high=NEWEST)
        user_no = request.requester.user_no
        page = await self._timelines.home(user_no, since, NEWEST, NEWER_MAX)
        count = sum(post.account_no != user_no for post in page.posts)
        return codec.reply(NewerReply(count, page.before is not None))

    async def public_feed(self, request: Request) -> Response:
        language = codec.parameter(request, "language", "") or ""
        if language:
            check_language(language)
        page = await self._timelines.public(user_no(request), language, *paged(request))
        return codec.reply(PostsReply(await self._shown(request, page), following(page)))

    async def tag_page(self, request: Request) -> Response:
        tag = request.path["tag"]
        page = await self._timelines.tagged(user_no(request), tag, *paged(request))
        days = [DayReply(str(EPOCH + timedelta(day)), posts) for day, posts in await self._timelines.days(tag)]
        reply = TagReply(self._timelines.tag(tag), await self._shown(request, page), days, following(page))
        return codec.reply(reply)

    async def search_posts(self, request: Request) -> Response:
        query = parse(codec.required(request, "q"))
        page = await self._search.find(user_no(request), query, *paged(request))
        return codec.reply(PostsReply(await self._shown(request, page), following(page)))

    async def list_reposts(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        post = await self._posts.standing(Ref(account.account_no, number(request)))
        page = await self._timelines.reposts(user_no(request), post.ref, *paged(request))
        counts = post.counts
        reply = RepostsReply(counts.likes, counts.reposts, await self._shown(request, page), following(page))
        return codec.reply(reply)

    async def _shown(self, request: Request, page: Timeline) -> list[PostReply]:
        return await self._views.all(request.requester_or_none, page.posts)


def user_no(request: Request) -> int:
    """Who asks; 0 for a stranger."""
    return 0 if request.requester_or_none is None else request.requester.user_no


def paged(request: Request) -> tuple[int, int]:
    """The position to read below, and how many; raises InvalidParam."""
    return (
        codec.integer(request, "from", NEWEST, low=1, high=NEWEST),
        codec.integer(request, "limit", 20, low=1, high=PAGE_MAX),
    )


def following(page: Timeline) -> str | None:
    """The token of the next page."""
    return None if page.before is None else str(page.before)
