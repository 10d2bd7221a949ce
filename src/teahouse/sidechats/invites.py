"""Inviting an account's user: to a direct chat it means opening the side chat; to anything else it is refused.

An account's user never comes into a room that somebody else made: there the maker holds the power, and could switch on
encryption or invite others. So the direct invite is let in, turned down with the reason, and the side chat opened.
"""

from __future__ import annotations

from teahouse.db import Transaction
from teahouse.errors import Forbidden
from teahouse.eventlog.types import StoredEvent
from teahouse.public_accounts.accounts import Accounts
from teahouse.rooms.types import InvitePolicy
from teahouse.sidechats import store
from teahouse.sidechats.errands import Errands


class AccountInvites:
    """The invite policy of people, with that of accounts before it."""

    def __init__(self, people: InvitePolicy, accounts: Accounts, errands: Errands) -> None:
        self._people = people
        self._accounts = accounts
        self._errands = errands

    async def check_invite(
        self, sender_no: int, sender: str, target_no: int, target: str, *, direct: bool, public: bool,
        reason: str | None,
    ) -> None:  # fmt: skip
        account = await self._accounts.at(target_no)
        if account is None or account.personal:
            await self._people.check_invite(
                sender_no, sender, target_no, target, direct=direct, public=public, reason=reason
            )
        elif public or not direct:
            raise Forbidden(
                f"@{account.handle} is a public account and comes into no rooms of others. Join its channel to "
                "read; to write to its staff begin a direct chat with it, or "
                f"POST /_teahouse/v1/accounts/{account.handle}/chat."
            )

    async def greeted(self, tx: Transaction, sender_no: int, target_no: int, invite: StoredEvent) -> None:
        if await store.is_signer(tx, target_no):
            await store.add_errand(tx, target_no, sender_no, invite.room_no, 0)
            tx.on_commit(self._errands.arrived)
        else:
            await self._people.greeted(tx, sender_no, target_no, invite)

    async def accepted(self, tx: Transaction, sender_no: int, target_no: int) -> None:
        await self._people.accepted(tx, sender_no, target_no)

    @property
    def refuses_silently(self) -> bool:
        return self._people.refuses_silently

    async def refused(self, tx: Transaction, target_no: int, room_no: int) -> None:
        await self._people.refused(tx, target_no, room_no)
