"""`/`, which says what to do next, and `/setup`, which makes the first administrator once."""

from __future__ import annotations

from html import escape

from teahouse.errors import Forbidden, InvalidUsername, UserInUse, WeakPassword
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.users.accounts import Accounts

JOINING = {
    "open": "Anyone may make an account.",
    "token": "To make an account you need a registration token, which whoever runs this place can give you.",
    "closed": "New accounts are made by whoever runs this place.",
}
USED = "This link has been used, or was never one of ours. Start the server again to see whether it prints a new one."


class PagesApi:
    """Pages over HTTP."""

    def __init__(self, accounts: Accounts, server_name: str, public_url: str, registration: str) -> None:
        self._accounts = accounts
        self._server_name = server_name
        self._public_url = public_url.rstrip("/")
        self._registration = registration

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/", self.front, Auth.NONE),
            Route("GET", "/setup", self.show_setup, Auth.NONE, limit="register"),
            Route("POST", "/setup", self.submit_setup, Auth.NONE, limit="register", body_max_bytes=FORM_MAX_BYTES),
        ]

    async def front(self, request: Request) -> Response:
        if not await self._accounts.has_admin():
            return page(
                "Almost open",
                "<p>This Teahouse has nobody to run it yet.</p>"
                '<div class="card"><p>Look at the terminal in which the server was started: it shows a link that '
                "makes the first administrator. It works once.</p></div>",
            )
        address = escape(self._address(request))
        name = escape(self._server_name)
        return page(
            f"Welcome to {self._server_name}",
            "<p>A place to talk: with friends, in groups, end-to-end encrypted. "
            "It speaks Matrix, so you bring the app you like.</p>"
            '<div class="card"><h2>Come in</h2><ol>'
            "<li>Get an app: <b>Element</b>, <b>FluffyChat</b> or <b>Cinny</b>, for phone or desktop.</li>"
            f"<li>Choose another server, and enter<code class='address'>{address}</code></li>"
            f"<li>{JOINING[self._registration]}</li></ol></div>"
            f'<p class="soft">Your address here will be <code>@you:{name}</code>. To talk to somebody, greet them '
            "first: invite them to a direct chat.</p>",
        )

    async def show_setup(self, request: Request) -> Response:
        token = codec.parameter(request, "token", "") or ""
        return self._setup_form(token, "", "") if await self._makes_admin(token) else spent()

    async def submit_setup(self, request: Request) -> Response:
        fields = form(request)
        token, name = fields.get("token", ""), fields.get("name", "").strip().lower()
        if not await self._makes_admin(token):
            return spent()
        if fields.get("password", "") != fields.get("again", ""):
            return self._setup_form(token, name, "The two passwords are not the same.")
        try:
            account = await self._accounts.register(name, fields.get("password", ""), token=token)
        except (InvalidUsername, UserInUse, WeakPassword, Forbidden) as refusal:
            return self._setup_form(token, name, refusal.message)
        user_id = escape(self._accounts.directory.full_id(account.localpart))
        address = escape(self._address(request))
        return page(
            "The house is yours",
            f"<p>You are <code>{user_id}</code>, the first administrator.</p>"
            '<div class="card"><h2>What next</h2><ol>'
            f"<li>Sign in with Element, FluffyChat or Cinny at<code class='address'>{address}</code></li>"
            "<li>Let others in: <code>teahouse token create</code> makes a word to register with.</li>"
            "<li>Keep what is here: <code>teahouse backup FOLDER</code>.</li></ol></div>",
        )

    def _setup_form(self, token: str, name: str, failure: str) -> Response:
        alert = f'<p role="alert">{escape(failure)}</p>' if failure else ""
        return page(
            "Make the first administrator",
            f'{alert}<form method="post" action="/setup" class="card">'
            f'<input type="hidden" name="token" value="{escape(token)}">'
            f'<label for="name">User name</label><input id="name" name="name" value="{escape(name)}" '
            'autocomplete="username" autocapitalize="none" required autofocus>'
            '<label for="password">Password</label><input id="password" name="password" type="password" '
            'autocomplete="new-password" required>'
            '<label for="again">The same again</label><input id="again" name="again" type="password" '
            'autocomplete="new-password" required><button>Open the house</button></form>',
            status=400 if failure else 200,
        )

    async def _makes_admin(self, token: str) -> bool:
        known = await self._accounts.token(token)
        return known is not None and known.makes_admin and known.valid(self._accounts.now_ms())

    def _address(self, request: Request) -> str:
        return self._public_url or f"http://{request.headers.get('host', 'localhost')}"


def spent() -> Response:
    """The page behind a link that was used."""
    return page("This link does not open anything", f"<p>{USED}</p>", status=404)
