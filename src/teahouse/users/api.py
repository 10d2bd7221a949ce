"""The endpoints of registering, logging in and out, devices, and the account itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from teahouse.errors import Forbidden, InvalidParam, LoginNotOffered, MissingParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.users import store
from teahouse.users.accounts import Accounts, named_user
from teahouse.users.login_page_api import LoginPageApi
from teahouse.users.sessions import DEVICES_MAX, check_device, check_name
from teahouse.users.stages import PASSWORD, Stages
from teahouse.users.types import Account, Device, NewDevice, Session

CLIENT = "/_matrix/client/v3"
CLIENT_V1 = "/_matrix/client/v1"
DEVICE = f"{CLIENT}/devices/{{deviceId}}"


class DeviceFields(msgspec.Struct):
    """What the bodies of a registration and of a login say of the device."""

    device_id: str | None = None
    initial_device_display_name: str | None = None
    refresh_token: bool | None = None  # some clients send null for what they do not say

    def device(self) -> NewDevice:
        """The device; raises InvalidParam for one that cannot be."""
        device = NewDevice(self.device_id, self.initial_device_display_name, bool(self.refresh_token))
        check_device(device)
        return device


class RegisterBody(DeviceFields, kw_only=True):
    """The body of a registration."""

    username: str | None = None
    password: str | None = None
    inhibit_login: bool | None = None


class LoginBody(DeviceFields, kw_only=True):
    """The body of a login; who logs in is read by `named_user`."""

    type: str
    password: str | None = None
    token: str | None = None


class RefreshBody(msgspec.Struct):
    """The body of a refresh."""

    refresh_token: str


class DeviceBody(msgspec.Struct):
    """The body of renaming a device."""

    display_name: str | None = None


class DeactivateBody(msgspec.Struct):
    """The body of closing one's account."""

    erase: bool = False


class DevicesBody(msgspec.Struct):
    """The body of deleting devices."""

    devices: list[str]


class PasswordBody(msgspec.Struct):
    """The body of a password change."""

    new_password: str
    logout_devices: bool = True


