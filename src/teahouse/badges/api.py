"""`/_teahouse/v1/accounts/{handle}/badge` for owners, `/_teahouse/v1/staff/…` for the operator's staff."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.badges import proof, store
from teahouse.badges.service import Badges
from teahouse.badges.types import EVIDENCE_MAX_BYTES, TERM_DAYS, Act, BadgeRequest, Document, Way
from teahouse.errors import Forbidden
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.types import Account, Kind

BADGE = f"{ACCOUNT}/badge"
STAFF = "/_teahouse/v1/staff"
WISH = f"{STAFF}/badges/{{requestId}}"
SUBJECT = f"{STAFF}/accounts/{{handle}}"
PAGE_MAX = 100  # requests, or look-alikes, of one page
DOCUMENT_BODY_MAX_BYTES = EVIDENCE_MAX_BYTES * 4 // 3 + 4_096  # a document in base64, with its name
NEWEST = 1 << 62


class AskBody(msgspec.Struct):
    """A wish for a badge of the account's own kind: proved by a domain, or by documents."""

    way: Way
    domain: str = ""


class DocumentBody(msgspec.Struct):
    """A document as evidence; `content` is base64."""

    name: str
    content: bytes


class VerdictBody(msgspec.Struct):
    """What one of the operator's staff says. A no needs a reason, which the account is told."""

    granted: bool
    reason: str = ""


class ReasonBody(msgspec.Struct):
    """Why a badge is withdrawn; the account is told."""

    reason: str


class DocumentShown(msgspec.Struct):
    """A document without its content."""

    document_id: str
    name: str
    size: int
    sent_ts: int


class WishReply(msgspec.Struct, omit_defaults=True):
    """A wish. For a domain: put `dns_record` into its TXT records, or `token` into the file at `file_url`.

    `ready_ts` is when the proof was found or the newest document came; before that nobody decides.
    """

    request_id: str
    way: Way
    state: str
    asked_ts: int
    ready_ts: int = 0
    domain: str = ""
    token: str = ""
    dns_record: str = ""
    file_url: str = ""
    documents: list[DocumentShown] = []


class StatementReply(msgspec.Struct):
    """What the account was told of its badge."""

    act: Act
    reason: str
    done_ts: int


class BadgeReply(msgspec.Struct, omit_defaults=True):
    """An account's badge as its staff see it; a new one lasts `term_days`. `verified` is empty without one."""

    verified: str
    until_ts: int
    term_days: int
    statements: list[StatementReply]
    request: WishReply | None = None


class VerdictReply(msgspec.Struct):
    """What somebody said."""

    user_id: str
    granted: bool
    reason: str
    given_ts: int


class WaitingReply(msgspec.Struct):
    """A wish as those who decide see it. `proof` is where a domain's token was found: dns or file."""

    request: WishReply
    handle: str
    name: str
    kind: Kind
    verified: str
    asked_by: str
    proof: str
    verdicts: list[VerdictReply]


class WaitingListReply(msgspec.Struct, omit_defaults=True):
    """A page of wishes that can be decided, oldest first."""

    requests: list[WaitingReply]
    next_batch: str | None = None


class ContentReply(msgspec.Struct):
    """A document; `content` is base64."""

    name: str
    content: bytes


class LookAlike(msgspec.Struct):
    """An account that looks like another."""

    handle: str
    name: str


class LookAlikesReply(msgspec.Struct, omit_defaults=True):
    """Accounts that look like one. A page may be empty and have a next one: it went through many accounts."""

    accounts: list[LookAlike]
    next_batch: str | None = None


