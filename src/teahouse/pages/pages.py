"""All pages of the server, put together."""

from __future__ import annotations

from teahouse.clock import Clock
from teahouse.config import Config
from teahouse.db import Database
from teahouse.feed.microblog import Microblog
from teahouse.http.messages import Route
from teahouse.pages.answering import Answering
from teahouse.pages.api import PagesApi
from teahouse.pages.cache import RenderedPages
from teahouse.pages.feeds_api import FeedsApi
from teahouse.pages.oembed_api import OembedApi
from teahouse.pages.public_api import PublicPagesApi
from teahouse.pages.service import Showing
from teahouse.pages.sitemaps import SiteMaps
from teahouse.pages.views import Views
from teahouse.posts.comments import Comments
from teahouse.posts.interactions import Interactions
from teahouse.posts.service import Posts
from teahouse.public_accounts.accounts import Accounts
from teahouse.users.accounts import Accounts as Users


class Pages:
    """The front door, the public pages, and what machines read of them."""

    def __init__(
        self, config: Config, clock: Clock, database: Database, users: Users, accounts: Accounts, posts: Posts,
        interactions: Interactions, comments: Comments, microblog: Microblog, *, by_mail: bool,
        views: Views | None = None,
    ) -> None:  # fmt: skip
        """`by_mail`: accounts can be followed by e-mail here. `views` is told of every opening of a post."""
        answering = Answering(
            RenderedPages(clock, posts.editions, accounts), clock, config.server_name, config.public_url
        )  # fmt: skip
        showing = Showing(accounts, posts, interactions, comments, microblog.timelines, microblog.search)
        self._slices = (
            PagesApi(users, answering, showing, config.server_name, config.registration),
            PublicPagesApi(answering, showing, clock, views, by_mail=by_mail),
            OembedApi(answering, showing),
            FeedsApi(answering, showing, SiteMaps(database)),
        )

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [route for each in self._slices for route in each.routes()]
