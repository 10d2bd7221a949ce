"""The inbox that an account's staff share: who waits, who takes care of it, what is answered.

The caller has checked that who asks is of the staff. Of a reader the staff learn what they wrote, never whether they
follow or how far they have read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, NotFound
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Content, Draft, Proposal, StoredEvent, Txn
from teahouse.public_accounts import staff
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account
from teahouse.rooms.history import History
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader
from teahouse.sidechats import answered, store, types
from teahouse.sidechats.types import Figures, Listed, SideChat

NEWEST = 1 << 62
ANSWERING = ("owner", "editor")  # roles whose holders take care of chats


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a side chat as the staff see it. `author_no` is who of them wrote it; 0 for nobody."""

    event: StoredEvent
    author_no: int


class Inbox:
    """Side chats as staff work on them."""

    def __init__(self, database: Database, clock: Clock, rooms: Rooms, history: History, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._history = history
        self._accounts = accounts

    def now_ms(self) -> int:
        """The time by which claims end."""
        return self._clock.now_ms()

    async def page(
        self, account: Account, user_no: int, which: Listed, before: tuple[int, int], limit: int
    ) -> list[SideChat]:
        """One list of an account's chats, the newest first."""
        return await store.listed(
            self._database, account.account_no, which, user_no, self._clock.now_ms(), before, limit
        )

    async def find(self, account: Account, room_id: str) -> tuple[SideChat, RoomState]:
        """A chat in which the reader has written; raises NotFound for any other."""
        state = await self._rooms.find(room_id)
        chat = None if state is None else await store.by_room(self._database, state.room_no)
        if state is None or chat is None or chat.account_no != account.account_no or not chat.spoke_ms:
            raise NotFound("There is no such chat with this account.")
        return chat, state

    async def messages(
        self, account: Account, state: RoomState, before: int, limit: int
    ) -> tuple[list[Said], int | None]:
        """What was said, newest first, before a position; and where to go on."""
        signer = Reader(account.account_no, account.user_id)
        window = await self._rooms.readership.window(signer, state)
        page = await self._history.page(state, window, before, limit, backwards=True, matches=is_said)
        authors = await store.authors(self._database, [event.pos for event in page.events])
        return [Said(event, authors.get(event.pos, 0)) for event in page.events], page.end

    async def claim(self, user_no: int, chat: SideChat) -> None:
        """Take care of a chat. Claiming it again makes the time longer; raises Conflict while somebody else has it."""
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            await self._require_free(tx, chat.room_no, user_no)
            await store.hand(tx, chat.room_no, user_no, until(now_ms))

    async def hand_over(self, account: Account, user_no: int, chat: SideChat, colleague_no: int) -> None:
        """Give a chat to a colleague: who has it may, and the account's owners."""
        if await self._accounts.role(colleague_no, account.account_no) not in ANSWERING:
            raise Forbidden("A chat is handed over to an owner or editor of the account.")
        owner = await self._accounts.role(user_no, account.account_no) == "owner"
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            if not owner:
                await self._require_free(tx, chat.room_no, user_no)
            await store.hand(tx, chat.room_no, colleague_no, until(now_ms))

    async def release(self, user_no: int, chat: SideChat) -> None:
        """Take care of a chat no more."""
        async with self._database.transaction() as tx:
            await self._require_free(tx, chat.room_no, user_no)
            await store.hand(tx, chat.room_no, 0, 0)

    async def done(self, user_no: int, chat: SideChat) -> None:
        """Nothing more is to be said for now."""
        async with self._database.transaction() as tx:
            await self._require_free(tx, chat.room_no, user_no)
            await store.settle(tx, chat.room_no)

    async def answer(
        self, account: Account, user_no: int, chat: SideChat, state: RoomState, content: Content, txn: Txn | None
    ) -> str:
        """Say something as the account; its event id, the same for a retry. Whoever answers has the chat."""
        reader = await self._accounts.users.user_id(chat.reader_no)
        if state.membership(reader) != "join":
            raise Forbidden("The reader has left this chat. They can open it again; you cannot.")

        async def said(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            current = await self._require_free(tx, chat.room_no, user_no)
            now_ms = self._clock.now_ms()
            await store.answered(tx, current, events[0].pos, user_no, now_ms, until(now_ms))

        draft = Draft("m.room.message", content)
        proposal = Proposal(account.user_id, account.account_no, [draft], chat.room_no, txn=txn, also=said)
        return (await self._rooms.append(proposal)).event_ids[0]

    async def waiting(self, account_no: int) -> int:
        """How many readers wait for an answer."""
        return await store.count_waiting(self._database, account_no)

    async def figures(self, account_no: int) -> Figures:
        """How the account's staff answered in the last days."""
        since_ms = self._clock.now_ms() - types.FIGURES_DAYS * types.DAY_MS
        return answered.figures(await store.turns(self._database, account_no, since_ms, types.TURNS_COUNTED_MAX))

    async def _require_free(self, tx: Transaction, room_no: int, user_no: int) -> SideChat:
        """The chat as it is now; raises Conflict while somebody else has it."""
        chat = await store.by_room(tx, room_no)
        assert chat is not None
        now_ms = self._clock.now_ms()
        holder = chat.holder(now_ms)
        # One who is of the staff no more holds nothing: nobody could ask them to let go.
        if holder in (0, user_no) or await staff.role(tx, holder, chat.account_no) not in ANSWERING:
            return chat
        minutes = max(1, (chat.claimed_until_ms - now_ms) // answered.MINUTE_MS)
        raise Conflict(f"A colleague takes care of this chat. It is free for others in {minutes} minutes.")


def until(now_ms: int) -> int:
    """When a claim made now ends."""
    return now_ms + types.CLAIM_HOURS * types.HOUR_MS


def is_said(event: StoredEvent) -> bool:
    """Whether an event is something that was said."""
    return event.state_key is None and event.type != "m.room.redaction"
