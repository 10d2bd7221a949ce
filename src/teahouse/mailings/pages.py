"""`/mail/{handle}`: the same for people, without scripts.

Links in mails lead to pages with a button: what scanners of mail do with links changes nothing. The page to leave also
takes the POST that mail programs send by themselves (RFC 8058), whose token is in the address.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from teahouse.errors import TeahouseError
from teahouse.http import codec
from teahouse.http.errors import response
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.mailings.service import CONFIRM_HOURS, Mailings
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account

PAGE = "/mail/{handle}"


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
        account = await self._accounts.find(request.path["handle"])
        if account is None:
            return nobody()
        try:
            self._mailings.require()
        except TeahouseError as refusal:
            return page("No posts by e-mail", f"<p>{escape(refusal.message)}</p>", 403)
        return asking(account, "", "")

    async def submit_form(self, request: Request) -> Response:
        account = await self._accounts.find(request.path["handle"])
        if account is None:
            return nobody()
        address = form(request).get("address", "")
        try:
            await self._mailings.ask(account, address)
        except TeahouseError as refusal:
            return asking(account, address, refusal.message, response(refusal).status)
        return page(
            "Look into your mail",
            "<p>If mail reaches the address, a link to confirm is on its way. Nothing else is sent before you open it."
            f'</p><p class="soft">It works once, for {CONFIRM_HOURS} hours.</p>',
        )

    async def show_confirm(self, request: Request) -> Response:
        account = await self._accounts.find(request.path["handle"])
        token = codec.parameter(request, "token", "") or ""
        return nobody() if account is None else button(
            account, "confirm", token, f"Get the posts of @{account.handle} by e-mail?", "Yes, send them to me"
        )  # fmt: skip

    async def submit_confirm(self, request: Request) -> Response:
        account = await self._accounts.find(request.path["handle"])
        if account is None:
            return nobody()
        try:
            await self._mailings.confirm(account, form(request).get("token", ""))
        except TeahouseError as refusal:
            again = f'<p><a href="{page_of(account)}">Ask for a new link</a></p>'
            return page("This did not work", f"<p>{escape(refusal.message)}</p>{again}", response(refusal).status)
        return page(
            "You will hear of it",
            f"<p>New posts of @{escape(account.handle)} come to your address; each mail has a link to get no more."
            "</p>",
        )

    async def show_leave(self, request: Request) -> Response:
        account = await self._accounts.find(request.path["handle"])
        token = codec.parameter(request, "token", "") or ""
        return nobody() if account is None else button(
            account, "leave", token, f"Get no more posts of @{account.handle} by e-mail?", "Send me no more"
        )  # fmt: skip

    async def submit_leave(self, request: Request) -> Response:
        account = await self._accounts.find(request.path["handle"])
        if account is None:
            return nobody()
        token = form(request).get("token") or codec.parameter(request, "token", "") or ""
        try:
            await self._mailings.leave(account, token)
        except TeahouseError as refusal:
            return page("This did not work", f"<p>{escape(refusal.message)}</p>", response(refusal).status)
        return page("Done", f"<p>No more posts of @{escape(account.handle)} come to your address.</p>")


def asking(account: Account, address: str, failure: str, status: int = 200) -> Response:
    """The form for an address."""
    alert = f'<p role="alert">{escape(failure)}</p>' if failure else ""
    return page(
        f"@{account.handle} by e-mail",
        f"<p>New posts of {escape(account.name)} as plain text, with a link to each. Nobody sees your address, not "
        "even the account's own staff.</p>"
        f'{alert}<form method="post" action="{page_of(account)}" class="card">'
        f'<label for="address">Your e-mail address</label><input id="address" name="address" type="email" '
        f'value="{escape(address)}" autocomplete="email" required><button>Send me a link to confirm</button></form>',
        status,
    )


def button(account: Account, action: str, token: str, heading: str, label: str) -> Response:
    """A page whose button does what the link was about."""
    return page(
        heading,
        f'<form method="post" action="{page_of(account)}/{action}" class="card">'
        f'<input type="hidden" name="token" value="{escape(token)}"><button>{label}</button></form>',
    )


def page_of(account: Account) -> str:
    """The path of an account's page here."""
    return f"/mail/{quote(account.handle, safe='')}"


def nobody() -> Response:
    """The page of an account there is not."""
    return page("Nobody here", "<p>There is no public account of this name.</p>", 404)