class BadgesApi:
    """Badges over HTTP."""

    def __init__(self, badges: Badges, accounts: Accounts) -> None:
        self._badges = badges
        self._accounts = accounts

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        all_ = (400, 401, 403, 404)
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        document = Route("POST", f"{BADGE}/evidence", self.send_document, limit="media",
                         body_max_bytes=DOCUMENT_BODY_MAX_BYTES)  # fmt: skip
        return [
            Operation(Route("GET", BADGE, self.get_badge), "See the badge, what was asked and told (its staff).",
                      BadgeReply, refusals=all_),
            Operation(Route("DELETE", BADGE, self.give_up), "Give the badge up (owners).", Done, refusals=all_),
            Operation(Route("POST", f"{BADGE}/request", self.ask, limit="create"),
                      "Ask for a badge, or for a longer term (owners).", WishReply, AskBody, refusals=(*all_, 409)),
            Operation(Route("DELETE", f"{BADGE}/request", self.take_back),
                      "Ask no more; documents are deleted (owners).", Done, refusals=(*all_, 409)),
            Operation(Route("POST", f"{BADGE}/proof", self.prove, limit="create"),
                      "Have the domain's proof looked for (owners).", WishReply, refusals=(*all_, 409)),
            Operation(document, "Send a document, which only those who decide can read (owners).",
                      DocumentShown, DocumentBody, refusals=(*all_, 409, 413)),
            Operation(Route("GET", f"{STAFF}/badges", self.list_waiting),
                      "List wishes that can be decided (the operator's staff).", WaitingListReply, query=paging,
                      refusals=(400, 401, 403)),
            Operation(Route("GET", WISH, self.get_request), "See a wish (the operator's staff).", WaitingReply,
                      refusals=all_),
            Operation(Route("GET", f"{WISH}/evidence/{{documentId}}", self.get_document),
                      "Read a document; that is written into the register (the operator's staff).", ContentReply,
                      refusals=all_),
            Operation(Route("PUT", f"{WISH}/verdict", self.decide),
                      "Grant a badge, together with others where documents are the proof, or refuse it "
                      "(the operator's staff, none of the account's).", WaitingReply, VerdictBody,
                      refusals=(*all_, 409, 413)),
            Operation(Route("POST", f"{SUBJECT}/badge/withdraw", self.withdraw),
                      "Withdraw a badge for a reason that the account is told (the operator's staff).", Done,
                      ReasonBody, refusals=(*all_, 409, 413)),
            Operation(Route("GET", f"{SUBJECT}/lookalikes", self.list_look_alikes),
                      "List accounts that look like one (the operator's staff).", LookAlikesReply, query=paging,
                      refusals=all_),
        ]  # fmt: skip

    async def get_badge(self, request: Request) -> Response:
        account = await self._account(request, "analyst")
        wish = await self._badges.open_of(account)
        told = await store.statements(self._badges.database, account.account_no)
        verified = account.verified(self._accounts.now_ms())
        shown = None if wish is None else await self._wish(wish)
        statements = [StatementReply(each.act, each.reason, each.done_ms) for each in told]
        until = account.badge_until_ms if verified else 0
        return codec.reply(BadgeReply(verified, until, TERM_DAYS, statements, shown))

    async def give_up(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        await self._badges.give_up(account, request.requester.user_no)
        return codec.reply(Done())

    async def ask(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        body = codec.body(request, AskBody)
        wish = await self._badges.ask(account, request.requester.user_no, body.way, body.domain)
        return codec.reply(await self._wish(wish))

    async def take_back(self, request: Request) -> Response:
        await self._badges.take_back(await self._account(request, "owner"))
        return codec.reply(Done())

    async def prove(self, request: Request) -> Response:
        return codec.reply(await self._wish(await self._badges.prove(await self._account(request, "owner"))))

    async def send_document(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        body = codec.body(request, DocumentBody)
        return codec.reply(document_shown(await self._badges.send_document(account, body.name, body.content)))

    async def list_waiting(self, request: Request) -> Response:
        check_staff(request)
        limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
        after = codec.integer(request, "from", 0, high=NEWEST)
        wishes = await store.waiting(self._badges.database, after, limit)
        following = str(wishes[-1].request_no) if len(wishes) == limit else None
        return codec.reply(WaitingListReply([await self._waiting(each) for each in wishes], following))

    async def get_request(self, request: Request) -> Response:
        check_staff(request)
        return codec.reply(await self._waiting(await self._badges.request(codec.path_id(request, "requestId"))))

    async def get_document(self, request: Request) -> Response:
        check_staff(request)
        wish = await self._badges.request(codec.path_id(request, "requestId"))
        document_no = codec.path_id(request, "documentId")
        name, content = await self._badges.document(request.requester.user_no, wish, document_no)
        return codec.reply(ContentReply(name, content))

    async def decide(self, request: Request) -> Response:
        check_staff(request)
        body = codec.body(request, VerdictBody)
        request_no = codec.path_id(request, "requestId")
        wish = await self._badges.decide(request.requester.user_no, request_no, body.granted, body.reason)
        return codec.reply(await self._waiting(wish))

    async def withdraw(self, request: Request) -> Response:
        check_staff(request)
        account = await self._accounts.require(request.path["handle"])
        staff_no = request.requester.user_no
        await self._badges.check_may_decide(staff_no, account.account_no)
        await self._badges.withdraw(account, codec.body(request, ReasonBody).reason, staff_no)
        return codec.reply(Done())

    async def list_look_alikes(self, request: Request) -> Response:
        check_staff(request)
        account = await self._accounts.require(request.path["handle"])
        limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
        after = codec.integer(request, "from", 0, high=NEWEST)
        found, following = await self._badges.look_alikes(account, after, limit)
        shown = [LookAlike(each.handle, each.name) for each in found]
        return codec.reply(LookAlikesReply(shown, str(following) if following else None))

    async def _account(self, request: Request, role: str) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, role)
        return account

    async def _wish(self, wish: BadgeRequest) -> WishReply:
        """A wish as its account's staff see it."""
        reply = WishReply(str(wish.request_no), wish.way, wish.state, wish.asked_ms, wish.ready_ms, wish.domain)
        if wish.way == "domain" and wish.state == "open":
            reply.token = wish.token
            reply.dns_record = f"{proof.RECORD}{wish.token}"
            reply.file_url = proof.WELL_KNOWN.format(domain=wish.domain)
        reply.documents = [document_shown(each) for each in await self._badges.documents(wish.request_no)]
        return reply

    async def _waiting(self, wish: BadgeRequest) -> WaitingReply:
        """A wish as those who decide see it."""
        account = await self._accounts.at(wish.account_no)
        assert account is not None
        users = self._accounts.users
        said = [
            VerdictReply(await users.user_id(each.staff_no), each.granted, each.reason, each.given_ms)
            for each in await store.verdicts(self._badges.database, wish.request_no)
        ]
        return WaitingReply(
            await self._wish(wish), account.handle, account.name, account.kind,
            account.verified(self._accounts.now_ms()), await users.user_id(wish.asked_by), wish.proof, said,
        )  # fmt: skip


def check_staff(request: Request) -> None:
    """Raises Forbidden for everybody but the operator's staff."""
    if not request.requester.admin:
        raise Forbidden("This is for the operator's staff.")


def document_shown(document: Document) -> DocumentShown:
    """A document as it is listed."""
    return DocumentShown(str(document.evidence_no), document.name, document.size, document.sent_ms)
