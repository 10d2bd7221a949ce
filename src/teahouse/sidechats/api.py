"""`/_teahouse/v1/accounts/{handle}/chat` and `/chats`: a reader's door to an account's staff, and the staff's inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from teahouse.errors import InvalidParam, NotFound
from teahouse.eventlog.state import RoomState
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.posts.checking import as_uploaded, check_media
from teahouse.posts.types import Media
from teahouse.posts.wording import medium
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.figures import Figure, figure
from teahouse.public_accounts.types import Account
from teahouse.rooms import Directory
from teahouse.rooms.api import reader_of
from teahouse.rooms.service import txn_of
from teahouse.sidechats.desk import Desk
from teahouse.sidechats.inbox import NEWEST, Said
from teahouse.sidechats.rules import check_answer
from teahouse.sidechats.settings_api import ChatSettingsApi
from teahouse.sidechats.types import CHATS_PAGE_MAX, MESSAGES_PAGE_MAX, Listed, SideChat

CHAT = f"{ACCOUNT}/chat"
CHATS = f"{ACCOUNT}/chats"
ONE = f"{CHATS}/{{roomId}}"
LISTS: Sequence[Listed] = ("waiting", "mine", "others", "answered")


class OpenedReply(msgspec.Struct):
    """The room of a side chat, joined."""

    room_id: str


class ChatReply(msgspec.Struct, omit_defaults=True):
    """What anybody sees of an account's side chats: whether there are any, and how staff answered in 30 days.

    `answered_percent` is rounded to five and left out for fewer than five conversations. `room_id` is one's own.
    """

    offered: bool
    answered_percent: int | None = None
    first_answer_minutes: int | None = None
    room_id: str = ""


class ListedReply(msgspec.Struct, omit_defaults=True):
    """A side chat as staff see it. `held_by` is who takes care of it; `left`, that the reader is gone."""

    room_id: str
    user_id: str
    state: Listed
    newest_ts: int
    waiting_since_ts: int = 0
    held_by: str = ""
    held_until_ts: int = 0
    left: bool = False


class ListReply(msgspec.Struct, omit_defaults=True):
    """A page of side chats, the newest first."""

    chats: list[ListedReply]
    next_batch: str | None = None


class SaidReply(msgspec.Struct, omit_defaults=True):
    """A message. `author` is who of the staff wrote it; `content` is empty for one that was taken back."""

    event_id: str
    sender: str
    sent_ts: int
    type: str
    content: Mapping[str, Any]
    author: str = ""


class SaidPageReply(msgspec.Struct, omit_defaults=True):
    """A page of messages, newest first."""

    messages: list[SaidReply]
    next_batch: str | None = None


class AnswerBody(msgspec.Struct):
    """An answer: words, a file, or a canned answer by its id. The same `txn_id` again gives the same answer."""

    text: str = ""
    media: Media | None = None
    canned_id: str = ""
    txn_id: str = ""


class AnswerReply(msgspec.Struct):
    """The answer's event."""

    event_id: str


class HandOverBody(msgspec.Struct):
    """Who takes care of a chat from now on."""

    user_id: str


class FiguresReply(msgspec.Struct):
    """How staff answer, over 30 days. Numbers below five read '<5'; the share is left out with them."""

    waiting: Figure
    conversations: Figure
    answered_percent: int | None
    first_answer_minutes: int | None


