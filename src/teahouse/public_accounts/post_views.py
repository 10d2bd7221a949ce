"""Posts as the API shows them to one reader: a page at once, with what they carry on and what one did oneself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from teahouse.http.messages import Requester
from teahouse.posts.interactions import LIKE, VOTE, Interactions
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Post, PostContent, Ref
from teahouse.public_accounts.accounts import Accounts

CARRIED_SHOWN_MAX = 4  # posts below one another: a repost of a repost of …
FATES = {Fate.STANDS: "standing", Fate.DELETED: "deleted", Fate.REMOVED: "removed", Fate.HIDDEN: "hidden"}


class PostReply(msgspec.Struct, omit_defaults=True):
    """A post. `state` is standing, deleted (by its owner) or removed (by a decision); only a standing one has content.

    `correction` is the newest notice of what was put right in it.
    `liked` and `voted` are one's own; `author`, who wrote it, is shown to the account's staff alone. `carried` is the
    post that a repost carries on, as it is now.
    """

    account: str
    number: int
    event_id: str
    url: str
    kind: str
    created_ts: int
    state: str
    edited_ts: int = 0
    correction: str = ""
    corrected_ts: int = 0
    content: PostContent | None = None
    likes: int = 0
    reposts: int = 0
    comments: int = 0
    views: int = 0
    votes: list[int] | None = None
    liked: bool = False
    voted: list[int] | None = None
    author: str = ""
    carried: PostReply | None = None


class PostsReply(msgspec.Struct, omit_defaults=True):
    """A page of posts, newest first. It may hold fewer than asked for: only without `next_batch` is it the last."""

    posts: list[PostReply]
    next_batch: str | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """What concerns one reader of some posts."""

    deeds: Mapping[tuple[Ref, str], str]
    staff_of: Collection[int]
    unseen: Collection[int]


class PostViews:
    """Makes replies of posts."""

    def __init__(self, accounts: Accounts, posts: Posts, interactions: Interactions) -> None:
        self._accounts = accounts
        self._posts = posts
        self._interactions = interactions

    async def one(self, requester: Requester | None, post: Post) -> PostReply:
        """One post as somebody sees it."""
        return (await self.all(requester, [post]))[0]

    async def all(self, requester: Requester | None, posts: Sequence[Post]) -> list[PostReply]:
        """Posts as somebody sees them, in the order given."""
        carried = await self._carried(posts)
        await self._accounts.know({post.account_no for post in (*posts, *carried.values())})
        own = await self._own(requester, [*posts, *carried.values()])
        return [await self._shown(post, own, carried, CARRIED_SHOWN_MAX) for post in posts]

    async def _carried(self, posts: Iterable[Post]) -> dict[Ref, Post]:
        """What the posts carry on, and what that carries on in turn."""
        found: dict[Ref, Post] = {}
        level = {post.of for post in posts if post.of is not None}
        for _ in range(CARRIED_SHOWN_MAX):
            read = await self._posts.these(level - found.keys())
            found |= read
            level = {post.of for post in read.values() if post.of is not None}
        return found

    async def _own(self, requester: Requester | None, posts: Collection[Post]) -> Own:
        if requester is None:
            return Own({}, (), ())
        deeds = await self._interactions.own(requester.user_no, {post.ref for post in posts})
        staff_of = await self._accounts.works_for(requester.user_no, {post.account_no for post in posts})
        unseen = await self._posts.boundaries.unseen(requester.user_no)
        return Own(deeds, staff_of, unseen)

    async def _shown(self, post: Post, own: Own, carried: Mapping[Ref, Post], depth: int) -> PostReply:
        account = await self._accounts.at(post.account_no)
        assert account is not None
        counts = post.counts
        reply = PostReply(
            account.handle, post.number, self._posts.event_id(post), self._posts.address(account.handle, post.number),
            post.kind, post.created_ms, FATES[post.fate], post.edited_ms, post.correction, post.corrected_ms,
            post.content, counts.likes, counts.reposts,
            counts.comments, counts.views,
        )  # fmt: skip
        if post.content is not None and post.content.poll is not None:
            reply.votes = await self._interactions.tally(post)
        reply.liked = (post.ref, LIKE) in own.deeds
        voted = own.deeds.get((post.ref, VOTE))
        reply.voted = None if voted is None else [int(each) for each in voted.split(",")]
        if post.account_no in own.staff_of:
            reply.author = await self._accounts.users.user_id(post.author_no)
        of = None if post.content is None or post.of is None else carried.get(post.of)
        if of is not None and depth and of.account_no not in own.unseen:
            reply.carried = await self._shown(of, own, carried, depth - 1)
        return reply
