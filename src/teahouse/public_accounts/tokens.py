"""Posting by program: tokens that open some endpoints of one account and nothing else.

A token acts for the owner who made it: the posts are by them, and the token is worth no more than their role. It is
shown once and stored as a hash.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Forbidden, InvalidParam, NotFound, UnknownToken
from teahouse.http.messages import Requester
from teahouse.posts.wording import limit
from teahouse.public_accounts.types import Account
from teahouse.users.sessions import digest

PREFIX = "thp_"  # of every posting token: it tells them from people's own
TOKENS_MAX = 50  # of one account, expired ones included
NAME_MAX_CHARACTERS = 100  # of a token: what program it was made for
DAYS_MAX = 3_650  # until a token expires, for one that does
DAY_MS = 86_400_000

Scope = Literal["publish", "edit", "delete", "analytics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class PostingToken:
    """A token without its secret. `expires_ms` 0: never."""

    token_no: int
    maker_no: int
    name: str
    scopes: tuple[Scope, ...]
    created_ms: int
    expires_ms: int


class Sessions(Protocol):
    """People's own access tokens."""

    async def requester(self, token: str) -> Requester:
        """Whose token this is; raises UnknownToken."""

    def seen(self, requester: Requester, address: str) -> None:
        """The requester's device was used from an address."""


class Bearers:
    """Whoever asks: people by the tokens of their sessions, programs by posting tokens."""

    def __init__(self, sessions: Sessions, tokens: PostingTokens) -> None:
        self._sessions = sessions
        self._tokens = tokens

    async def requester(self, token: str) -> Requester:
        """Whose token this is; raises UnknownToken."""
        if token.startswith(PREFIX):
            return await self._tokens.requester(token)
        return await self._sessions.requester(token)

    def seen(self, requester: Requester, address: str) -> None:
        """The requester's device was used from an address; a program has none."""
        if not requester.account:
            self._sessions.seen(requester, address)


class PostingTokens:
    """The posting tokens of all accounts."""

    def __init__(self, database: Database, clock: Clock, server_name: str) -> None:
        self._database = database
        self._clock = clock
        self._server_name = server_name

    async def requester(self, token: str) -> Requester:
        """For whom a program acts, and where it may; raises UnknownToken."""
        row = await self._database.fetch_one(
            "SELECT t.token_no, t.scopes, t.expires_ms, u.user_no, u.localpart, a.handle FROM posting_tokens t "
            "JOIN users u ON u.user_no = t.maker_no JOIN public_accounts a ON a.account_no = t.account_no "
            "WHERE t.token_hash = ? AND u.closed_ms IS NULL",
            digest(token),
        )
        if row is None:
            raise UnknownToken("The posting token is not known, or was revoked.")
        token_no, scopes, expires_ms, user_no, localpart, handle = row
        if 0 < expires_ms <= self._clock.now_ms():
            raise UnknownToken("The posting token has expired.")
        user_id = f"@{localpart}:{self._server_name}"
        # Each token is a device of its own, so that the transaction ids of two programs do not meet.
        return Requester(user_id, user_no, f"posting {token_no}", account=handle, scopes=frozenset(scopes.split()))

    async def make(
        self, account: Account, maker_no: int, name: str, scopes: Collection[str], days: int
    ) -> tuple[str, PostingToken]:
        """A new token: its secret, which nobody can read again, and what it is. `days` 0: it never expires."""
        limit(name, NAME_MAX_CHARACTERS, "A token's name")
        if not name.strip():
            raise InvalidParam("A token needs a name: the program it is for.")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise InvalidParam(f"'scopes' must be some of {', '.join(SCOPES)}.")
        if not 0 <= days <= DAYS_MAX:
            raise InvalidParam(f"'days' must be from 1 to {DAYS_MAX:,}, or 0 for a token that never expires.")
        secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            row = await tx.fetch_one("SELECT count(*) FROM posting_tokens WHERE account_no = ?", account.account_no)
            if row is not None and row[0] >= TOKENS_MAX:
                raise Forbidden(f"An account has at most {TOKENS_MAX} posting tokens; revoke one first.")
            expires_ms = now_ms + days * DAY_MS if days else 0
            made = PostingToken(tx.positions(), maker_no, name.strip(), held(scopes), now_ms, expires_ms)
            await tx.execute(
                "INSERT INTO posting_tokens (token_hash, token_no, account_no, maker_no, name, scopes, created_ms, "
                "expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                digest(secret), made.token_no, account.account_no, maker_no, made.name, " ".join(made.scopes), now_ms,
                expires_ms,
            )  # fmt: skip
        return secret, made

    async def of(self, account: Account) -> list[PostingToken]:
        """The tokens of an account, oldest first."""
        rows = await self._database.fetch(
            "SELECT token_no, maker_no, name, scopes, created_ms, expires_ms FROM posting_tokens "
            "WHERE account_no = ? ORDER BY token_no LIMIT ?",
            account.account_no, TOKENS_MAX,
        )  # fmt: skip
        return [
            PostingToken(
                row[0], row[1], row[2], tuple(each for each in SCOPES if each in row[3].split()), row[4], row[5]
            )
            for row in rows
        ]

    async def revoke(self, account: Account, token_no: int) -> None:
        """End a token at once; raises NotFound."""
        async with self._database.transaction() as tx:
            gone = await tx.execute(
                "DELETE FROM posting_tokens WHERE account_no = ? AND token_no = ?", account.account_no, token_no
            )
        if not gone:
            raise NotFound("There is no such token.")


def held(scopes: Collection[str]) -> tuple[Scope, ...]:
    """Scopes, each once, in their order."""
    return tuple(scope for scope in SCOPES if scope in scopes)


async def end_tokens(tx: Transaction, maker_no: int, account_no: int) -> None:
    """Somebody owns an account no more: what they made for it ends, and does not come back with them."""
    await tx.execute("DELETE FROM posting_tokens WHERE account_no = ? AND maker_no = ?", account_no, maker_no)
