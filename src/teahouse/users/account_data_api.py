"""The endpoints of account data, tags and filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from teahouse.errors import BadJson, Forbidden, InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.users.account_data import PUSH_RULES, AccountData

USER = "/_matrix/client/v3/user/{userId}"
ROOM = f"{USER}/rooms/{{roomId}}"

RoomNumber = Callable[[str], int | None]
PushRulesOf = Callable[[int], Awaitable[Mapping[str, Any]]]


class AccountDataApi:
    """What clients keep with us, over HTTP."""

    def __init__(self, account_data: AccountData, room_number: RoomNumber, push_rules: PushRulesOf) -> None:
        """`push_rules` gives the rules of a user who may never have changed one."""
        self._account_data = account_data
        self._push_rules = push_rules
        self._room_number = room_number

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", f"{USER}/account_data/{{type}}", self.get),
            Route("PUT", f"{USER}/account_data/{{type}}", self.put),
            Route("GET", f"{ROOM}/account_data/{{type}}", self.get),
            Route("PUT", f"{ROOM}/account_data/{{type}}", self.put),
            Route("GET", f"{ROOM}/tags", self.tags),
            Route("PUT", f"{ROOM}/tags/{{tag}}", self.put_tag),
            Route("DELETE", f"{ROOM}/tags/{{tag}}", self.delete_tag),
            Route("POST", f"{USER}/filter", self.add_filter),
            Route("GET", f"{USER}/filter/{{filterId}}", self.get_filter),
        ]

    async def get(self, request: Request) -> Response:
        user_no, room_no = own(request), self._room(request)
        if request.path["type"] == PUSH_RULES and not room_no:
            return codec.reply({"global": await self._push_rules(user_no)})
        content = await self._account_data.get(user_no, room_no, request.path["type"])
        if content is None:
            raise NotFound("There is no such account data.")
        return Response(body=bytes(content))

    async def put(self, request: Request) -> Response:
        user_no = own(request)
        content = codec.data_object(request)
        await self._account_data.put(user_no, self._room(request), request.path["type"], content)
        return codec.reply({})

    async def tags(self, request: Request) -> Response:
        return codec.reply({"tags": await self._account_data.tags(own(request), self._room(request))})

    async def put_tag(self, request: Request) -> Response:
        user_no = own(request)
        value = codec.tag_object(request)
        await self._account_data.tag(user_no, self._room(request), request.path["tag"], value)
        return codec.reply({})

    async def delete_tag(self, request: Request) -> Response:
        await self._account_data.tag(own(request), self._room(request), request.path["tag"], None)
        return codec.reply({})

    async def add_filter(self, request: Request) -> Response:
        user_no = own(request)
        if not codec.json_object(request) and not request.body:
            raise BadJson("The body must be a filter.")
        return codec.reply({"filter_id": await self._account_data.add_filter(user_no, request.body)})

    async def get_filter(self, request: Request) -> Response:
        return Response(body=await self._account_data.stored_filter(own(request), request.path["filterId"]))

    def _room(self, request: Request) -> int:
        room_id = request.path.get("roomId")
        if room_id is None:
            return 0
        room_no = self._room_number(room_id)
        if room_no is None:
            raise InvalidParam("This is not the id of a room here.")
        return room_no


def own(request: Request) -> int:
    """The requester's number, when the path names the requester."""
    if request.path["userId"] != request.requester.user_id:
        raise Forbidden("You can reach only your own data.")
    return request.requester.user_no
