"""What a client asks before anything else: where the server is, what it speaks, what it can do."""

from __future__ import annotations

from typing import Any

from teahouse import __version__
from teahouse.errors import NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.matrix.room_versions import ROOM_VERSIONS

# Every version whose client-server endpoints answer here, or say clearly that they are switched off.
VERSIONS = [f"v1.{minor}" for minor in range(1, 17)]
UNSTABLE = {"org.matrix.msc4222": True}  # `use_state_after` under the name that clients still send


class DiscoveryApi:
    """Well-known documents, versions, capabilities."""

    def __init__(self, public_url: str, default_room_version: str, support_email: str, support_page: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._default_room_version = default_room_version
        self._support_email = support_email
        self._support_page = support_page

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/.well-known/matrix/client", self.client, Auth.NONE),
            Route("GET", "/.well-known/matrix/support", self.support, Auth.NONE),
            Route("GET", "/_matrix/client/versions", self.versions, Auth.OPTIONAL),
            Route("GET", "/_matrix/client/v3/capabilities", self.capabilities),
            Route("GET", "/_matrix/federation/v1/version", self.version, Auth.NONE),
        ]

    async def client(self, request: Request) -> Response:
        base_url = self._public_url or f"http://{request.headers.get('host', 'localhost')}"
        # Private rooms made by clients that read this are encrypted unless somebody decides otherwise.
        encryption = {"default": True}
        return codec.reply({"m.homeserver": {"base_url": base_url}, "io.element.e2ee": encryption})

    async def support(self, request: Request) -> Response:
        if not self._support_email and not self._support_page:
            raise NotFound("The operator has left no address.")
        reply: dict[str, Any] = {}
        if self._support_email:
            reply["contacts"] = [{"role": "m.role.admin", "email_address": self._support_email}]
        if self._support_page:
            reply["support_page"] = self._support_page
        return codec.reply(reply)

    async def versions(self, request: Request) -> Response:
        return codec.reply({"versions": VERSIONS, "unstable_features": UNSTABLE})

    async def capabilities(self, request: Request) -> Response:
        return codec.reply(
            {
                "capabilities": {
                    "m.room_versions": {
                        "default": self._default_room_version,
                        "available": dict.fromkeys(ROOM_VERSIONS, "stable"),
                    },
                    "m.change_password": {"enabled": True},
                    "m.set_displayname": {"enabled": True},
                    "m.set_avatar_url": {"enabled": True},
                    "m.profile_fields": {"enabled": True},
                    "m.3pid_changes": {"enabled": False},
                    "m.get_login_token": {"enabled": True},
                    "m.forget_forced_upon_leave": {"enabled": False},
                }
            }
        )

    async def version(self, request: Request) -> Response:
        return codec.reply({"server": {"name": "Teahouse", "version": __version__}})


def admin_contact(support_email: str, support_page: str, public_url: str, server_name: str) -> str:
    """Where the operator is reached, as a URI: what they left as their address, else the server's own front page."""
    mail = f"mailto:{support_email}" if support_email else ""
    return mail or support_page or public_url or f"https://{server_name}/"
