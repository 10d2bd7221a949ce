"""Opening side chats, and keeping their rooms what they are: two members, unencrypted, marked, for ever the same one.

The room, its mark and its row are written together. What follows (the first line with the invitation, the reader's own
coming in) is found undone by the next try and done then.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, LimitExceeded
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Also, Content, Draft, Proposal, StoredEvent, Txn
from teahouse.matrix.events import replaces
from teahouse.posts.neighbours import Boundaries
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account
from teahouse.rooms.creation import CreateRoom, Creation, StateInput
from teahouse.rooms.membership import Membership
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader
from teahouse.sidechats import keywords, store, texts, types
from teahouse.sidechats.errands import Errands
from teahouse.sidechats.rules import Rules
from teahouse.sidechats.types import SIDE_CHAT, SideChat
from teahouse.users.account_data import AccountData

TRIES_MAX = 3  # to bring a reader in, when another device of theirs does the same meanwhile
PLAIN_ONLY = "Staff of @{handle} read this chat, so it is never end-to-end encrypted."
# The reader writes, and nothing else; all the rest is the account's user's, who does what the server says.
POWER_LEVELS = {
    "users_default": 0, "events_default": 0, "state_default": 100, "invite": 100, "kick": 100, "ban": 100,
    "redact": 100, "events": {},
}  # fmt: skip


class PairTaken(Conflict):
    """The reader's other device opened the chat meanwhile."""


