"""`/_teahouse/v1/accounts/{handle}/posts`: publishing and reading posts, and what readers do with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.interactions import Interactions
from teahouse.posts.service import Posts
from teahouse.posts.types import Commenters, PostContent, Ref
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.post_views import PostReply, PostsReply, PostViews
from teahouse.public_accounts.types import Account
from teahouse.rooms.api import reader_of
from teahouse.rooms.service import txn_of

POSTS = f"{ACCOUNT}/posts"
POST = f"{POSTS}/{{number}}"
PAGE_MAX = 100  # posts of one page
NEWEST = 1 << 62
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]  # milliseconds since 1970, exact in every JSON reader


class PublishBody(msgspec.Struct):
    """A new post. The same `txn_id` again, from the same device, gives the same post."""

    content: PostContent
    txn_id: str = ""


class EditBody(msgspec.Struct):
    """New words for a post. `correction` is a notice of what was put right; empty for an edit without one."""

    content: PostContent
    correction: str = ""


class VersionReply(msgspec.Struct):
    """One wording of a post."""

    version: int
    written_ts: int
    correction: str
    content: PostContent


class VersionsReply(msgspec.Struct):
    """Every wording of a post, newest first."""

    versions: list[VersionReply]


class LikeBody(msgspec.Struct):
    """A like, with an emoji if wanted."""

    emoji: str = "👍"


class VoteBody(msgspec.Struct):
    """The chosen answers of a poll, by their places from 0."""

    answers: list[int]


class CommentersBody(msgspec.Struct):
    """Who may comment on a post from now on."""

    comments: Commenters


class PostsApi:
    """Posts over HTTP."""

    def __init__(
        self, accounts: Accounts, posts: Posts, interactions: Interactions, views: PostViews,
        opened: Callable[[Ref, int], None],
    ) -> None:  # fmt: skip
        """`opened(ref, user_no)` is told of everybody who looks at a post and is not of its account's staff."""
        self._accounts = accounts
        self._posts = posts
        self._interactions = interactions
        self._views = views
        self._opened = opened

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        everyone = Auth.OPTIONAL
        all_ = (400, 401, 403, 404)
        return [
            Operation(Route("GET", POSTS, self.list_posts, everyone), "List an account's posts, newest first.",
                      PostsReply, query=paging),
            Operation(Route("POST", POSTS, self.publish_post, limit="send", scope="publish"),
                      "Publish a post (editors).",
                      PostReply, PublishBody, refusals=(*all_, 409, 413, 429)),
            Operation(Route("GET", POST, self.get_post, everyone), "Look at a post.", PostReply),
            Operation(Route("PUT", POST, self.edit_post, limit="send", scope="edit"),
                      "Put a post into other words (editors).", PostReply, EditBody, refusals=(*all_, 413)),
            Operation(Route("DELETE", POST, self.delete_post, limit="send", scope="delete"),
                      "Delete a post for good (editors).", Done, refusals=all_),
            Operation(Route("GET", f"{POST}/versions", self.list_versions, everyone),
                      "List every wording of a post.", VersionsReply),
            Operation(Route("PUT", f"{POST}/like", self.like_post, limit="send"), "Like a post.", Done, LikeBody),
            Operation(Route("DELETE", f"{POST}/like", self.unlike_post, limit="send"), "Take a like back.", Done),
            Operation(Route("PUT", f"{POST}/vote", self.vote, limit="send"), "Vote in a poll.", Done, VoteBody),
            Operation(Route("DELETE", f"{POST}/vote", self.unvote, limit="send"), "Take a vote back.", Done),
            Operation(Route("PUT", f"{POST}/commenters", self.set_commenters),
                      "Say who may comment on a post; its wording stays (editors).", Done, CommentersBody,
                      refusals=all_),
        ]  # fmt: skip

    async def list_posts(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
        before = codec.integer(request, "from", NEWEST, low=1, high=NEWEST)
        posts = await self._posts.of_account(account.account_no, before, limit)
        following = str(posts[-1].number) if len(posts) == limit else None
        return codec.reply(PostsReply(await self._views.all(request.requester_or_none, posts), following))

    async def publish_post(self, request: Request) -> Response:
        account = await self._editable(request)
        body = codec.body(request, PublishBody)
        requester = request.requester
        txn = txn_of(reader_of(request), "publish", body.txn_id) if body.txn_id else None
        post = await self._posts.publish(publisher(account), requester.user_no, body.content, txn)
        return codec.reply(await self._views.one(request.requester_or_none, post))

    async def get_post(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        post = await self._posts.find(Ref(account.account_no, number(request)))
        shown = await self._views.one(request.requester_or_none, post)
        if request.requester_or_none is not None and not shown.author:
            self._opened(post.ref, request.requester.user_no)
        return codec.reply(shown)

    async def edit_post(self, request: Request) -> Response:
        account = await self._editable(request)
        body = codec.body(request, EditBody)
        ref = Ref(account.account_no, number(request))
        await self._posts.edit(publisher(account), ref, body.content, body.correction)
        return codec.reply(await self._views.one(request.requester_or_none, await self._posts.find(ref)))

    async def delete_post(self, request: Request) -> Response:
        account = await self._editable(request)
        await self._posts.delete(publisher(account), Ref(account.account_no, number(request)))
        return codec.reply(Done())

    async def list_versions(self, request: Request) -> Response:
        versions = await self._posts.versions(await self._ref(request))
        return codec.reply(
            VersionsReply([VersionReply(v.version, v.written_ms, v.correction, v.content) for v in versions])
        )

    async def like_post(self, request: Request) -> Response:
        emoji = codec.body(request, LikeBody).emoji
        await self._interactions.like(reader_of(request), await self._ref(request), emoji)
        return codec.reply(Done())

    async def unlike_post(self, request: Request) -> Response:
        await self._interactions.unlike(reader_of(request), await self._ref(request))
        return codec.reply(Done())

    async def vote(self, request: Request) -> Response:
        answers = codec.body(request, VoteBody).answers
        await self._interactions.vote(reader_of(request), await self._ref(request), answers)
        return codec.reply(Done())

    async def unvote(self, request: Request) -> Response:
        await self._interactions.unvote(reader_of(request), await self._ref(request))
        return codec.reply(Done())

    async def set_commenters(self, request: Request) -> Response:
        account = await self._editable(request)
        comments = codec.body(request, CommentersBody).comments
        await self._posts.set_commenters(Ref(account.account_no, number(request)), comments)
        return codec.reply(Done())

    async def _editable(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return account

    async def _ref(self, request: Request) -> Ref:
        account = await self._accounts.require(request.path["handle"])
        return Ref(account.account_no, number(request))


def number(request: Request) -> int:
    """The post's number in the path; raises InvalidParam."""
    return codec.whole(request.path["number"], "A post's number", low=1)
