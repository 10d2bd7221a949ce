"""`/_teahouse/v1/accounts`: opening, describing, finding, following and staffing public accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from teahouse.errors import NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.types import About, Account, Kind, Role
from teahouse.rooms import Directory
from teahouse.rooms.api import reader_of
from teahouse.rooms.finding import FIRST

ACCOUNTS = "/_teahouse/v1/accounts"
ACCOUNT = f"{ACCOUNTS}/{{handle}}"
MY = "/_teahouse/v1/my"
PAGE_MAX = 100  # accounts of one page


class AccountReply(msgspec.Struct):
    """A public account. `verified` is the kind its badge says, or empty; `role`, what one may do for it."""

    handle: str
    user_id: str
    room_id: str
    kind: Kind
    name: str
    about: About
    created_ts: int
    followers: int
    posts: int
    pinned: int
    verified: str
    verified_until_ts: int
    following: bool = False
    alerts: bool = False
    role: str = ""


class AccountsReply(msgspec.Struct, omit_defaults=True):
    """A page of accounts."""

    accounts: list[AccountReply]
    next_batch: str | None = None


class QuotaReply(msgspec.Struct):
    """How many posts accounts of a kind may publish in any 24 hours, reposts and articles included."""

    kind: Kind
    posts_per_day: int


class QuotasReply(msgspec.Struct):
    """The quotas of every kind: the same for all accounts of it."""

    quotas: list[QuotaReply]


class OpenBody(msgspec.Struct):
    """A new account. A personal one (`kind` person) has its owner's name as handle."""

    handle: str
    kind: Kind
    name: str
    about: About = msgspec.field(default_factory=About)


class DescribeBody(msgspec.Struct):
    """What an account says of itself."""

    name: str
    about: About


class FollowBody(msgspec.Struct):
    """How to follow. `alerts`: whether posts alert; left out, it stays as it is. `source`: where one came from."""

    alerts: bool | None = None
    source: str = "other"


class PinBody(msgspec.Struct):
    """The number of the post to pin; 0 for none."""

    number: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class RoleBody(msgspec.Struct):
    """What somebody may do for an account."""

    role: Role


class StaffReply(msgspec.Struct):
    """Somebody who works for an account."""

    user_id: str
    role: Role
    since_ts: int


class StaffListReply(msgspec.Struct):
    """Everybody who works for an account."""

    staff: list[StaffReply]


class Done(msgspec.Struct):
    """Nothing more to say."""


