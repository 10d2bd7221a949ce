"""`/_teahouse/v1/accounts/{handle}/mail`: following an account by e-mail, without an account of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.mailings.service import Mailings
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done

MAIL = f"{ACCOUNT}/mail"


class MailBody(msgspec.Struct):
    """The address that posts are to be sent to."""

    address: str


class TokenBody(msgspec.Struct):
    """The token of a link in a mail."""

    token: str


class MailReply(msgspec.Struct):
    """How many follow by e-mail; fewer than five read `<5`. `on`: whether this server sends mail at all."""

    on: bool
    followers: str


class MailingsApi:
    """Following by e-mail over HTTP."""

    def __init__(self, mailings: Mailings, accounts: Accounts) -> None:
        self._mailings = mailings
        self._accounts = accounts

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        none = Auth.NONE
        return [
            Operation(Route("POST", MAIL, self.follow_by_mail, none, "mail"),
                      "Send a link to confirm to an address; the answer is the same whether or not it follows already.",
                      Done, MailBody, refusals=(400, 403, 404, 429)),
            Operation(Route("GET", MAIL, self.count_mail), "See how many follow by e-mail (staff).", MailReply,
                      refusals=(401, 403, 404)),
            Operation(Route("POST", f"{MAIL}/confirm", self.confirm_mail, none), "Confirm an address.", Done, TokenBody,
                      refusals=(400, 404)),
            Operation(Route("POST", f"{MAIL}/leave", self.leave_mail, none), "Get no more mail.", Done, TokenBody,
                      refusals=(400, 404)),
        ]  # fmt: skip

    async def follow_by_mail(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        await self._mailings.ask(account, codec.body(request, MailBody).address)
        return codec.reply(Done())

    async def count_mail(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "analyst")
        return codec.reply(MailReply(self._mailings.on, await self._mailings.followers(account)))

    async def confirm_mail(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        await self._mailings.confirm(account, codec.body(request, TokenBody).token)
        return codec.reply(Done())

    async def leave_mail(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        await self._mailings.leave(account, codec.body(request, TokenBody).token)
        return codec.reply(Done())
