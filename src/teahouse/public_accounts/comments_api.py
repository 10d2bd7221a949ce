"""`/_teahouse/v1/accounts/{handle}/posts/{number}/comments`: what readers say, and what staff do about it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.errors import NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.comments import COMMENTS_PAGE_MAX, Comments
from teahouse.posts.types import Comment, Fate, Ref
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.post_views import FATES
from teahouse.public_accounts.posts_api import NEWEST, POST, number
from teahouse.public_accounts.types import Account
from teahouse.rooms.api import reader_of

COMMENTS = f"{POST}/comments"
COMMENT = "/_teahouse/v1/comments/{commentId}"
BLOCKED = f"{ACCOUNT}/blocked"
BLOCKED_PAGE_MAX = 100  # blocked readers of one page


class CommentBody(msgspec.Struct):
    """What somebody says of a post; `answers_to` is the id of the comment it answers, or empty."""

    body: str
    answers_to: str = ""


class CommentReply(msgspec.Struct, omit_defaults=True):
    """A comment. `state` is standing; or hidden, deleted or removed: then it has words for its author and the account's
    staff alone, and for others it is the place that its standing answers are at. `note` tells its author by whom it is
    hidden; `hidden_by`, the staff.
    """

    comment_id: str
    user_id: str
    written_ts: int
    body: str
    state: str
    answers_to: str
    answers: int
    note: str = ""
    hidden_by: str = ""


class CommentsReply(msgspec.Struct, omit_defaults=True):
    """A page of comments, oldest first. It may hold fewer than asked for: only without `next_batch` is it the last."""

    comments: list[CommentReply]
    next_batch: str | None = None


class BlockedReply(msgspec.Struct):
    """A reader whom an account blocked, and who of its staff decided so."""

    user_id: str
    by: str
    since_ts: int


class BlockedListReply(msgspec.Struct, omit_defaults=True):
    """A page of blocked readers."""

    blocked: list[BlockedReply]
    next_batch: str | None = None


class CommentsApi:
    """Comments over HTTP."""

    def __init__(self, accounts: Accounts, comments: Comments) -> None:
        self._accounts = accounts
        self._comments = comments

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (
            Query("from", "next_batch of the page before"), Query("limit", f"at most {COMMENTS_PAGE_MAX}", "integer")
        )  # fmt: skip
        of = (Query("answers_to", "only answers to this comment"), *paging)
        all_ = (400, 401, 403, 404)
        blocked = f"{BLOCKED}/{{userId}}"
        return [
            Operation(Route("GET", COMMENTS, self.list_comments, Auth.OPTIONAL),
                      "List comments on a post, oldest first.", CommentsReply, query=of),
            Operation(Route("POST", COMMENTS, self.comment, limit="send"),
                      "Comment on a post.", CommentReply, CommentBody, refusals=(*all_, 413)),
            Operation(Route("DELETE", COMMENT, self.delete_comment), "Delete one's comment.", Done, refusals=all_),
            Operation(Route("PUT", f"{COMMENT}/hidden", self.hide_comment),
                      "Hide a comment on one's account's post; its author sees that (editors).", Done, refusals=all_),
            Operation(Route("DELETE", f"{COMMENT}/hidden", self.show_comment),
                      "Show a hidden comment again (editors).", Done, refusals=all_),
            Operation(Route("GET", BLOCKED, self.list_blocked),
                      "List the readers whom an account blocked (editors).", BlockedListReply,
                      query=paging, refusals=all_),
            Operation(Route("PUT", blocked, self.block_reader),
                      "Block a reader, who can read on and no more (editors).", Done, refusals=all_),
            Operation(Route("DELETE", blocked, self.unblock_reader),
                      "Block a reader no more (editors).", Done, refusals=all_),
        ]  # fmt: skip

    async def list_comments(self, request: Request) -> Response:
        limit = codec.integer(request, "limit", 20, low=1, high=COMMENTS_PAGE_MAX)
        after = codec.integer(request, "from", 0, high=NEWEST)
        parent = codec.integer(request, "answers_to", 0, high=NEWEST)
        user_no = 0 if request.requester_or_none is None else request.requester.user_no
        account = await self._accounts.require(request.path["handle"])
        found, last = await self._comments.page(
            user_no, Ref(account.account_no, number(request)), parent, after, limit
        )  # fmt: skip
        shown = [await self._shown(account, user_no, each) for each in found]
        return codec.reply(CommentsReply(shown, None if last is None else str(last)))

    async def comment(self, request: Request) -> Response:
        body = codec.body(request, CommentBody)
        parent = codec.whole(body.answers_to, "'answers_to'", low=1) if body.answers_to else 0
        account = await self._accounts.require(request.path["handle"])
        ref = Ref(account.account_no, number(request))
        made = await self._comments.write(reader_of(request), ref, body.body, parent)
        return codec.reply(await self._shown(account, request.requester.user_no, made))

    async def delete_comment(self, request: Request) -> Response:
        await self._comments.delete(reader_of(request), comment_no(request))
        return codec.reply(Done())

    async def hide_comment(self, request: Request) -> Response:
        comment = await self._editable(request)
        await self._comments.hide(comment.comment_no, request.requester.user_no)
        return codec.reply(Done())

    async def show_comment(self, request: Request) -> Response:
        await self._comments.show((await self._editable(request)).comment_no)
        return codec.reply(Done())

    async def list_blocked(self, request: Request) -> Response:
        account = await self._account(request)
        limit = codec.integer(request, "limit", 20, low=1, high=BLOCKED_PAGE_MAX)
        after = codec.integer(request, "from", 0, high=NEWEST)
        rows = await self._comments.blocked(account.account_no, after, limit)
        users = self._accounts.users
        shown = [BlockedReply(await users.user_id(no), await users.user_id(by), since) for no, by, since in rows]
        return codec.reply(BlockedListReply(shown, str(rows[-1][0]) if len(rows) == limit else None))

    async def block_reader(self, request: Request) -> Response:
        account = await self._account(request)
        await self._comments.block(account.account_no, await self._reader(request), request.requester.user_no)
        return codec.reply(Done())

    async def unblock_reader(self, request: Request) -> Response:
        account = await self._account(request)
        await self._comments.unblock(account.account_no, await self._reader(request))
        return codec.reply(Done())

    async def _account(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return account

    async def _reader(self, request: Request) -> int:
        user_no = await self._accounts.users.number(request.path["userId"])
        if user_no is None:
            raise NotFound("There is no such user.")
        return user_no

    async def _editable(self, request: Request) -> Comment:
        comment = await self._comments.find(comment_no(request))
        account = await self._accounts.at(comment.ref.account_no)
        assert account is not None
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return comment

    async def _shown(self, account: Account, user_no: int, comment: Comment) -> CommentReply:
        users = self._accounts.users
        author = await users.user_id(comment.user_no) if comment.user_no else ""
        reply = CommentReply(
            str(comment.comment_no), author, comment.written_ms, comment.body, FATES[comment.fate],
            str(comment.parent_no) if comment.parent_no else "", comment.answers,
        )  # fmt: skip
        if comment.fate is Fate.HIDDEN and comment.body:
            reply.note = f"Hidden by the staff of @{account.handle}."
            if comment.user_no != user_no and comment.settled_by:
                reply.hidden_by = await users.user_id(comment.settled_by)
        return reply


def comment_no(request: Request) -> int:
    """The comment's id in the path; raises InvalidParam."""
    return codec.whole(request.path["commentId"], "A comment's id", low=1)