class SideChats:
    """The keeper of side chats."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, creation: Creation, membership: Membership,
        accounts: Accounts, account_data: AccountData, rules: Rules, boundaries: Boundaries, *, limited: bool,
    ) -> None:  # fmt: skip
        """`limited`: whether rate limits are held."""
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._creation = creation
        self._membership = membership
        self._accounts = accounts
        self._account_data = account_data
        self._rules = rules
        self._boundaries = boundaries
        self._limited = limited
        self.errands = Errands(database, rooms, accounts, rules, self.open)

    async def open(self, reader: Reader, account: Account) -> str:
        """The reader's side chat with an account's staff, with the reader in it; its room id."""
        if account.personal:
            raise Forbidden(f"@{account.handle} is one person's own account: greet {account.user_id} in a direct chat.")
        await self._check_welcome(reader, account.account_no)
        chat = await store.of_pair(self._database, account.account_no, reader.user_no)
        if chat is None:
            chat = await self._make(reader, account)
        for _ in range(TRIES_MAX):
            state = await self._rooms.eventlog.state(chat.room_no)
            assert state is not None
            if state.membership(reader.user_id) == "join":
                # A client may have written its list of direct chats without having seen ours.
                async with self._database.transaction() as tx:
                    await self._account_data.add_direct(tx, reader.user_no, account.user_id, state.room_id)
                return state.room_id
            try:
                await self._bring_in(reader, account, state)
            except Forbidden:
                continue  # what one device of theirs wanted, the other has done
        raise Conflict("The chat is just being opened or left; try again.")

    async def _make(self, reader: Reader, account: Account) -> SideChat:
        """The room with its row, all or none."""
        signer = Reader(account.account_no, account.user_id)
        wish = CreateRoom(
            preset="private_chat", name=account.name, creation_content={"m.federate": False}, is_direct=True,
            initial_state=[StateInput(SIDE_CHAT, {"account": account.handle}), *picture(account)],
            power_level_content_override=POWER_LEVELS,
        )  # fmt: skip

        async def keep(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            now_ms = self._clock.now_ms()
            opened = await store.opened_since(tx, reader.user_no, now_ms - types.DAY_MS)
            if self._limited and opened >= types.NEW_CHATS_A_DAY_MAX:
                raise LimitExceeded(
                    f"You can begin {types.NEW_CHATS_A_DAY_MAX} side chats a day.",
                    retry_after_ms=types.DAY_MS // types.NEW_CHATS_A_DAY_MAX,
                )
            if not await store.insert(tx, events[0].room_no, account.account_no, reader.user_no, now_ms):
                raise PairTaken("The chat is being opened already.")

        with suppress(PairTaken):
            await self._creation.create(signer, wish, keep)
        chat = await store.of_pair(self._database, account.account_no, reader.user_no)
        assert chat is not None
        return chat

    async def _bring_in(self, reader: Reader, account: Account, state: RoomState) -> None:
        """The account invites (when it comes to the first time, with the first line), the reader comes in."""
        current = state.membership(reader.user_id)
        if current != "invite":
            invite = await self._membership.member_content(reader.user_no, "invite", None)
            drafts = [Draft("m.room.member", invite | {"is_direct": True}, reader.user_id)]
            txn = None
            if current is None:
                line = texts.said(texts.READ, account.about.language, name=account.name)
                drafts.insert(0, Draft("m.room.message", {"msgtype": "m.notice", "body": line}))
                txn = Txn(account.account_no, "", SIDE_CHAT, "opened")  # two tries at once make one first line
            elif state.text("m.room.name", "name") != account.name:
                drafts.insert(0, Draft("m.room.name", {"name": account.name}, ""))
            users = {reader.user_id: reader.user_no}
            await self._rooms.append(
                Proposal(account.user_id, account.account_no, drafts, state.room_no, txn=txn, users=users)
            )

        async def listed(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await self._account_data.add_direct(tx, reader.user_no, account.user_id, state.room_id)

        content = await self._membership.member_content(reader.user_no, "join", None)
        await self._come_or_go(reader, state, content, listed)

    def keeps(self, state: RoomState) -> bool:
        return (SIDE_CHAT, "") in state.entries

    async def join(self, reader: Reader, state: RoomState) -> None:
        chat, account = await self._of(state)
        if reader.user_no != chat.reader_no:
            raise Forbidden("A side chat is for one reader and the account's staff.")
        await self.open(reader, account)

    async def leave(self, reader: Reader, state: RoomState) -> None:
        if reader.user_no == (await self._of(state))[0].account_no:
            raise Forbidden("An account does not leave its readers; they can leave.")

        async def left(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await store.settle(tx, state.room_no)

        await self._come_or_go(reader, state, {"membership": "leave"}, left)

    async def forget(self, reader: Reader, state: RoomState) -> None:
        await self._membership.drop(reader, state)

    async def send(self, reader: Reader, state: RoomState, event_type: str, txn: Txn, content: Content) -> str:
        chat, account = await self._of(state)
        if event_type == "m.room.encrypted":
            raise Forbidden(PLAIN_ONLY.format(handle=account.handle))
        await self._check_welcome(reader, chat.account_no)
        if event_type != "m.room.message" or content.get("msgtype") == "m.notice" or replaces(content):
            return await self._rooms.post(reader, state, event_type, txn, content)
        rule = await self._rules.answering(chat.account_no, keywords.text_of(event_type, content))

        async def asked(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            now_ms = self._clock.now_ms()
            current = await store.by_room(tx, chat.room_no)
            assert current is not None
            await store.asked(tx, current, now_ms)
            if rule is None or await store.rests(tx, chat.room_no, rule.rule_no, now_ms, now_ms - types.REPLY_EVERY_MS):
                return
            await store.add_errand(tx, chat.account_no, chat.reader_no, chat.room_no, rule.rule_no)
            tx.on_commit(self.errands.arrived)

        return await self._rooms.post(reader, state, event_type, txn, content, asked)

    async def redact(self, reader: Reader, state: RoomState, event_id: str, txn: Txn, content: Content) -> str:
        return await self._rooms.empty(reader, state, event_id, txn, content)

    def check_change(self, reader: Reader, state: RoomState, event_type: str) -> None:
        handle = str((state.content(SIDE_CHAT) or {}).get("account"))
        if event_type == "m.room.encryption":
            raise Forbidden(PLAIN_ONLY.format(handle=handle))
        raise Forbidden(f"This is a side chat with the staff of @{handle}: nobody else comes in, and nothing is set.")

    async def read(self, tx: Transaction, reader: Reader, state: RoomState, event_pos: int, pos: int) -> None:
        """How far a reader has read is not the staff's to know."""

    async def shown(self, state: RoomState, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        return events

    async def own(self, reader: Reader, state: RoomState, after: int, upto: int) -> Sequence[StoredEvent]:
        return ()

    async def own_about(self, reader: Reader, state: RoomState, event_pos: int) -> Sequence[StoredEvent]:
        return ()

    async def find(self, reader_no: int, account: Account) -> SideChat | None:
        """A reader's chat with an account, opened or left."""
        return await store.of_pair(self._database, account.account_no, reader_no)

    async def _check_welcome(self, reader: Reader, account_no: int) -> None:
        """Raises Forbidden for a reader whom the account's staff blocked."""
        if await self._boundaries.bars(self._database, account_no, reader.user_no):
            raise Forbidden("You cannot write to this account.")

    async def _of(self, state: RoomState) -> tuple[SideChat, Account]:
        chat = await store.by_room(self._database, state.room_no)
        assert chat is not None
        account = await self._accounts.at(chat.account_no)
        assert account is not None
        return chat, account

    async def _come_or_go(self, reader: Reader, state: RoomState, content: Content, also: Also) -> None:
        draft = Draft("m.room.member", content, reader.user_id)
        users = {reader.user_id: reader.user_no}
        await self._rooms.append(
            Proposal(reader.user_id, reader.user_no, [draft], state.room_no, also=also, users=users)
        )


def picture(account: Account) -> list[StateInput]:
    """The account's picture as the room's."""
    return [StateInput("m.room.avatar", {"url": account.about.picture})] if account.about.picture else []
