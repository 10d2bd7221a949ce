"""`/`, which says what to do next, and `/setup`, which makes the first administrator once."""

from __future__ import annotations

from markupsafe import Markup

from teahouse.errors import Forbidden, InvalidUsername, UserInUse, WeakPassword
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.words import Words, spoken
from teahouse.pages.answering import HTML, PACKAGE, Answering, headers
from teahouse.pages.cache import Rendered
from teahouse.pages.frame import Head, Site, document
from teahouse.pages.list_html import almost, front
from teahouse.pages.service import Showing
from teahouse.users.accounts import Accounts

LISTED = 5  # accounts on the front page: the most followed


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
        words = spoken(PACKAGE, request)
        return setup_form(words, token, "", "") if await self._makes_admin(token) else spent(words)

    async def submit_setup(self, request: Request) -> Response:
        fields, words = form(request), spoken(PACKAGE, request)
        token, name = fields.get("token", ""), fields.get("name", "").strip().lower()
        if not await self._makes_admin(token):
            return spent(words)
        if fields.get("password", "") != fields.get("again", ""):
            return setup_form(words, token, name, words.text("setup_differ"))
        try:
            account = await self._accounts.register(name, fields.get("password", ""), token=token)
        except (InvalidUsername, UserInUse, WeakPassword, Forbidden) as refusal:
            return setup_form(words, token, name, refusal.message)
        user_id = self._accounts.directory.full_id(account.localpart)
        return settled(words, user_id, self._answering.base(request))

    async def _makes_admin(self, token: str) -> bool:
        known = await self._accounts.token(token)
        return known is not None and known.makes_admin and known.valid(self._accounts.now_ms())


def setup_form(words: Words, token: str, name: str, failure: str) -> Response:
    """The form that makes the first administrator."""
    alert = Markup('<p role="alert">{}</p>').format(failure) if failure else ""
    inside = Markup(
        '{}<form method="post" action="/setup" class="card">'
        '<input type="hidden" name="token" value="{}">'
        '<label for="name">{}</label><input id="name" name="name" value="{}" '
        'autocomplete="username" autocapitalize="none" required autofocus>'
        '<label for="password">{}</label><input id="password" name="password" type="password" '
        'autocomplete="new-password" required>'
        '<label for="again">{}</label><input id="again" name="again" type="password" '
        'autocomplete="new-password" required><button>{}</button></form>'
    ).format(
        alert, token, words.text("setup_name"), name, words.text("setup_password"), words.text("setup_again"),
        words.text("setup_button"),
    )  # fmt: skip
    return page(words.text("setup_heading"), inside, 400 if failure else 200, language=words.language)


def settled(words: Words, user_id: str, address: str) -> Response:
    """The page for the first administrator, with what to do next."""
    code = Markup("<code>{}</code>")
    inside = Markup('<p>{}</p><div class="card"><h2>{}</h2><ol><li>{}</li><li>{}</li><li>{}</li></ol></div>').format(
        words.html("setup_done", user=code.format(user_id)), words.text("setup_next"),
        words.html("setup_next_sign_in", address=Markup('<code class="address">{}</code>').format(address)),
        words.html("setup_next_invite", command=code.format("teahouse token create")),
        words.html("setup_next_backup", command=code.format("teahouse backup FOLDER")),
    )  # fmt: skip
    return page(words.text("setup_done_heading"), inside, language=words.language)


def spent(words: Words) -> Response:
    """The page behind a link that was used."""
    inside = Markup("<p>{}</p>").format(words.text("setup_spent"))
    return page(words.text("setup_spent_heading"), inside, 404, language=words.language)
