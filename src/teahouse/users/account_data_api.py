"""The endpoints of account data, tags and filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from teahouse.errors import BadJson, Forbidden, InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.matrix import identifiers
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
        user_no, room_no, data_type = own(request), self._room(request), request.path["type"]
        if room_no == 0 and data_type == PUSH_RULES:
            return codec.reply({"global": await self._push_rules(user_no)})
        content = None if room_no is None else await self._account_data.get(user_no, room_no, data_type)
        if content is None:
            raise NotFound("There is no such account data.")
        return Response(body=bytes(content))

    async def put(self, request: Request) -> Response:
        user_no = own(request)
        codec.require_body(request)
        content = codec.data_object(request)
        await self._account_data.put(user_no, self._room_here(request), request.path["type"], content)
        return codec.reply({})

    async def tags(self, request: Request) -> Response:
        user_no, room_no = own(request), self._room(request)
        return codec.reply({"tags": {} if room_no is None else await self._account_data.tags(user_no, room_no)})

    async def put_tag(self, request: Request) -> Response:
        user_no = own(request)
        value = codec.tag_object(request)
        await self._account_data.tag(user_no, self._room_here(request), request.path["tag"], value)
        return codec.reply({})

    async def delete_tag(self, request: Request) -> Response:
        await self._account_data.tag(own(request), self._room_here(request), request.path["tag"], None)
        return codec.reply({})

    async def add_filter(self, request: Request) -> Response:
        user_no = own(request)
        if not codec.json_object(request) and not request.body:
            raise BadJson("The body must be a filter.")
        return codec.reply({"filter_id": await self._account_data.add_filter(user_no, request.body)})

    async def get_filter(self, request: Request) -> Response:
        return Response(body=await self._account_data.stored_filter(own(request), request.path["filterId"]))

    def _room(self, request: Request) -> int | None:
        """The number of the room in the path, 0 for none, None for one that is not here. Raises InvalidParam."""
        room_id = request.path.get("roomId")
        return 0 if room_id is None else self._room_number(identifiers.room_id(room_id))

    def _room_here(self, request: Request) -> int:
        room_no = self._room(request)
        if room_no is None:
            raise InvalidParam("This is not the id of a room here.")
        return room_no


def own(request: Request) -> int:
    """The requester's number, when the path names the requester."""
    if request.path["userId"] != request.requester.user_id:
        raise Forbidden("You can reach only your own data.")
    return request.requester.user_no
