"""What an account's staff keep for its side chats, over HTTP: canned answers, keyword rules, and the welcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.types import Account
from teahouse.sidechats.rules import Rules
from teahouse.sidechats.types import CANNED_MAX, RULES_MAX
from teahouse.sidechats.welcome import Welcomes

CANNED = f"{ACCOUNT}/canned_answers"
RULES = f"{ACCOUNT}/chat_rules"
WELCOME = f"{ACCOUNT}/welcome"


class CannedBody(msgspec.Struct):
    """An answer to use again, and the name staff find it by."""

    name: str
    answer: str


class CannedReply(msgspec.Struct):
    """The same as it is kept."""

    canned_id: str
    name: str
    answer: str


class CannedListReply(msgspec.Struct):
    """Every canned answer, oldest first."""

    canned_answers: list[CannedReply]


class RuleBody(msgspec.Struct):
    """Words that are answered without anybody's doing; `match` word: standing alone, contains: anywhere."""

    keywords: list[str]
    reply: str
    match: Literal["word", "contains"] = "word"


class RuleReply(msgspec.Struct):
    """The same as it is kept; keywords without capitals."""

    rule_id: str
    keywords: list[str]
    reply: str
    match: Literal["word", "contains"]


class RulesReply(msgspec.Struct):
    """Every rule, in the order they are tried: the first that matches answers."""

    rules: list[RuleReply]


class KeptReply(msgspec.Struct):
    """The id of what was kept."""

    id: str


class WelcomeBody(msgspec.Struct):
    """What welcomes who comes into the channel."""

    text: str


class WelcomeReply(msgspec.Struct):
    """The number of the pinned post."""

    number: int


class ChatSettingsApi:
    """Settings of side chats over HTTP; all of them for editors."""

    def __init__(self, accounts: Accounts, rules: Rules, welcomes: Welcomes) -> None:
        self._accounts = accounts
        self._rules = rules
        self._welcomes = welcomes

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        reads, refused = (401, 403, 404), (400, 401, 403, 404, 413)
        canned, rule = f"{CANNED}/{{cannedId}}", f"{RULES}/{{ruleId}}"
        return [
            Operation(Route("GET", CANNED, self.list_canned_answers), "List canned answers (editors).",
                      CannedListReply, refusals=reads),
            Operation(Route("POST", CANNED, self.add_canned_answer),
                      f"Keep a canned answer, of at most {CANNED_MAX} (editors).", KeptReply, CannedBody,
                      refusals=refused),
            Operation(Route("PUT", canned, self.change_canned_answer), "Change a canned answer (editors).", KeptReply,
                      CannedBody, refusals=refused),
            Operation(Route("DELETE", canned, self.delete_canned_answer), "Drop a canned answer (editors).", Done,
                      refusals=reads),
            Operation(Route("GET", RULES, self.list_chat_rules), "List keyword rules (editors).", RulesReply,
                      refusals=reads),
            Operation(Route("POST", RULES, self.add_chat_rule),
                      f"Keep a keyword rule, of at most {RULES_MAX} (editors).", KeptReply, RuleBody,
                      refusals=refused),
            Operation(Route("PUT", rule, self.change_chat_rule), "Change a keyword rule (editors).", KeptReply,
                      RuleBody, refusals=refused),
            Operation(Route("DELETE", rule, self.delete_chat_rule), "Drop a keyword rule (editors).", Done,
                      refusals=reads),
            Operation(Route("PUT", WELCOME, self.set_welcome, limit="send"),
                      "Welcome who comes into the channel, with a pinned post (editors).", WelcomeReply, WelcomeBody,
                      refusals=refused),
            Operation(Route("DELETE", WELCOME, self.remove_welcome, limit="send"), "Welcome no more (editors).", Done,
                      refusals=reads),
        ]  # fmt: skip

    async def list_canned_answers(self, request: Request) -> Response:
        kept = await self._rules.canned((await self._account(request)).account_no)
        return codec.reply(CannedListReply([CannedReply(str(each.canned_no), each.name, each.answer) for each in kept]))

    async def add_canned_answer(self, request: Request) -> Response:
        return await self._put_canned(request, 0)

    async def change_canned_answer(self, request: Request) -> Response:
        return await self._put_canned(request, codec.path_id(request, "cannedId"))

    async def delete_canned_answer(self, request: Request) -> Response:
        account = await self._account(request)
        await self._rules.delete_canned(account.account_no, codec.path_id(request, "cannedId"))
        return codec.reply(Done())

    async def list_chat_rules(self, request: Request) -> Response:
        kept = await self._rules.of((await self._account(request)).account_no)
        return codec.reply(
            RulesReply(
                [
                    RuleReply(str(each.rule_no), list(each.keywords), each.reply, "word" if each.whole else "contains")
                    for each in kept
                ]
            )
        )

    async def add_chat_rule(self, request: Request) -> Response:
        return await self._put_rule(request, 0)

    async def change_chat_rule(self, request: Request) -> Response:
        return await self._put_rule(request, codec.path_id(request, "ruleId"))

    async def delete_chat_rule(self, request: Request) -> Response:
        account = await self._account(request)
        await self._rules.delete(account.account_no, codec.path_id(request, "ruleId"))
        return codec.reply(Done())

    async def set_welcome(self, request: Request) -> Response:
        account = await self._account(request)
        text = codec.body(request, WelcomeBody).text
        post = await self._welcomes.put(account, request.requester.user_no, text)
        return codec.reply(WelcomeReply(post.number))

    async def remove_welcome(self, request: Request) -> Response:
        await self._welcomes.remove(await self._account(request))
        return codec.reply(Done())

    async def _put_canned(self, request: Request, canned_no: int) -> Response:
        account = await self._account(request)
        body = codec.body(request, CannedBody)
        kept = await self._rules.put_canned(account.account_no, canned_no, body.name, body.answer)
        return codec.reply(KeptReply(str(kept)))

    async def _put_rule(self, request: Request, rule_no: int) -> Response:
        account = await self._account(request)
        body = codec.body(request, RuleBody)
        whole = body.match == "word"
        kept = await self._rules.put(account.account_no, rule_no, body.keywords, body.reply, whole=whole)
        return codec.reply(KeptReply(str(kept)))

    async def _account(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return account
