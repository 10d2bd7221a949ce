"""`/_teahouse/v1/accounts/{handle}/tokens`: letting programs post."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.tokens import DAYS_MAX, PostingToken, PostingTokens, Scope
from teahouse.public_accounts.types import Account

TOKENS = f"{ACCOUNT}/tokens"


class TokenBody(msgspec.Struct):
    """A token to be: the program it is for, what it may do, and after how many days it expires (0: never)."""

    name: str
    scopes: list[Scope]
    days: int = 0


class TokenReply(msgspec.Struct, omit_defaults=True):
    """A posting token. `token`, its secret, is there once: when it is made. `maker` is whose posts it publishes."""

    token_id: str
    name: str
    scopes: list[Scope]
    maker: str
    created_ts: int
    expires_ts: int = 0
    token: str = ""


class TokensReply(msgspec.Struct):
    """Every posting token of an account, without the secrets."""

    tokens: list[TokenReply]


class TokensApi:
    """Posting tokens over HTTP."""

    def __init__(self, accounts: Accounts, tokens: PostingTokens) -> None:
        self._accounts = accounts
        self._tokens = tokens

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        refusals = (400, 401, 403, 404)
        return [
            Operation(Route("GET", TOKENS, self.list_tokens),
                      "List the tokens by which programs post (owners).", TokensReply, refusals=(401, 403, 404)),
            Operation(Route("POST", TOKENS, self.make_token, limit="create"),
                      f"Make a token for a program, valid for up to {DAYS_MAX:,} days or for ever (owners).",
                      TokenReply, TokenBody, refusals=(*refusals, 413)),
            Operation(Route("DELETE", f"{TOKENS}/{{tokenId}}", self.revoke_token),
                      "End a token at once (owners).", Done, refusals=refusals),
        ]  # fmt: skip

    async def list_tokens(self, request: Request) -> Response:
        tokens = await self._tokens.of(await self._owned(request))
        return codec.reply(TokensReply([await self._shown(each) for each in tokens]))

    async def make_token(self, request: Request) -> Response:
        account = await self._owned(request)
        body = codec.body(request, TokenBody)
        secret, made = await self._tokens.make(account, request.requester.user_no, body.name, body.scopes, body.days)
        return codec.reply(await self._shown(made, secret))

    async def revoke_token(self, request: Request) -> Response:
        account = await self._owned(request)
        await self._tokens.revoke(account, codec.whole(request.path["tokenId"], "A token's id"))
        return codec.reply(Done())

    async def _owned(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "owner")
        return account

    async def _shown(self, token: PostingToken, secret: str = "") -> TokenReply:
        maker = await self._accounts.users.user_id(token.maker_no)
        return TokenReply(
            str(token.token_no), token.name, list(token.scopes), maker, token.created_ms, token.expires_ms, secret
        )
