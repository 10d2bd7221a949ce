"""Welcoming who comes into a channel: a post of the account on top of it. Following makes no room and sends nothing."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Database, Transaction
from teahouse.errors import NotFound
from teahouse.eventlog.types import StoredEvent
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Post, PostContent, Ref
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.types import Account


class Welcomes:
    """Welcome posts of all accounts."""

    def __init__(self, database: Database, accounts: Accounts, posts: Posts) -> None:
        self._database = database
        self._accounts = accounts
        self._posts = posts

    async def put(self, account: Account, author_no: int, text: str) -> Post:
        """Welcome with these words; the pinned post. The same words again change nothing."""
        content = PostContent(text, language=account.about.language, comments="nobody")
        post = await self._standing(account)
        if post is None:

            async def keep(tx: Transaction, events: Sequence[StoredEvent]) -> None:
                # The number is the account's newest, moved on in this very transaction.
                await tx.execute(
                    "INSERT INTO account_welcomes (account_no, number) SELECT account_no, posts FROM public_accounts "
                    "WHERE account_no = ? ON CONFLICT (account_no) DO UPDATE SET number = excluded.number",
                    account.account_no,
                )

            post = await self._posts.publish(publisher(account), author_no, content, also=keep)
        elif post.content is None or post.content.text != text.strip():
            await self._posts.edit(publisher(account), post.ref, content)
        await self._accounts.pin(account, post.number)
        return await self._posts.find(post.ref)

    async def remove(self, account: Account) -> None:
        """Welcome no more: the post is deleted and no longer pinned."""
        post = await self._standing(account)
        if post is None:
            raise NotFound("This account has no welcome.")
        current = await self._accounts.require(account.handle)
        if current.pinned == post.number:
            await self._accounts.pin(account, 0)
        await self._posts.delete(publisher(account), post.ref)

    async def _standing(self, account: Account) -> Post | None:
        row = await self._database.fetch_one(
            "SELECT number FROM account_welcomes WHERE account_no = ?", account.account_no
        )
        post = None if row is None else await self._posts.find(Ref(account.account_no, row[0]))
        return post if post is not None and post.fate is Fate.STANDS else None
