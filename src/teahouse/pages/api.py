"""`/`, which says what to do next, and `/setup`, which makes the first administrator once."""

from __future__ import annotations

from html import escape

from teahouse.errors import Forbidden, InvalidUsername, UserInUse, WeakPassword
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.pages.answering import HTML, Answering, headers
from teahouse.pages.cache import Rendered
from teahouse.pages.frame import Head, Site, document
from teahouse.pages.list_html import almost, front
from teahouse.pages.service import Showing
from teahouse.users.accounts import Accounts

LISTED = 5  # accounts on the front page: the most followed
USED = "This link has been used, or was never one of ours. Start the server again to see whether it prints a new one."


class PagesApi:
    """Pages over HTTP."""

    def __init__(
        self, accounts: Accounts, answering: Answering, showing: Showing, server_name: str, registration: str
    ) -> None:
        self._accounts = accounts
        self._answering = answering
        self._showing = showing
        self._server_name = server_name
        self._registration = registration

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/", self.front, Auth.NONE),
            Route("GET", "/setup", self.show_setup, Auth.NONE, limit="register"),
            Route("POST", "/setup", self.submit_setup, Auth.NONE, limit="register", body_max_bytes=FORM_MAX_BYTES),
        ]

    async def front(self, request: Request) -> Response:
        here = self._answering.site(request, "/")
        if not await self._accounts.has_admin():  # not for long: nobody is to keep it
            head = Head(here.words.text("front_almost"), indexed=False)
            return Response(200, document(here, head, almost(here)), HTML, headers(HTML, 0))

        async def make(site: Site) -> Rendered:
            found = await self._showing.directory("", "", "")
            head = Head(site.words.text("front_welcome", server=self._server_name), site.words.text("front_about"))
            address = self._answering.base(request)
            inside = front(site, address, self._registration, found.accounts[:LISTED], self._accounts.now_ms())
            return Rendered(200, HTML, document(site, head, inside), found.accounts[:LISTED], every=True)

        return await self._answering.page(request, here, make)

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
        address = escape(self._answering.base(request))
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


def spent() -> Response:
    """The page behind a link that was used."""
    return page("This link does not open anything", f"<p>{USED}</p>", status=404)
