"""`/mail/{handle}`: the same for people, without scripts.

Links in mails lead to pages with a button: what scanners of mail do with links changes nothing. The page to leave also
takes the POST that mail programs send by themselves (RFC 8058), whose token is in the address.
"""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup

from teahouse.errors import TeahouseError
from teahouse.http import codec
from teahouse.http.errors import response
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.words import Words, spoken
from teahouse.mailings.service import CONFIRM_HOURS, Mailings
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account

PAGE = "/mail/{handle}"
PACKAGE = "teahouse.mailings"
NOTHING = Markup("")


class MailingsPages:
    """Following by e-mail in a browser."""

    def __init__(self, mailings: Mailings, accounts: Accounts) -> None:
        self._mailings = mailings
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """The endpoints."""
        none, size = Auth.NONE, FORM_MAX_BYTES
        return [
            Route("GET", PAGE, self.show_form, none),
            Route("POST", PAGE, self.submit_form, none, "mail", size),
            Route("GET", f"{PAGE}/confirm", self.show_confirm, none),
            Route("POST", f"{PAGE}/confirm", self.submit_confirm, none, body_max_bytes=size),
            Route("GET", f"{PAGE}/leave", self.show_leave, none),
            Route("POST", f"{PAGE}/leave", self.submit_leave, none, body_max_bytes=size),
        ]

    async def show_form(self, request: Request) -> Response:
        account, words = await self._asked(request)
        if account is None:
            return nobody(words)
        try:
            self._mailings.require()
        except TeahouseError as refusal:
            return told(words, "off_heading", refusal.message, 403)
        return asking(words, account, "", "")

    async def submit_form(self, request: Request) -> Response:
        account, words = await self._asked(request)
        if account is None:
            return nobody(words)
        address = form(request).get("address", "")
        try:
            await self._mailings.ask(account, address)
        except TeahouseError as refusal:
            return asking(words, account, address, refusal.message, response(refusal).status)
        until = Markup('<p class="soft">{}</p>').format(words.text("sent_hours", hours=CONFIRM_HOURS))
        return told(words, "sent_heading", words.text("sent"), more=until)

    async def show_confirm(self, request: Request) -> Response:
        account, words = await self._asked(request)
        token = codec.parameter(request, "token", "") or ""
        return nobody(words) if account is None else button(words, account, "confirm", token)

    async def submit_confirm(self, request: Request) -> Response:
        account, words = await self._asked(request)
        if account is None:
            return nobody(words)
        try:
            await self._mailings.confirm(account, form(request).get("token", ""))
        except TeahouseError as refusal:
            again = Markup('<p><a href="{}">{}</a></p>').format(page_of(account), words.text("ask_again"))
            return told(words, "failed_heading", refusal.message, response(refusal).status, again)
        return told(words, "confirmed_heading", words.text("confirmed", handle=account.handle))

    async def show_leave(self, request: Request) -> Response:
        account, words = await self._asked(request)
        token = codec.parameter(request, "token", "") or ""
        return nobody(words) if account is None else button(words, account, "leave", token)

    async def submit_leave(self, request: Request) -> Response:
        account, words = await self._asked(request)
        if account is None:
            return nobody(words)
        token = form(request).get("token") or codec.parameter(request, "token", "") or ""
        try:
            await self._mailings.leave(account, token)
        except TeahouseError as refusal:
            return told(words, "failed_heading", refusal.message, response(refusal).status)
        return told(words, "left_heading", words.text("left", handle=account.handle))

    async def _asked(self, request: Request) -> tuple[Account | None, Words]:
        """Which account it is about, and the language of whoever asks."""
        return await self._accounts.find(request.path["handle"]), spoken(PACKAGE, request)


def told(words: Words, heading: str, text: str, status: int = 200, more: Markup = NOTHING) -> Response:
    """A page that says something."""
    return page(words.text(heading), Markup("<p>{}</p>{}").format(text, more), status, language=words.language)


def asking(words: Words, account: Account, address: str, failure: str, status: int = 200) -> Response:
    """The form for an address."""
    alert = Markup('<p role="alert">{}</p>').format(failure) if failure else ""
    inside = Markup(
        '<p>{}</p>{}<form method="post" action="{}" class="card"><label for="address">{}</label>'
        '<input id="address" name="address" type="email" value="{}" autocomplete="email" required>'
        "<button>{}</button></form>"
    ).format(
        words.html("form", name=account.name), alert, page_of(account), words.text("address"), address,
        words.text("form_button"),
    )  # fmt: skip
    return page(words.text("form_heading", handle=account.handle), inside, status, language=words.language)


def button(words: Words, account: Account, action: str, token: str) -> Response:
    """A page whose button does what the link was about."""
    inside = Markup(
        '<form method="post" action="{}/{}" class="card"><input type="hidden" name="token" value="{}">'
        "<button>{}</button></form>"
    ).format(page_of(account), action, token, words.text(f"{action}_button"))
    return page(words.text(f"{action}_heading", handle=account.handle), inside, language=words.language)


def page_of(account: Account) -> str:
    """The path of an account's page here."""
    return f"/mail/{quote(account.handle, safe='')}"


def nobody(words: Words) -> Response:
    """The page of an account there is not."""
    return told(words, "nobody_heading", words.text("nobody"), 404)
