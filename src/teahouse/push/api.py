"""The endpoints of push rules."""

from __future__ import annotations

from typing import Any

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.matrix import push_rules
from teahouse.push.service import PushRules

RULES = "/_matrix/client/v3/pushrules"
RULE = f"{RULES}/global/{{kind}}/{{ruleId}}"


class EnabledBody(msgspec.Struct):
    """The body that switches a rule."""

    enabled: bool


class ActionsBody(msgspec.Struct):
    """The body that sets a rule's actions."""

    actions: list[Any]


class PushApi:
    """Push rules over HTTP."""

    def __init__(self, rules: PushRules) -> None:
        self._rules = rules

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", f"{RULES}/", self.all_rules),
            Route("GET", f"{RULES}/global/", self.global_rules),
            Route("GET", RULE, self.get),
            Route("PUT", RULE, self.put),
            Route("DELETE", RULE, self.delete),
            Route("GET", f"{RULE}/enabled", self.get_enabled),
            Route("PUT", f"{RULE}/enabled", self.put_enabled),
            Route("GET", f"{RULE}/actions", self.get_actions),
            Route("PUT", f"{RULE}/actions", self.put_actions),
        ]

    async def all_rules(self, request: Request) -> Response:
        return codec.reply({"global": await self._rules.ruleset(request.requester.user_no)})

    async def global_rules(self, request: Request) -> Response:
        return codec.reply(await self._rules.ruleset(request.requester.user_no))

    async def get(self, request: Request) -> Response:
        return codec.reply(await self._find(request))

    async def put(self, request: Request) -> Response:
        path = request.path
        body = codec.json_object(request)
        before, after = codec.parameter(request, "before"), codec.parameter(request, "after")
        await self._rules.change(
            request.requester.user_no,
            lambda rules: push_rules.put(rules, path["kind"], path["ruleId"], body, before, after),
        )
        return codec.reply({})

    async def delete(self, request: Request) -> Response:
        path = request.path
        await self._rules.change(
            request.requester.user_no, lambda rules: push_rules.delete(rules, path["kind"], path["ruleId"])
        )
        return codec.reply({})

    async def get_enabled(self, request: Request) -> Response:
        return codec.reply({"enabled": (await self._find(request)).get("enabled", True)})

    async def put_enabled(self, request: Request) -> Response:
        await self._set(request, "enabled", codec.body(request, EnabledBody).enabled)
        return codec.reply({})

    async def get_actions(self, request: Request) -> Response:
        return codec.reply({"actions": (await self._find(request))["actions"]})

    async def put_actions(self, request: Request) -> Response:
        await self._set(request, "actions", push_rules.check_actions(codec.body(request, ActionsBody).actions))
        return codec.reply({})

    async def _find(self, request: Request) -> push_rules.Rule:
        rules = await self._rules.ruleset(request.requester.user_no)
        return push_rules.find(rules, request.path["kind"], request.path["ruleId"])

    async def _set(self, request: Request, key: str, value: Any) -> None:
        path = request.path

        def change(rules: push_rules.Ruleset) -> None:
            push_rules.find(rules, path["kind"], path["ruleId"])[key] = value

        await self._rules.change(request.requester.user_no, change)