class AccountsApi:
    """Public accounts over HTTP."""

    def __init__(self, accounts: Accounts, followers: Followers, directory: Directory) -> None:
        self._accounts = accounts
        self._followers = followers
        self._directory = directory

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (
            Query("search", "words in the handle, name or description"), Query("kind", "only accounts of this kind"),
            Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"),
        )  # fmt: skip
        follow, staff = f"{ACCOUNT}/follow", f"{ACCOUNT}/staff/{{userId}}"
        return [
            Operation(Route("GET", ACCOUNTS, self.list_accounts, Auth.OPTIONAL),
                      "List public accounts, the most followed first.", AccountsReply, query=paging),
            Operation(Route("POST", ACCOUNTS, self.open_account, limit="create"),
                      "Open a public account.", AccountReply, OpenBody, refusals=(400, 401, 403, 409)),
            Operation(Route("GET", ACCOUNT, self.get_account, Auth.OPTIONAL), "Look at an account.", AccountReply),
            Operation(Route("PUT", ACCOUNT, self.describe_account),
                      "Change what an account says of itself (owners).", AccountReply, DescribeBody,
                      refusals=(400, 401, 403, 404)),
            Operation(Route("PUT", f"{ACCOUNT}/pin", self.pin_post),
                      "Pin a post to the top (editors).", Done, PinBody, refusals=(400, 401, 403, 404)),
            Operation(Route("PUT", follow, self.follow, limit="join"),
                      "Follow an account, or change whether it alerts.", Done, FollowBody,
                      refusals=(400, 401, 403, 404)),
            Operation(Route("DELETE", follow, self.unfollow, limit="join"), "Follow no more.", Done),
            Operation(Route("GET", f"{ACCOUNT}/staff", self.list_staff),
                      "List who works for an account (its staff).", StaffListReply, refusals=(401, 403, 404)),
            Operation(Route("PUT", staff, self.set_role),
                      "Let somebody work for an account (owners).", Done, RoleBody, refusals=(400, 401, 403, 404)),
            Operation(Route("DELETE", staff, self.remove_staff),
                      "Let somebody work for an account no more (owners, or they themselves).", Done,
                      refusals=(401, 403, 404)),
            Operation(Route("GET", "/_teahouse/v1/quotas", self.list_quotas, Auth.NONE),
                      "How many posts an account may publish in a day, by its kind.", QuotasReply, refusals=()),
            Operation(Route("GET", f"{MY}/accounts", self.my_accounts),
                      "List the accounts that one works for.", AccountsReply, refusals=(401,)),
            Operation(Route("GET", f"{MY}/follows", self.my_follows),
                      "List the accounts that one follows.", AccountsReply, refusals=(401,)),
        ]  # fmt: skip

    async def list_accounts(self, request: Request) -> Response:
        limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
        search = (codec.parameter(request, "search", "") or "").strip()
        kind = codec.parameter(request, "kind", "") or ""
        found = await self._accounts.directory(search, kind, codec.pair(codec.parameter(request, "from"), FIRST), limit)
        following = f"{found[-1].followers}_{found[-1].account_no}" if len(found) == limit else None
        return codec.reply(AccountsReply([await self._shown(request, each) for each in found], following))

    async def open_account(self, request: Request) -> Response:
        body = codec.body(request, OpenBody)
        account = await self._accounts.open(
            reader_of(request), body.handle, body.kind, body.name, body.about, admin=request.requester.admin
        )
        return codec.reply(await self._shown(request, account))

    async def get_account(self, request: Request) -> Response:
        return codec.reply(await self._shown(request, await self._account(request)))

    async def describe_account(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        body = codec.body(request, DescribeBody)
        return codec.reply(await self._shown(request, await self._accounts.describe(account, body.name, body.about)))

    async def pin_post(self, request: Request) -> Response:
        account = await self._account(request, "editor")
        await self._accounts.pin(account, codec.body(request, PinBody).number)
        return codec.reply(Done())

    async def follow(self, request: Request) -> Response:
        account = await self._account(request)
        body = codec.body(request, FollowBody)
        room_id = await self._directory.room_id(account.room_no)
        await self._followers.follow(reader_of(request), account, room_id, source=body.source, alerts=body.alerts)
        return codec.reply(Done())

    async def unfollow(self, request: Request) -> Response:
        account = await self._account(request)
        await self._followers.unfollow(reader_of(request), account, await self._directory.room_id(account.room_no))
        return codec.reply(Done())

    async def list_staff(self, request: Request) -> Response:
        account = await self._account(request, "analyst")
        staff = await self._accounts.staff(account.account_no)
        users = self._accounts.users
        return codec.reply(
            StaffListReply([StaffReply(await users.user_id(no), role, since) for no, role, since in staff])
        )

    async def set_role(self, request: Request) -> Response:
        account = await self._account(request)
        requester = request.requester
        orphaned = requester.admin and not await self._accounts.has_owner(account.account_no)
        if not orphaned:
            await self._accounts.require_role(requester.user_no, account, "owner")
        role, other_no = codec.body(request, RoleBody).role, await self._other(request)
        if orphaned:  # its last owner closed their own account: the operator's staff appoint another one
            await self._accounts.set_role(account, other_no, role)
        else:
            await self._accounts.hire(requester.user_no, account, other_no, role)
        return codec.reply(Done())

    async def remove_staff(self, request: Request) -> Response:
        own = request.path["userId"] == request.requester.user_id
        account = await self._account(request, "analyst" if own else "owner")
        await self._accounts.set_role(account, await self._other(request), "")
        return codec.reply(Done())

    async def list_quotas(self, request: Request) -> Response:
        return codec.reply(QuotasReply([QuotaReply(k, n) for k, n in self._accounts.quotas.per_day.items()]))

    async def my_accounts(self, request: Request) -> Response:
        found = await self._accounts.of_staff(request.requester.user_no)
        return codec.reply(AccountsReply([await self._shown(request, account) for account, _ in found]))

    async def my_follows(self, request: Request) -> Response:
        ties = await self._followers.ties(request.requester.user_no)
        found = [await self._accounts.at(tie.account_no) for tie in ties.values() if tie.stands]
        return codec.reply(AccountsReply([await self._shown(request, each) for each in found if each is not None]))

    async def _account(self, request: Request, role: str = "") -> Account:
        """The account of the path; with `role`, raises Forbidden for one who may do less for it."""
        account = await self._accounts.require(request.path["handle"])
        if role:
            await self._accounts.require_role(request.requester.user_no, account, role)
        return account

    async def _other(self, request: Request) -> int:
        number = await self._accounts.users.number(request.path["userId"])
        if number is None:
            raise NotFound("There is no such user.")
        return number

    async def _shown(self, request: Request, account: Account) -> AccountReply:
        room_id = await self._directory.room_id(account.room_no)
        verified = account.verified(self._accounts.now_ms())
        reply = AccountReply(
            account.handle, account.user_id, room_id, account.kind, account.name, account.about,
            account.created_ms, account.followers, account.posts, account.pinned, verified,
            account.badge_until_ms if verified else 0,
        )  # fmt: skip
        requester = request.requester_or_none
        if requester is not None:
            tie = (await self._followers.ties(requester.user_no)).get(account.room_no)
            reply.following, reply.alerts = tie is not None and tie.stands, tie is not None and tie.alerts
            reply.role = await self._accounts.role(requester.user_no, account.account_no)
        return reply
