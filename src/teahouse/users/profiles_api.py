"""The endpoints of profiles."""

from __future__ import annotations

from teahouse.errors import Forbidden, MissingParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.matrix import identifiers
from teahouse.users.profiles import Profiles

PROFILE = "/_matrix/client/v3/profile/{userId}"


class ProfilesApi:
    """Profiles over HTTP."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", PROFILE, self.profile, Auth.NONE),
            Route("GET", f"{PROFILE}/{{keyName}}", self.field, Auth.NONE),
            Route("PUT", f"{PROFILE}/{{keyName}}", self.put_field),
            Route("DELETE", f"{PROFILE}/{{keyName}}", self.delete_field),
        ]

    async def profile(self, request: Request) -> Response:
        return codec.reply(await self._profiles.of(identifiers.user_id(request.path["userId"])))

    async def field(self, request: Request) -> Response:
        profile = await self._profiles.of(identifiers.user_id(request.path["userId"]))
        name = request.path["keyName"]
        if name not in profile:
            raise NotFound("The profile has no such field.")
        return codec.reply({name: profile[name]})

    async def put_field(self, request: Request) -> Response:
        check_own(request)
        name, body = request.path["keyName"], codec.data_object(request)
        if name not in body:
            raise MissingParam(f"The body must hold '{name}'.")
        await self._profiles.put(request.requester.user_no, request.requester.device_id, name, body[name])
        return codec.reply({})

    async def delete_field(self, request: Request) -> Response:
        check_own(request)
        await self._profiles.delete(request.requester.user_no, request.requester.device_id, request.path["keyName"])
        return codec.reply({})


def check_own(request: Request) -> None:
    """Raises Forbidden when the path names somebody else."""
    if request.path["userId"] != request.requester.user_id:
        raise Forbidden("You can change only your own profile.")