class UsersApi:
    """Accounts over HTTP."""

    def __init__(self, accounts: Accounts, stages: Stages, public_url: str) -> None:
        self._accounts = accounts
        self._stages = stages
        self._public_url = public_url

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", f"{CLIENT}/register/available", self.available, Auth.NONE, limit="register"),
            Route("POST", f"{CLIENT}/register", self.register, Auth.NONE, limit="register"),
            Route("GET", f"{CLIENT_V1}/register/m.login.registration_token/validity", self.token_validity, Auth.NONE,
                  limit="register"),
            Route("GET", f"{CLIENT}/login", self.login_flows, Auth.NONE),
            Route("POST", f"{CLIENT}/login", self.login, Auth.NONE, limit="login"),
            Route("POST", f"{CLIENT_V1}/login/get_token", self.login_token, limit="login"),
            Route("POST", f"{CLIENT}/refresh", self.refresh, Auth.NONE, limit="login"),
            Route("POST", f"{CLIENT}/logout", self.logout),
            Route("POST", f"{CLIENT}/logout/all", self.logout_all),
            Route("GET", f"{CLIENT}/account/whoami", self.whoami),
            Route("POST", f"{CLIENT}/account/password", self.change_password, limit="login"),
            Route("POST", f"{CLIENT}/account/deactivate", self.deactivate, limit="login"),
            Route("GET", f"{CLIENT}/devices", self.devices),
            Route("GET", DEVICE, self.device),
            Route("PUT", DEVICE, self.rename_device),
            Route("DELETE", DEVICE, self.delete_device),
            Route("POST", f"{CLIENT}/delete_devices", self.delete_devices),
            *LoginPageApi(self._accounts, self.sign_in).routes(),
        ]  # fmt: skip

    async def available(self, request: Request) -> Response:
        await self._accounts.check_available(codec.required(request, "username").lower())
        return codec.reply({"available": True})

    async def register(self, request: Request) -> Response:
        if codec.parameter(request, "kind", "user") != "user":
            raise Forbidden("There are no guest accounts here.")
        self._stages.check_open()
        raw = codec.json_object(request)
        body = codec.body(request, RegisterBody)
        device = body.device()
        if body.username is not None:
            body.username = body.username.lower()  # who types capitals gets the name they meant
            await self._accounts.check_available(body.username)
        if body.password is not None:
            self._accounts.passwords.check_policy(body.password)
        token = await self._stages.register(request, raw)
        if body.inhibit_login:
            account = await self._accounts.register(body.username, body.password, token=token)
            return codec.reply({"user_id": self._accounts.directory.full_id(account.localpart)})
        return codec.reply(session_reply(await self._accounts.register_on(device, body.username, body.password, token)))

    async def token_validity(self, request: Request) -> Response:
        word = codec.required(request, "token")
        self._stages.check_open()
        return codec.reply({"valid": await self._stages.token_valid(word)})

    async def login_flows(self, request: Request) -> Response:
        return codec.reply({"flows": [{"type": PASSWORD}, {"type": "m.login.token", "get_login_token": True}]})

    async def login(self, request: Request) -> Response:
        raw = codec.json_object(request)
        body = codec.body(request, LoginBody)
        device = body.device()
        if body.type == PASSWORD:
            user = named_user(raw)
            if user is None or body.password is None:
                raise MissingParam("A login by password needs 'identifier' and 'password'.")
            account = await self._accounts.login_by_password(user, body.password, request.client_ip)
        elif body.type == "m.login.token":
            if body.token is None:
                raise MissingParam("A login by token needs 'token'.")
            account = await self._accounts.login_by_token(body.token)
        else:
            raise LoginNotOffered(f"There is no login of type {body.type} here.")
        return codec.reply(await self.sign_in(account, device))

    async def sign_in(self, account: Account, device: NewDevice) -> dict[str, Any]:
        """Begin a session; what a client is told of it."""
        reply = session_reply(await self._accounts.sessions.login(account, device))
        if self._public_url:
            reply["well_known"] = {"m.homeserver": {"base_url": self._public_url}}
        return reply

    async def login_token(self, request: Request) -> Response:
        await self.confirm(request, codec.json_object(request))
        token, life_ms = await self._accounts.sessions.login_token(request.requester.user_no)
        return codec.reply({"login_token": token, "expires_in_ms": life_ms})

    async def refresh(self, request: Request) -> Response:
        session = await self._accounts.sessions.refresh(codec.body(request, RefreshBody).refresh_token)
        reply = session_reply(session)
        return codec.reply({key: reply[key] for key in ("access_token", "refresh_token", "expires_in_ms")})

    async def logout(self, request: Request) -> Response:
        await self._accounts.sessions.logout(request.requester)
        return codec.reply({})

    async def logout_all(self, request: Request) -> Response:
        await self._accounts.sessions.logout_all(request.requester.user_no)
        return codec.reply({})

    async def whoami(self, request: Request) -> Response:
        requester = request.requester
        return codec.reply({"user_id": requester.user_id, "device_id": requester.device_id, "is_guest": False})

    async def change_password(self, request: Request) -> Response:
        raw = codec.json_object(request)
        body = codec.body(request, PasswordBody)
        self._accounts.passwords.check_policy(body.new_password)
        await self.confirm(request, raw)
        requester = request.requester
        await self._accounts.change_password(
            requester.user_no, body.new_password, requester.device_id, logout=body.logout_devices
        )
        return codec.reply({})

    async def deactivate(self, request: Request) -> Response:
        raw = codec.json_object(request)
        body = codec.body(request, DeactivateBody)
        await self.confirm(request, raw)
        await self._accounts.close(request.requester.user_no, erase=body.erase)
        return codec.reply({"id_server_unbind_result": "success"})

    async def devices(self, request: Request) -> Response:
        rows = await store.devices(self._accounts.sessions.database, request.requester.user_no)
        return codec.reply({"devices": [device_reply(row) for row in rows]})

    async def device(self, request: Request) -> Response:
        return codec.reply(device_reply(await self._device(request)))

    async def rename_device(self, request: Request) -> Response:
        body = codec.body(request, DeviceBody)
        check_name(body.display_name)
        device = await self._device(request)
        if body.display_name is not None:
            await self._accounts.sessions.rename(request.requester.user_no, device.device_id, body.display_name)
        return codec.reply({})

    async def delete_device(self, request: Request) -> Response:
        await self.confirm(request, codec.json_object(request))
        await self._accounts.sessions.delete(request.requester.user_no, [request.path["deviceId"]])
        return codec.reply({})

    async def delete_devices(self, request: Request) -> Response:
        raw = codec.json_object(request)
        body = codec.body(request, DevicesBody)
        if len(body.devices) > DEVICES_MAX:
            raise InvalidParam(f"An account has at most {DEVICES_MAX} devices.")
        await self.confirm(request, raw)
        await self._accounts.sessions.delete(request.requester.user_no, body.devices)
        return codec.reply({})

    async def _device(self, request: Request) -> Device:
        found = await store.device(
            self._accounts.sessions.database, request.requester.user_no, request.path["deviceId"]
        )
        if found is None:
            raise NotFound("You have no such device.")
        return found

    async def confirm(self, request: Request, body: Mapping[str, Any]) -> None:
        """Ask for the requester's password."""
        await self._stages.confirm(request, body)


def session_reply(session: Session) -> dict[str, Any]:
    """A session as clients get it."""
    reply: dict[str, Any] = {
        "user_id": session.user_id,
        "access_token": session.access_token,
        "device_id": session.device_id,
        "home_server": session.user_id.partition(":")[2],
    }
    if session.refresh_token is not None:
        reply |= {"refresh_token": session.refresh_token, "expires_in_ms": session.expires_in_ms}
    return reply


def device_reply(device: Device) -> dict[str, Any]:
    """A device as its owner sees it."""
    reply: dict[str, Any] = {"device_id": device.device_id}
    optional = {"display_name": device.display_name, "last_seen_ip": device.seen_ip, "last_seen_ts": device.seen_ms}
    return reply | {key: value for key, value in optional.items() if value is not None}
