"""The microblog's parts, joined: what the composition root builds of it, and all it needs to know."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.feed.api import FeedApi
from teahouse.feed.blocking import Blocking
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.heads import Heads
from teahouse.feed.index import Index
from teahouse.feed.mentions import Mentions
from teahouse.feed.my_api import MyApi
from teahouse.feed.news_api import NewsApi
from teahouse.feed.search import Search
from teahouse.feed.timelines import Timelines
from teahouse.feed.trending import Trending
from teahouse.http.openapi import Operation
from teahouse.posts.comments import Comments
from teahouse.posts.service import Posts
from teahouse.posts.topics import Topics
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.post_views import PostViews
from teahouse.rooms import Directory


class Microblog:
    """Feeds, search, hashtags, mentions and trending of one server."""

    def __init__(
        self, database: Database, clock: Clock, boundaries: Boundaries, accounts: Accounts, followers: Followers,
        posts: Posts, comments: Comments, topics: Topics, views: PostViews, directory: Directory,
    ) -> None:  # fmt: skip
        self._database = database
        self._boundaries = boundaries
        self._mentions = mentions = Mentions(database, boundaries)
        heads = Heads(database)
        posts.listeners += [heads, Index(), mentions]
        self.trending = Trending(database, clock, posts)
        self.timelines = Timelines(database, heads, boundaries, followers, posts, topics)
        self.search = Search(database, boundaries, accounts, posts)
        blocking = Blocking(database, boundaries, accounts, followers, directory)
        self._feed_api = FeedApi(database, self.timelines, self.search, accounts, posts, views)
        self._news_api = NewsApi(mentions, self.trending, accounts, posts, comments, views)
        self._my_api = MyApi(boundaries, blocking, accounts.users)

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        return [*self._feed_api.operations(), *self._news_api.operations(), *self._my_api.operations()]

    async def erase_by(self, user_no: int) -> None:
        """Drop everything that somebody kept here for themselves alone."""
        async with self._database.transaction() as tx:
            await self._boundaries.erase_in(tx, user_no)
            await self._mentions.erase_in(tx, user_no)

    async def run(self) -> None:
        """The background work, until cancelled."""
        await self.trending.run()
