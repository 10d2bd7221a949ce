"""Friends by consent. A greeting is a direct-chat invite; accepting it makes two contacts; groups are for contacts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from teahouse.clock import Clock
from teahouse.contacts import store
from teahouse.contacts.greeting import check_reason
from teahouse.contacts.types import CONTACTS_MAX, REMARK_MAX_CHARACTERS, Contact, Greeting, GreetingLimits
from teahouse.db import Database, Transaction
from teahouse.db import Reader as DatabaseReader
from teahouse.errors import Forbidden, InvalidParam, InviteBlocked, LimitExceeded, NotFound
from teahouse.eventlog.types import StoredEvent

GREETING_DAYS = 30  # a greeting without an answer stops counting as waiting after so many days
GREET_AGAIN_MS = 86_400_000  # between two greetings to one person: who said no, silently, is not asked every minute
DAY_MS = 86_400_000
REQUESTS_SHOWN_MAX = 500  # greetings listed in each direction


class Preferences(Protocol):
    """What the invited person has set, in account data."""

    async def invites_blocked(self, user_no: int) -> bool:
        """Whether `m.invite_permission_config` refuses all invites."""

    async def ignored(self, user_no: int) -> Collection[str]:
        """Users the person ignores."""


class FriendsListener(Protocol):
    """Told, inside the transaction, of friendships that begin and end."""

    async def befriended(self, tx: Transaction, user_no: int, other_no: int) -> None:
        """Two users became contacts (or were already)."""

    async def parted(self, tx: Transaction, user_no: int, other_no: int) -> None:
        """Two users are contacts no more."""


Ignore = Callable[[Transaction, int, str], Awaitable[Any]]


class Contacts:
    """The friend graph; implements the rooms' `InvitePolicy`."""

    def __init__(
        self, database: Database, clock: Clock, limits: GreetingLimits, preferences: Preferences, ignore: Ignore
    ) -> None:
        """`ignore(tx, user_no, user_id)` puts a user on another's `m.ignored_user_list`."""
        self._database = database
        self._clock = clock
        self._limits = limits
        self._preferences = preferences
        self._ignore = ignore
        self.listeners: list[FriendsListener] = []

    async def check_invite(
        self,
        sender_no: int,
        sender: str,
        target_no: int,
        target: str,
        *,
        direct: bool,
        public: bool,
        reason: str | None,
    ) -> None:
        """Refuse invites that the target or the house does not want. One who is ignored is not told so."""
        if await self._preferences.invites_blocked(target_no):
            raise InviteBlocked(f"{target} accepts no invitations at present.")
        if not self._limits.required or sender_no == target_no:
            return
        if await store.contact(self._database, sender_no, target_no) is not None:
            return
        if not direct:
            raise Forbidden(
                f"{target} is not among your contacts. Greet them first by inviting them to a direct chat; "
                "once they have accepted you can invite them to groups."
            )
        check_reason(reason)
        await self._check_limits(self._database, sender_no, target_no)

    async def greeted(self, tx: Transaction, sender_no: int, target_no: int, invite: StoredEvent) -> None:
        if await store.contact(tx, sender_no, target_no) is not None:
            return
        if self._limits.required:
            await self._check_limits(tx, sender_no, target_no)  # again: many sent at once saw each other only here
        reason = invite.content.get("reason")
        text = reason if isinstance(reason, str) else ""
        await store.greet(tx, target_no, sender_no, invite.room_no, invite.origin_server_ts, text)

    async def accepted(self, tx: Transaction, sender_no: int, target_no: int) -> None:
        # An invitation outlives the wish behind it: one from before the two parted, or before its sender blocked the
        # other, still lets into the room, and makes no contact any more.
        if await store.last_sent(tx, sender_no, target_no) is None:
            return
        for user_no in (sender_no, target_no):
            if await store.count(tx, user_no) >= CONTACTS_MAX:
                raise Forbidden(f"One of you has the most contacts one can have, {CONTACTS_MAX}.")
        await store.befriend(tx, sender_no, target_no, self._clock.now_ms())
        for listener in self.listeners:
            await listener.befriended(tx, sender_no, target_no)

    async def refused(self, tx: Transaction, target_no: int, room_no: int) -> None:
        await store.refuse(tx, target_no, room_no)

    @property
    def refuses_silently(self) -> bool:
        """Whether one who says no to a greeting does so without the sender learning of it."""
        return self._limits.required

    async def are_contacts(self, user_no: int, other_no: int) -> bool:
        """Whether two users accepted each other."""
        return await store.contact(self._database, user_no, other_no) is not None

    async def is_stranger(self, user_no: int, other_no: int) -> bool:
        """Whether an invite from the other one is a greeting: where greetings are required, one from no contact."""
        return self._limits.required and not await self.are_contacts(user_no, other_no)

    async def numbers(self, user_no: int) -> list[int]:
        """The user_no of every contact of a user."""
        return [each.other_no for each in await store.contacts(self._database, user_no, 0, CONTACTS_MAX)]

    async def page(self, user_no: int, after: int, limit: int) -> list[Contact]:
        """Contacts of a user, in a fixed order, after one of them."""
        return await store.contacts(self._database, user_no, after, limit)

    async def requests(self, user_no: int) -> tuple[list[Greeting], list[Greeting]]:
        """Greetings that wait: for this user's answer, and for others' answers."""
        oldest_ms = self._clock.now_ms() - GREETING_DAYS * DAY_MS
        return (
            await store.incoming(self._database, user_no, REQUESTS_SHOWN_MAX),
            await store.outgoing(self._database, user_no, oldest_ms, REQUESTS_SHOWN_MAX),
        )

    async def remark(self, user_no: int, other_no: int, text: str) -> None:
        """Set the private remark on a contact."""
        if len(text) > REMARK_MAX_CHARACTERS:
            raise InvalidParam(f"A remark has at most {REMARK_MAX_CHARACTERS} characters.")
        async with self._database.transaction() as tx:
            if not await store.remark(tx, user_no, other_no, text):
                raise NotFound("This is none of your contacts.")

    async def remove(self, user_no: int, other_no: int) -> None:
        """End a contact, for both."""
        async with self._database.transaction() as tx:
            if not await self._part(tx, user_no, other_no):
                raise NotFound("This is none of your contacts.")

    async def block(self, user_no: int, other_no: int, other: str) -> None:
        """End a contact if there is one, and ignore the user: their messages, invites and greetings vanish."""
        async with self._database.transaction() as tx:
            await self._part(tx, user_no, other_no)
            await store.withdraw(tx, user_no, other_no)
            await self._ignore(tx, user_no, other)

    async def _part(self, tx: Transaction, user_no: int, other_no: int) -> bool:
        parted = await store.part(tx, user_no, other_no) > 0
        for listener in self.listeners if parted else ():
            await listener.parted(tx, user_no, other_no)
        return parted

    async def _check_limits(self, db: DatabaseReader, sender_no: int, target_no: int) -> None:
        if not self._limits.limited:
            return
        now_ms = self._clock.now_ms()
        last_ms = await store.last_sent(db, sender_no, target_no)
        if last_ms is not None and now_ms - last_ms < GREET_AGAIN_MS:
            raise LimitExceeded(
                "You have greeted this person today already.", retry_after_ms=last_ms + GREET_AGAIN_MS - now_ms
            )
        waiting = await store.sent(db, sender_no, now_ms - GREETING_DAYS * DAY_MS)
        if last_ms is None and waiting >= self._limits.pending_max:
            raise LimitExceeded(
                f"{self._limits.pending_max} of your greetings wait for an answer already.", retry_after_ms=DAY_MS
            )
        if await store.sent(db, sender_no, now_ms - DAY_MS) >= self._limits.per_day_max:
            raise LimitExceeded(f"You can greet {self._limits.per_day_max} people a day.", retry_after_ms=DAY_MS // 24)