class SideChatsApi:
    """Side chats over HTTP."""

    def __init__(self, accounts: Accounts, desk: Desk, directory: Directory) -> None:
        self._accounts = accounts
        self._chats = desk.chats
        self._inbox = desk.inbox
        self._rules = desk.rules
        self._media = desk.media
        self._directory = directory

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", "of the page", "integer"))
        lists = (Query("state", f"{', '.join(LISTS)}; waiting when left out"), *paging)
        refused, staff = (400, 401, 403, 404), (401, 403, 404, 409)
        return [
            Operation(Route("GET", CHAT, self.get_chat, Auth.OPTIONAL),
                      "See whether an account answers, and one's own chat with it.", ChatReply),
            Operation(Route("POST", CHAT, self.open_chat, limit="create"),
                      "Open one's side chat with an account's staff, or come back to it.", OpenedReply,
                      refusals=(401, 403, 404, 409)),
            Operation(Route("GET", CHATS, self.list_chats), "List side chats (editors).", ListReply, query=lists,
                      refusals=refused),
            Operation(Route("GET", f"{ACCOUNT}/chat_figures", self.get_chat_figures),
                      "See how staff answer (analysts).", FiguresReply, refusals=(401, 403, 404)),
            Operation(Route("GET", f"{ONE}/messages", self.list_messages), "Read a side chat (editors).",
                      SaidPageReply, query=paging, refusals=refused),
            Operation(Route("POST", f"{ONE}/answers", self.answer_chat, limit="send"),
                      "Answer in a side chat, as the account (editors).", AnswerReply, AnswerBody,
                      refusals=(*refused, 409, 413)),
            Operation(Route("POST", f"{ONE}/claim", self.claim_chat), "Take care of a side chat (editors).",
                      ListedReply, refusals=staff),
            Operation(Route("PUT", f"{ONE}/claim", self.hand_over_chat),
                      "Hand a side chat over to a colleague (editors).", ListedReply, HandOverBody,
                      refusals=(400, *staff)),
            Operation(Route("DELETE", f"{ONE}/claim", self.release_chat),
                      "Take care of a side chat no more (editors).", Done, refusals=staff),
            Operation(Route("POST", f"{ONE}/done", self.settle_chat),
                      "Mark a side chat as done (editors).", Done, refusals=staff),
        ]  # fmt: skip

    async def get_chat(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        if account.personal:
            return codec.reply(ChatReply(offered=False))
        figures = await self._inbox.figures(account.account_no)
        reply = ChatReply(True, figures.answered_percent, figures.first_answer_minutes)
        requester = request.requester_or_none
        own = None if requester is None else await self._chats.find(requester.user_no, account)
        if own is not None:
            reply.room_id = await self._directory.room_id(own.room_no)
        return codec.reply(reply)

    async def open_chat(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        return codec.reply(OpenedReply(await self._chats.open(reader_of(request), account)))

    async def list_chats(self, request: Request) -> Response:
        account = await self._account(request)
        which = listed(codec.parameter(request, "state"))
        limit = codec.integer(request, "limit", 20, low=1, high=CHATS_PAGE_MAX)
        before = codec.pair(codec.parameter(request, "from"), (NEWEST, NEWEST))
        found = await self._inbox.page(account, request.requester.user_no, which, before, limit)
        following = None
        if len(found) == limit:
            last = found[-1]
            following = f"{last.waiting_ms or last.spoke_ms}_{last.room_no}"
        return codec.reply(ListReply([await self._listed(request, account, each) for each in found], following))

    async def get_chat_figures(self, request: Request) -> Response:
        account = await self._account(request, "analyst")
        figures = await self._inbox.figures(account.account_no)
        waiting = await self._inbox.waiting(account.account_no)
        return codec.reply(
            FiguresReply(
                figure(waiting), figure(figures.conversations), figures.answered_percent, figures.first_answer_minutes
            )
        )

    async def list_messages(self, request: Request) -> Response:
        account, _, state = await self._chat(request)
        limit = codec.integer(request, "limit", 50, low=1, high=MESSAGES_PAGE_MAX)
        before = codec.integer(request, "from", NEWEST, high=NEWEST)
        found, end = await self._inbox.messages(account, state, before, limit)
        following = None if end is None else str(end)
        return codec.reply(SaidPageReply([await self._said(each) for each in found], following))

    async def answer_chat(self, request: Request) -> Response:
        account, chat, state = await self._chat(request)
        body = codec.body(request, AnswerBody)
        requester = request.requester
        txn = txn_of(reader_of(request), "answer", body.txn_id) if body.txn_id else None
        content = await self._content(account, body, requester.user_no)
        event_id = await self._inbox.answer(account, requester.user_no, chat, state, content, txn)
        return codec.reply(AnswerReply(event_id))

    async def claim_chat(self, request: Request) -> Response:
        account, chat, _ = await self._chat(request)
        await self._inbox.claim(request.requester.user_no, chat)
        return await self._again(request, account)

    async def hand_over_chat(self, request: Request) -> Response:
        account, chat, _ = await self._chat(request)
        colleague = await self._accounts.users.number(codec.body(request, HandOverBody).user_id)
        if colleague is None:
            raise NotFound("There is no such user.")
        await self._inbox.hand_over(account, request.requester.user_no, chat, colleague)
        return await self._again(request, account)

    async def release_chat(self, request: Request) -> Response:
        _, chat, _ = await self._chat(request)
        await self._inbox.release(request.requester.user_no, chat)
        return codec.reply(Done())

    async def settle_chat(self, request: Request) -> Response:
        _, chat, _ = await self._chat(request)
        await self._inbox.done(request.requester.user_no, chat)
        return codec.reply(Done())

    async def _account(self, request: Request, role: str = "editor") -> Account:
        """The account of the path; raises Forbidden for one who may do less than `role` for it."""
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, role)
        return account

    async def _chat(self, request: Request) -> tuple[Account, SideChat, RoomState]:
        account = await self._account(request)
        chat, state = await self._inbox.find(account, request.path["roomId"])
        return account, chat, state

    async def _again(self, request: Request, account: Account) -> Response:
        """The chat after a change."""
        chat, _ = await self._inbox.find(account, request.path["roomId"])
        return codec.reply(await self._listed(request, account, chat))

    async def _content(self, account: Account, body: AnswerBody, user_no: int) -> Mapping[str, Any]:
        text = body.text.strip()
        if body.canned_id:
            canned = {str(each.canned_no): each for each in await self._rules.canned(account.account_no)}
            if body.canned_id not in canned:
                raise NotFound("There is no such canned answer.")
            text = canned[body.canned_id].answer
        if body.media is None:
            check_answer(text)
            return {"msgtype": "m.text", "body": text}
        if text:
            check_answer(text)
        uploads = await self._media.uploads([body.media.url], [user_no])
        media = as_uploaded(body.media, uploads)
        check_media([media])
        return medium(media, text)

    async def _listed(self, request: Request, account: Account, chat: SideChat) -> ListedReply:
        now_ms = self._inbox.now_ms()
        holder = chat.holder(now_ms)
        users = self._accounts.users
        user_id = await users.user_id(chat.reader_no)
        room_id = await self._directory.room_id(chat.room_no)
        _, state = await self._inbox.find(account, room_id)
        return ListedReply(
            room_id, user_id, chat.listed(request.requester.user_no, now_ms), chat.spoke_ms, chat.waiting_ms,
            await users.user_id(holder) if holder else "", chat.claimed_until_ms if holder else 0,
            state.membership(user_id) != "join",
        )  # fmt: skip

    async def _said(self, said: Said) -> SaidReply:
        event = said.event
        author = await self._accounts.users.user_id(said.author_no) if said.author_no else ""
        return SaidReply(event.event_id, event.sender, event.origin_server_ts, event.type, event.content, author)


def side_chat_operations(accounts: Accounts, desk: Desk, directory: Directory) -> Sequence[Operation]:
    """The endpoints of side chats with their descriptions."""
    return [
        *SideChatsApi(accounts, desk, directory).operations(),
        *ChatSettingsApi(accounts, desk.rules, desk.welcomes).operations(),
    ]


def listed(name: str | None) -> Listed:
    """The list of a name; raises InvalidParam."""
    for each in LISTS:
        if name in (None, each):
            return each
    raise InvalidParam(f"'state' must be one of {', '.join(LISTS)}.")
