"""Gathering what public pages show: nothing here knows who reads, so nothing is shown that not everybody may see."""

from __future__ import annotations

from teahouse.badges.types import VERIFIED
from teahouse.feed.query import parse
from teahouse.feed.search import Search
from teahouse.feed.timelines import Timelines
from teahouse.feed.types import Timeline
from teahouse.http.codec import pair
from teahouse.pages.types import (
    AccountPage,
    Directory,
    HistoryPage,
    Original,
    PostList,
    PostPage,
    ShownComment,
    ShownPost,
)
from teahouse.posts.comments import Comments
from teahouse.posts.interactions import Interactions
from teahouse.posts.naming import mentioned
from teahouse.posts.service import Posts
from teahouse.posts.types import Comment, Fate, Post, PostContent, Ref
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.post_views import CARRIED_SHOWN_MAX
from teahouse.public_accounts.types import KINDS, Account
from teahouse.rooms.finding import FIRST, SEARCH_MAX_CHARACTERS

POSTS_PAGE = 20  # posts of one page or feed
ACCOUNTS_PAGE = 30  # accounts of one page of the directory
COMMENTS_PAGE = 30  # comments of one page, answers to them aside
ANSWERS_PAGE = 10  # answers shown below a comment; the rest has a page of its own
NOBODY = 0  # no user's number: pages are for everybody
NEWEST = 1 << 62


class Showing:
    """What each public page shows."""

    def __init__(
        self, accounts: Accounts, posts: Posts, interactions: Interactions, comments: Comments, timelines: Timelines,
        search: Search,
    ) -> None:  # fmt: skip
        self._timelines = timelines
        self._search = search
        self._accounts = accounts
        self._posts = posts
        self._interactions = interactions
        self._comments = comments

    async def account(self, handle: str) -> Account:
        """An account; raises NotFound."""
        return await self._accounts.require(handle)

    async def account_page(self, handle: str, before: int) -> AccountPage:
        """An account with its posts below a number; 0: from the newest on."""
        account = await self._accounts.require(handle)
        posts = await self._posts.of_account(account.account_no, before or NEWEST, POSTS_PAGE + 1)
        more = len(posts) > POSTS_PAGE
        pinned = None
        if account.pinned and not before:
            post = await self._posts.find(Ref(account.account_no, account.pinned))
            if post.fate is Fate.STANDS:
                pinned = await self._shown(account, post)
        shown = [await self._shown(account, post) for post in posts[:POSTS_PAGE]]
        listed = [each for each in shown if pinned is None or each.post.number != pinned.post.number]
        following = posts[POSTS_PAGE - 1].number if more else 0
        return AccountPage(account, pinned, listed, following, not before, await self._domain(account))

    async def post_page(self, handle: str, number: int, after: int, parent: int) -> PostPage:
        """A post with comments after one of them; with `parent`, the answers to that comment alone."""
        account = await self._accounts.require(handle)
        post = await self._posts.find(Ref(account.account_no, number))
        shown = await self._shown(account, post)
        if post.fate is not Fate.STANDS:
            return PostPage(shown, (), (), 0)
        versions = await self._posts.versions(post.ref) if post.version else []
        found, following = await self._comments.page(NOBODY, post.ref, parent, after, COMMENTS_PAGE)
        comments = [await self._comment(each) for each in found]
        return PostPage(shown, [each for each in versions if each.correction], comments, following or 0)

    async def history_page(self, handle: str, number: int) -> HistoryPage:
        """Every wording of a post; none of one that is gone."""
        account = await self._accounts.require(handle)
        post = await self._posts.find(Ref(account.account_no, number))
        shown = await self._shown(account, post)
        return HistoryPage(shown, await self._posts.versions(post.ref) if post.fate is Fate.STANDS else ())

    async def tag(self, tag: str, before: int) -> PostList:
        """Posts with a hashtag, below a position; 0: from the newest on."""
        return await self._list(await self._timelines.tagged(NOBODY, tag, before or NEWEST, POSTS_PAGE + 1), before)

    async def latest(self, before: int) -> PostList:
        """Posts of everybody."""
        return await self._list(await self._timelines.public(NOBODY, "", before or NEWEST, POSTS_PAGE + 1), before)

    async def search(self, words: str, before: int) -> PostList:
        """Posts that hold words; raises InvalidParam for a question that makes no sense."""
        found = await self._search.find(NOBODY, parse(words), before or NEWEST, POSTS_PAGE + 1)
        return await self._list(found, before)

    async def directory(self, search: str, kind: str, after: str) -> Directory:
        """Accounts by followers."""
        place = pair(after, FIRST)
        wanted = " ".join(search.split())[:SEARCH_MAX_CHARACTERS]
        found = await self._accounts.directory(wanted, kind if kind in KINDS else "", place, ACCOUNTS_PAGE + 1)
        last = found[ACCOUNTS_PAGE - 1] if len(found) > ACCOUNTS_PAGE else None
        following = "" if last is None else f"{last.followers}_{last.account_no}"
        return Directory(found[:ACCOUNTS_PAGE], following, not after)

    async def _domain(self, account: Account) -> str:
        """The domain by which an account was verified."""
        shown = (await self._accounts.users.profile(account.account_no)).get(VERIFIED)
        return str(shown.get("domain", "")) if isinstance(shown, dict) else ""

    async def _list(self, found: Timeline, before: int) -> PostList:
        shown: list[ShownPost] = []
        for post in found.posts[:POSTS_PAGE]:
            account = await self._accounts.at(post.account_no)
            assert account is not None
            shown.append(await self._shown(account, post))
        # One more was asked for than is shown, so that no page leads to an empty one.
        more = len(found.posts) > POSTS_PAGE
        return PostList(shown, found.posts[POSTS_PAGE - 1].pos if more else found.before or 0, not before)

    async def _shown(self, account: Account, post: Post) -> ShownPost:
        content = post.content or PostContent()
        votes = await self._interactions.tally(post) if content.poll is not None else None
        handles = frozenset([each for each in mentioned(content.text) if await self._accounts.find(each) is not None])
        return ShownPost(post, account, await self._original(post), votes, handles)

    async def _original(self, post: Post, depth: int = CARRIED_SHOWN_MAX) -> Original | None:
        if post.of is None or post.fate is not Fate.STANDS or not depth:
            return None
        account = await self._accounts.at(post.of.account_no)
        if account is None:
            return Original(None, None)
        found = await self._posts.find(post.of)
        return Original(account, found, await self._original(found, depth - 1))

    async def _comment(self, comment: Comment) -> ShownComment:
        answers: list[Comment] = []
        if comment.answers and not comment.parent_no:
            answers, _ = await self._comments.page(NOBODY, comment.ref, comment.comment_no, 0, ANSWERS_PAGE)
        if not comment.user_no:  # gone: the place of its answers
            return ShownComment(comment, "…", "", [await self._comment(each) for each in answers])
        users = self._accounts.users
        user_id = await users.user_id(comment.user_no)
        name = (await users.profile(comment.user_no)).get("displayname")
        shown = [await self._comment(each) for each in answers]
        return ShownComment(comment, name if isinstance(name, str) and name.strip() else user_id, user_id, shown)
