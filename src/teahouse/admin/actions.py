"""What the operator can have done, against the running server or directly on its data."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from teahouse import __version__
from teahouse.admin.backup import backup
from teahouse.admin.demo import settle
from teahouse.admin.verify import verify
from teahouse.app import App
from teahouse.errors import InvalidParam

LISTED_MAX = 10_000  # accounts in one list

Request = Mapping[str, Any]


async def perform(app: App, request: Request) -> dict[str, Any]:
    """Do what a request names; its answer as JSON."""
    action = ACTIONS.get(str(request.get("command")))
    if action is None:
        raise InvalidParam("There is no such command.")
    return await action(app, request)


async def add_user(app: App, request: Request) -> dict[str, Any]:
    """Make an account."""
    account = await app.accounts.register(request["name"], request["password"], admin=bool(request.get("admin")))
    return {"user_id": app.people.full_id(account.localpart)}


async def set_password(app: App, request: Request) -> dict[str, Any]:
    """Give an account a new password; it is signed out everywhere."""
    account = await app.accounts.find(request["name"])
    await app.accounts.change_password(account.user_no, request["password"], None, logout=True)
    return {"user_id": app.people.full_id(account.localpart)}


async def deactivate_user(app: App, request: Request) -> dict[str, Any]:
    """Close an account for a reason, which its owner is told."""
    reason = str(request.get("reason", "")).strip()
    if not reason:
        raise InvalidParam("Closing an account needs a reason: its owner is told.")
    account = await app.accounts.find(request["name"])
    await app.accounts.close(account.user_no, reason, actor=f"operator {getpass.getuser()}")
    return {"user_id": app.people.full_id(account.localpart)}


async def list_users(app: App, request: Request) -> dict[str, Any]:
    """Every account."""
    page = await app.accounts.page("", LISTED_MAX)
    return {
        "users": [
            {
                "user_id": app.people.full_id(account.localpart),
                "admin": account.admin,
                "created_ms": account.created_ms,
                "closed_ms": account.closed_ms,
                "closed_reason": account.closed_reason,
            }
            for account in page
        ]
    }


async def create_token(app: App, request: Request) -> dict[str, Any]:
    """Make a registration token."""
    days = request.get("days")
    expires_ms = None if days is None else app.clock.now_ms() + int(days) * 86_400_000
    token = await app.accounts.make_token(request.get("token"), request.get("uses"), expires_ms)
    return {"token": token.token}


async def list_tokens(app: App, request: Request) -> dict[str, Any]:
    """Every registration token."""
    return {
        "tokens": [
            {
                "token": token.token,
                "uses_allowed": token.uses_allowed,
                "uses": token.uses,
                "expires_ms": token.expires_ms,
                "makes_admin": token.makes_admin,
                "valid": token.valid(app.clock.now_ms()),
            }
            for token in await app.accounts.tokens()
        ]
    }


async def status(app: App, request: Request) -> dict[str, Any]:
    """What the server is and how it keeps its data."""
    users = await app.database.fetch_one("SELECT count(*) FROM users")
    rooms = await app.database.fetch_one("SELECT count(*) FROM rooms")
    return {
        "version": __version__,
        "server_name": app.config.server_name,
        "epoch": app.database.epoch,
        "head": app.database.head,
        "users": users[0] if users else 0,
        "rooms": rooms[0] if rooms else 0,
        "waiting": len(app.waiters),
        "durability": await app.database.durability(),
    }


async def reread(app: App, request: Request) -> dict[str, Any]:
    """Reread and prove the stored data."""
    return await verify(app)


async def make_backup(app: App, request: Request) -> dict[str, Any]:
    """Copy everything into a new folder."""
    config_file = request.get("config_file")
    return await backup(app, Path(request["target"]), None if config_file is None else Path(config_file))


async def load_followers(app: App, request: Request) -> dict[str, Any]:
    """Let many users follow an account: those of a list, or made-up ones."""
    synthetic, handle = request.get("synthetic"), str(request["handle"]).removeprefix("@")
    if synthetic is not None:
        loaded = await app.loading.synthetic(handle, int(synthetic))
    else:
        loaded = await app.loading.listed(handle, Path(request["file"]))
    return asdict(loaded)


ACTIONS: Mapping[str, Callable[[App, Request], Awaitable[dict[str, Any]]]] = {
    "user add": add_user,
    "user password": set_password,
    "user deactivate": deactivate_user,
    "user list": list_users,
    "token create": create_token,
    "token list": list_tokens,
    "status": status,
    "verify": reread,
    "backup": make_backup,
    "demo": settle,
    "accounts load-followers": load_followers,
}
