"""The microblog's parts, joined: what the composition root builds of it, and all it needs to know."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Database
from teahouse.feed.blocking import Blocking
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.heads import Heads
from teahouse.feed.my_api import MyApi
from teahouse.http.openapi import Operation
from teahouse.posts.service import Posts
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.followers import Followers
from teahouse.rooms import Directory


class Microblog:
    """Feeds, search, hashtags, mentions and trending of one server."""

    def __init__(
        self, database: Database, boundaries: Boundaries, accounts: Accounts, followers: Followers, posts: Posts,
        directory: Directory,
    ) -> None:  # fmt: skip
        self.heads = Heads(database)
        posts.listeners.append(self.heads)
        blocking = Blocking(database, boundaries, accounts, followers, directory)
        self._my_api = MyApi(boundaries, blocking, accounts.users)

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        return self._my_api.operations()
