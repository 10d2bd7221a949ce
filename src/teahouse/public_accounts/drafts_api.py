"""`/_teahouse/v1/accounts/{handle}/drafts`: posts to be, and their hours."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.drafts import Drafts
from teahouse.posts.service import Posts
from teahouse.posts.types import Draft, PostContent
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.posts_api import NEWEST, Moment
from teahouse.public_accounts.types import Account
from teahouse.rooms.api import reader_of
from teahouse.rooms.service import txn_of

DRAFTS = f"{ACCOUNT}/drafts"
DRAFT = f"{DRAFTS}/{{draftId}}"
PAGE_MAX = 100  # drafts of one page


class DraftBody(msgspec.Struct):
    """What a draft says. `due_ts`, when it is published by itself; 0, the default, means not. The same `txn_id` again,
    from the same device within a day, gives the same draft.
    """

    content: PostContent
    due_ts: Moment = 0
    txn_id: str = ""


class ChangeBody(msgspec.Struct):
    """Other words for a draft. Its hour stays."""

    content: PostContent


class ScheduleBody(msgspec.Struct):
    """When a draft is published by itself, milliseconds since 1970."""

    due_ts: Moment


class DraftReply(msgspec.Struct):
    """A draft. `author` began it. `failure`, if not empty, says why it was not published at its hour."""

    draft_id: str
    author: str
    changed_by: str
    changed_ts: int
    due_ts: int
    failure: str
    content: PostContent


class DraftsReply(msgspec.Struct, omit_defaults=True):
    """A page of drafts, the last begun first."""

    drafts: list[DraftReply]
    next_batch: str | None = None


class PublishedReply(msgspec.Struct):
    """The post that a draft became."""

    account: str
    number: int
    url: str


class DraftsApi:
    """Drafts over HTTP, for the editors of an account."""

    def __init__(self, accounts: Accounts, posts: Posts, drafts: Drafts) -> None:
        self._accounts = accounts
        self._posts = posts
        self._drafts = drafts

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        all_ = (400, 401, 403, 404)
        hour = f"{DRAFT}/schedule"
        return [
            Operation(Route("GET", DRAFTS, self.list_drafts), "List an account's drafts (editors).",
                      DraftsReply, query=paging, refusals=all_),
            Operation(Route("POST", DRAFTS, self.create_draft), "Begin a draft, scheduled if wanted (editors).",
                      DraftReply, DraftBody, refusals=(*all_, 413)),
            Operation(Route("GET", DRAFT, self.get_draft), "Look at a draft (editors).", DraftReply, refusals=all_),
            Operation(Route("PUT", DRAFT, self.change_draft), "Put a draft into other words (editors).",
                      DraftReply, ChangeBody, refusals=(*all_, 413)),
            Operation(Route("DELETE", DRAFT, self.delete_draft), "Delete a draft (editors).", Done, refusals=all_),
            Operation(Route("PUT", hour, self.schedule_draft), "Choose when a draft is published (editors).",
                      DraftReply, ScheduleBody, refusals=(*all_, 413)),
            Operation(Route("DELETE", hour, self.unschedule_draft), "Take a draft's hour away (editors).",
                      DraftReply, refusals=all_),
            Operation(Route("POST", f"{DRAFT}/publish", self.publish_draft, limit="send"),
                      "Publish a draft now (editors). Asked again, the answer is the same.", PublishedReply,
                      refusals=(*all_, 409, 413)),
        ]  # fmt: skip

    async def list_drafts(self, request: Request) -> Response:
        account = await self._editable(request)
        limit = codec.integer(request, "limit", 20, low=1, high=PAGE_MAX)
        before = codec.integer(request, "from", NEWEST, low=1, high=NEWEST)
        drafts = await self._drafts.of_account(account.account_no, before, limit)
        following = str(drafts[-1].draft_no) if len(drafts) == limit else None
        return codec.reply(DraftsReply([await self._shown(each) for each in drafts], following))

    async def create_draft(self, request: Request) -> Response:
        account = await self._editable(request)
        body = codec.body(request, DraftBody)
        reader = reader_of(request)
        txn = txn_of(reader, "draft", body.txn_id) if body.txn_id else None
        made = await self._drafts.create(publisher(account), reader.user_no, body.content, body.due_ts, txn)
        return codec.reply(await self._shown(made))

    async def get_draft(self, request: Request) -> Response:
        return codec.reply(await self._shown((await self._found(request))[1]))

    async def change_draft(self, request: Request) -> Response:
        account, draft = await self._found(request)
        content = codec.body(request, ChangeBody).content
        changed = await self._drafts.change(publisher(account), request.requester.user_no, draft, content)
        return codec.reply(await self._shown(changed))

    async def delete_draft(self, request: Request) -> Response:
        await self._drafts.delete((await self._found(request))[1])
        return codec.reply(Done())

    async def schedule_draft(self, request: Request) -> Response:
        await self._editable(request)  # before the body: who may not schedule hears that, whatever they send
        return await self._schedule(request, codec.body(request, ScheduleBody).due_ts)

    async def unschedule_draft(self, request: Request) -> Response:
        return await self._schedule(request, 0)

    async def publish_draft(self, request: Request) -> Response:
        account = await self._editable(request)
        post = await self._drafts.publish(publisher(account), draft_no(request))
        address = self._posts.address(account.handle, post.number)
        return codec.reply(PublishedReply(account.handle, post.number, address))

    async def _schedule(self, request: Request, due_ms: int) -> Response:
        account, draft = await self._found(request)
        changed = await self._drafts.schedule(publisher(account), request.requester.user_no, draft, due_ms)
        return codec.reply(await self._shown(changed))

    async def _found(self, request: Request) -> tuple[Account, Draft]:
        account = await self._editable(request)
        return account, await self._drafts.find(account.account_no, draft_no(request))

    async def _editable(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return account

    async def _shown(self, draft: Draft) -> DraftReply:
        users = self._accounts.users
        return DraftReply(
            str(draft.draft_no), await users.user_id(draft.author_no), await users.user_id(draft.changed_by_no),
            draft.changed_ms, draft.due_ms, draft.failure, draft.content,
        )  # fmt: skip


def draft_no(request: Request) -> int:
    """The draft's id in the path; raises InvalidParam."""
    return codec.whole(request.path["draftId"], "A draft's id", low=1)
