"""The endpoints of profiles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from teahouse.db import Database
from teahouse.errors import BadJson, Forbidden, InvalidParam, MissingParam, NotFound, TooLarge
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.matrix import identifiers
from teahouse.users.directory import UserDirectory

PROFILE = "/_matrix/client/v3/profile/{userId}"
PROFILE_MAX_BYTES = 65_536  # Client-Server API, "Profiles": the whole profile
KEY_MAX_BYTES = 255  # Client-Server API, "Profiles": a field's name
TEXT_MAX_CHARACTERS = 256  # of a display name; member events carry it into every room
URL_MAX_CHARACTERS = 1_000  # of a picture's address
NAMES = ("displayname", "avatar_url")  # the fields that member events carry

ProfileChanged = Callable[[int, str, str], Awaitable[None]]


class ProfilesApi:
    """Profiles over HTTP."""

    def __init__(self, database: Database, directory: UserDirectory, changed: ProfileChanged) -> None:
        """`changed(user_no, user_id, device_id)` carries a new name or picture into the user's rooms."""
        self._database = database
        self._directory = directory
        self._changed = changed

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", PROFILE, self.profile, Auth.NONE),
            Route("GET", f"{PROFILE}/{{keyName}}", self.field, Auth.NONE),
            Route("PUT", f"{PROFILE}/{{keyName}}", self.put_field),
            Route("DELETE", f"{PROFILE}/{{keyName}}", self.delete_field),
        ]

    async def profile(self, request: Request) -> Response:
        return codec.reply(await self._directory.profile(await self._number(request)))

    async def field(self, request: Request) -> Response:
        profile = await self._directory.profile(await self._number(request))
        name = request.path["keyName"]
        if name not in profile:
            raise NotFound("The profile has no such field.")
        return codec.reply({name: profile[name]})

    async def put_field(self, request: Request) -> Response:
        name = self._own_field(request)
        body = codec.json_object(request)
        if name not in body:
            raise MissingParam(f"The body must hold '{name}'.")
        value = body[name]
        if name in NAMES:
            check_name_field(name, value)
        await self._set(request, name, value)
        return codec.reply({})

    async def delete_field(self, request: Request) -> Response:
        await self._set(request, self._own_field(request), None)
        return codec.reply({})

    async def _set(self, request: Request, name: str, value: Any) -> None:
        requester = request.requester
        profile = {**await self._directory.profile(requester.user_no), name: value}
        if len(msgspec.json.encode(profile)) > PROFILE_MAX_BYTES:
            raise TooLarge(f"A profile has at most {PROFILE_MAX_BYTES} bytes.")
        async with self._database.transaction() as tx:
            await self._directory.set_field(tx, requester.user_no, name, value)
        if name in NAMES:
            await self._changed(requester.user_no, requester.user_id, requester.device_id)

    def _own_field(self, request: Request) -> str:
        if request.path["userId"] != request.requester.user_id:
            raise Forbidden("You can change only your own profile.")
        name = request.path["keyName"]
        if not name or len(name.encode()) > KEY_MAX_BYTES:
            raise InvalidParam(f"A field's name has 1 to {KEY_MAX_BYTES} bytes.")
        return name

    async def _number(self, request: Request) -> int:
        user_id = identifiers.user_id(request.path["userId"])
        number = await self._directory.number(user_id)
        if number is None:
            raise NotFound("There is no such user.")
        return number


def check_name_field(name: str, value: Any) -> None:
    """A display name or picture address: text of bounded size, or null."""
    if value is None:
        return
    if not isinstance(value, str):
        raise BadJson(f"'{name}' must be a string.")
    limit = TEXT_MAX_CHARACTERS if name == "displayname" else URL_MAX_CHARACTERS
    if len(value) > limit:
        raise InvalidParam(f"'{name}' has at most {limit} characters.")
