"""A page to sign in on, for clients that know none of the logins here.

Source: Client-Server API, "Login Fallback".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from markupsafe import Markup

from teahouse.errors import Forbidden, InvalidParam, UserDeactivated, WrongPassword
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.words import Words, spoken
from teahouse.users.accounts import Accounts
from teahouse.users.sessions import check_device
from teahouse.users.types import Account, NewDevice

PAGE = "/_matrix/static/client/login/"
PACKAGE = "teahouse.users"
FORWARDED = ("device_id", "initial_device_display_name", "refresh_token")  # of a login, as the page's own parameters
SCRIPT = "if (window.matrixLogin && window.matrixLogin.onLogin) {{ window.matrixLogin.onLogin({}); }}"

SignIn = Callable[[Account, NewDevice], Awaitable[Mapping[str, Any]]]


class LoginPageApi:
    """The page over HTTP."""

    def __init__(self, accounts: Accounts, sign_in: SignIn) -> None:
        """`sign_in` begins a session and gives what the login endpoint would answer."""
        self._accounts = accounts
        self._sign_in = sign_in

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", PAGE, self.show, Auth.NONE, limit="login"),
            Route("POST", PAGE, self.submit, Auth.NONE, limit="login", body_max_bytes=FORM_MAX_BYTES),
        ]

    async def show(self, request: Request) -> Response:
        given = {name: codec.parameter(request, name) or "" for name in FORWARDED}
        return asked(spoken(PACKAGE, request), given, "")

    async def submit(self, request: Request) -> Response:
        fields, words = form(request), spoken(PACKAGE, request)
        given = {name: fields.get(name, "") for name in FORWARDED}
        name = given["initial_device_display_name"] or None
        device = NewDevice(given["device_id"] or None, name, given["refresh_token"] == "true")
        try:
            check_device(device)
            account = await self._accounts.login_by_password(
                fields.get("user", ""), fields.get("password", ""), request.client_ip
            )
            reply = await self._sign_in(account, device)
        except (Forbidden, InvalidParam, UserDeactivated, WrongPassword) as refusal:
            return asked(words, given, refusal.message)
        told = codec.encode(reply).decode().replace("<", "\\u003c")  # nothing in it ends the script
        inside = Markup("<p>{}</p>").format(words.text("done"))
        return page(words.text("done_heading"), inside, language=words.language, script=SCRIPT.format(told))


def asked(words: Words, given: Mapping[str, str], failure: str) -> Response:
    """The form; what the client gave comes back with it."""
    alert = Markup('<p role="alert">{}</p>').format(failure) if failure else ""
    hidden = Markup("").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value) for name, value in given.items()
    )
    inside = Markup(
        '{}<form method="post">{}<label for="user">{}</label><input id="user" name="user" autocomplete="username" '
        'autocapitalize="none" required autofocus><label for="password">{}</label><input id="password" '
        'name="password" type="password" autocomplete="current-password" required><button>{}</button></form>'
    ).format(alert, hidden, words.text("user"), words.text("password_heading"), words.text("continue"))
    return page(words.text("login_heading"), inside, language=words.language)
