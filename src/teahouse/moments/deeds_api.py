"""`/_teahouse/v1/moments/{momentId}/…`: likes and comments, and being told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.moments.api import MOMENT, MOMENTS, Done, place
from teahouse.moments.deeds import DEFAULT_EMOJI, MomentDeeds
from teahouse.moments.service import NEWEST, Moments
from teahouse.moments.types import Comment, Moment
from teahouse.rooms import Users
from teahouse.rooms.api import reader_of

NOTICES = f"{MOMENTS}/notices"
COMMENTS_PAGE_MAX = 100  # comments of one page


class LikeBody(msgspec.Struct):
    """A like, with an emoji if wanted."""

    emoji: str = DEFAULT_EMOJI


class CommentBody(msgspec.Struct):
    """What somebody says of a moment; `answers_to` is the id of the comment it answers, or empty."""

    body: str
    answers_to: str = ""


class CommentReply(msgspec.Struct):
    """A comment; `answers_to` is the id of the comment it answers, or empty."""

    comment_id: str
    user_id: str
    written_ts: int
    body: str
    answers_to: str


class CommentsReply(msgspec.Struct, omit_defaults=True):
    """Comments with their answers, oldest first: the author's, one's own and those of common friends."""

    comments: list[CommentReply]
    next_batch: str | None = None


class NoticeReply(msgspec.Struct, omit_defaults=True):
    """Somebody liked or commented on one's moment, or answered one's comment. `value` is the emoji or the words."""

    kind: Literal["like", "comment", "answer"]
    moment_id: str
    user_id: str
    value: str
    comment_id: str = ""
    place: str = ""


class NoticesReply(msgspec.Struct, omit_defaults=True):
    """What others did, newest first, and how much of it one has not seen, counted up to 999."""

    notices: list[NoticeReply]
    unseen: int = 0
    next_batch: str | None = None


class SeenBody(msgspec.Struct):
    """The `place` of the newest notice that one has seen."""

    place: str


class MomentDeedsApi:
    """Likes and comments over HTTP."""

    def __init__(self, moments: Moments, deeds: MomentDeeds, users: Users) -> None:
        self._moments = moments
        self._deeds = deeds
        self._users = users

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", "how many", "integer"))
        like, comments = f"{MOMENT}/like", f"{MOMENT}/comments"
        all_ = (400, 401, 403, 404)
        return [
            Operation(Route("PUT", like, self.like_moment, limit="send"), "Like a moment.", Done, LikeBody),
            Operation(Route("DELETE", like, self.unlike_moment, limit="send"), "Take a like back.", Done),
            Operation(Route("GET", comments, self.list_moment_comments),
                      "List the comments on a moment that one may see, oldest first.", CommentsReply, query=paging),
            Operation(Route("POST", comments, self.comment_on_moment, limit="send"),
                      "Comment on a moment: its author and common friends see it.", CommentReply, CommentBody,
                      refusals=(*all_, 413)),
            Operation(Route("DELETE", f"{MOMENTS}/comments/{{commentId}}", self.delete_moment_comment),
                      "Delete one's comment, or anybody's on one's own moment, with its answers.", Done,
                      refusals=all_),
            Operation(Route("GET", NOTICES, self.moment_notices),
                      "List likes and comments on one's moments, and answers to one's comments, newest first.",
                      NoticesReply, query=paging, refusals=(400, 401)),
            Operation(Route("PUT", f"{NOTICES}/seen", self.see_moment_notices), "Note what one has seen.", Done,
                      SeenBody, refusals=(400, 401)),
        ]  # fmt: skip

    async def like_moment(self, request: Request) -> Response:
        emoji = codec.body(request, LikeBody).emoji
        await self._deeds.like(reader_of(request), await self._moment(request), emoji)
        return codec.reply(Done())

    async def unlike_moment(self, request: Request) -> Response:
        await self._deeds.unlike(reader_of(request), await self._moment(request))
        return codec.reply(Done())

    async def list_moment_comments(self, request: Request) -> Response:
        limit = codec.integer(request, "limit", 50, low=1, high=COMMENTS_PAGE_MAX)
        after = codec.integer(request, "from", 0, high=NEWEST)
        moment = await self._moment(request)
        found = await self._deeds.comments(request.requester.user_no, moment, after, limit)
        following = str(found[-1].comment_no) if len(found) == limit else None
        return codec.reply(CommentsReply([await self._comment(each) for each in found], following))

    async def comment_on_moment(self, request: Request) -> Response:
        body = codec.body(request, CommentBody)
        parent = 0 if not body.answers_to else codec.whole(body.answers_to, "'answers_to'")
        made = await self._deeds.comment(reader_of(request), await self._moment(request), body.body, parent)
        return codec.reply(await self._comment(made))

    async def delete_moment_comment(self, request: Request) -> Response:
        await self._deeds.delete_comment(reader_of(request), codec.whole(request.path["commentId"], "A comment's id"))
        return codec.reply(Done())

    async def moment_notices(self, request: Request) -> Response:
        before, limit = place(request)
        user_no = request.requester.user_no
        found, unseen = await self._deeds.notices(user_no, before, limit)
        shown = []
        for each in found:
            moment = await self._moments.standing(each.moment_pos)
            if moment is not None and await self._moments.may_see(user_no, moment):
                shown.append(
                    NoticeReply(
                        each.kind, await self._moments.id_of(moment), await self._users.user_id(each.doer_no),
                        each.value, str(each.comment_no) if each.comment_no else "", str(each.pos),
                    )
                )  # fmt: skip
        following = str(found[-1].pos) if len(found) == limit else None
        return codec.reply(NoticesReply(shown, unseen, following))

    async def see_moment_notices(self, request: Request) -> Response:
        seen = codec.whole(codec.body(request, SeenBody).place, "'place'")
        await self._deeds.see(request.requester.user_no, seen)
        return codec.reply(Done())

    async def _moment(self, request: Request) -> Moment:
        return await self._moments.one(request.requester.user_no, request.path["momentId"])

    async def _comment(self, comment: Comment) -> CommentReply:
        return CommentReply(
            str(comment.comment_no), await self._users.user_id(comment.user_no), comment.written_ms, comment.body,
            str(comment.parent_no) if comment.parent_no else "",
        )  # fmt: skip
