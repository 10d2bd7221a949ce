"""Every endpoint of public accounts and what they publish, in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from teahouse.http.openapi import Operation
from teahouse.posts.comments import Comments
from teahouse.posts.drafts import Drafts
from teahouse.posts.interactions import Interactions
from teahouse.posts.service import Posts
from teahouse.posts.topics import Topics
from teahouse.posts.types import Ref
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import AccountsApi
from teahouse.public_accounts.comments_api import CommentsApi
from teahouse.public_accounts.drafts_api import DraftsApi
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.post_views import PostViews
from teahouse.public_accounts.posts_api import PostsApi
from teahouse.public_accounts.tokens import PostingTokens
from teahouse.public_accounts.tokens_api import TokensApi
from teahouse.public_accounts.topics_api import TopicsApi
from teahouse.rooms import Directory


def operations(
    accounts: Accounts, followers: Followers, directory: Directory, posts: Posts, interactions: Interactions,
    comments: Comments, topics: Topics, drafts: Drafts, views: PostViews, tokens: PostingTokens,
    opened: Callable[[Ref, int], None],
) -> Sequence[Operation]:  # fmt: skip
    """The endpoints of this slice. `opened(ref, user_no)` is told of readers who look at a post."""
    return [
        *AccountsApi(accounts, followers, directory).operations(),
        *PostsApi(accounts, posts, interactions, views, opened).operations(),
        *CommentsApi(accounts, comments).operations(),
        *TopicsApi(accounts, topics, followers, directory).operations(),
        *DraftsApi(accounts, posts, drafts).operations(),
        *TokensApi(accounts, tokens).operations(),
    ]
