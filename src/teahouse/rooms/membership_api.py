"""The endpoints of making rooms, and of coming and going."""

from __future__ import annotations

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.rooms.api import ROOM, reader_of
from teahouse.rooms.creation import CreateRoom, Creation
from teahouse.rooms.directory import Directory
from teahouse.rooms.membership import Membership
from teahouse.rooms.readership import Readerships

CLIENT = "/_matrix/client/v3"
# What the body of a join does not bring into the member event: what is said elsewhere, and what the server says.
NOT_OF_A_JOIN = (
    "reason", "third_party_signed", "membership", "displayname", "avatar_url", "is_direct", "third_party_invite",
    "join_authorised_via_users_server",
)  # fmt: skip


class ReasonBody(msgspec.Struct):
    """A body that may give a reason."""

    reason: str | None = None


class TargetBody(msgspec.Struct):
    """A body that names a user."""

    user_id: str
    reason: str | None = None


class UpgradeBody(msgspec.Struct):
    """The body of an upgrade."""

    new_version: str
    additional_creators: list[str] = []


class MembershipApi:
    """Create, join, invite, knock, leave, kick, ban, unban, forget, upgrade."""

    def __init__(
        self, creation: Creation, membership: Membership, directory: Directory, readership: Readerships
    ) -> None:
        self._creation = creation
        self._membership = membership
        self._directory = directory
        self._readership = readership

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("POST", f"{CLIENT}/createRoom", self.create, limit="create"),
            Route("POST", f"{ROOM}/upgrade", self.upgrade, limit="create"),
            Route("POST", f"{CLIENT}/join/{{roomIdOrAlias}}", self.join, limit="join"),
            Route("POST", f"{ROOM}/join", self.join, limit="join"),
            Route("POST", f"{CLIENT}/knock/{{roomIdOrAlias}}", self.knock, limit="join"),
            Route("POST", f"{ROOM}/invite", self.invite, limit="invite"),
            Route("POST", f"{ROOM}/leave", self.leave, limit="join"),
            Route("POST", f"{ROOM}/forget", self.forget),
            Route("POST", f"{ROOM}/kick", self.kick),
            Route("POST", f"{ROOM}/ban", self.ban),
            Route("POST", f"{ROOM}/unban", self.unban),
            Route("GET", f"{CLIENT}/joined_rooms", self.joined_rooms),
        ]

    async def create(self, request: Request) -> Response:
        codec.json_object(request)
        room_id = await self._creation.create(reader_of(request), codec.body(request, CreateRoom))
        return codec.reply({"room_id": room_id})

    async def upgrade(self, request: Request) -> Response:
        body = codec.body(request, UpgradeBody)
        room_id = await self._creation.upgrade(
            reader_of(request), request.path["roomId"], body.new_version, body.additional_creators
        )
        return codec.reply({"replacement_room": room_id})

    async def join(self, request: Request) -> Response:
        body = codec.body(request, ReasonBody)
        extra = {key: value for key, value in codec.json_object(request).items() if key not in NOT_OF_A_JOIN}
        path = request.path
        named = path["roomIdOrAlias"] if "roomIdOrAlias" in path else path["roomId"]
        room_id = await self._directory.resolve(named)
        return codec.reply({"room_id": await self._membership.join(reader_of(request), room_id, body.reason, extra)})

    async def knock(self, request: Request) -> Response:
        body = codec.body(request, ReasonBody)
        room_id = await self._directory.resolve(request.path["roomIdOrAlias"])
        return codec.reply({"room_id": await self._membership.knock(reader_of(request), room_id, body.reason)})

    async def invite(self, request: Request) -> Response:
        body = codec.body(request, TargetBody)
        await self._membership.invite(reader_of(request), request.path["roomId"], body.user_id, body.reason)
        return codec.reply({})

    async def leave(self, request: Request) -> Response:
        body = codec.body(request, ReasonBody)
        await self._membership.leave(reader_of(request), request.path["roomId"], body.reason)
        return codec.reply({})

    async def forget(self, request: Request) -> Response:
        await self._membership.forget(reader_of(request), request.path["roomId"])
        return codec.reply({})

    async def kick(self, request: Request) -> Response:
        body = codec.body(request, TargetBody)
        await self._membership.kick(reader_of(request), request.path["roomId"], body.user_id, body.reason)
        return codec.reply({})

    async def ban(self, request: Request) -> Response:
        body = codec.body(request, TargetBody)
        await self._membership.ban(reader_of(request), request.path["roomId"], body.user_id, body.reason)
        return codec.reply({})

    async def unban(self, request: Request) -> Response:
        body = codec.body(request, TargetBody)
        await self._membership.unban(reader_of(request), request.path["roomId"], body.user_id, body.reason)
        return codec.reply({})

    async def joined_rooms(self, request: Request) -> Response:
        reader = reader_of(request)
        places = await self._readership.places(reader)
        rooms = [place.room_no for place in places.values() if place.membership == "join"]
        return codec.reply({"joined_rooms": [await self._directory.room_id(room_no) for room_no in rooms]})
