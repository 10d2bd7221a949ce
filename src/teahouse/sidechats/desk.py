"""Everything of side chats, put together."""

from __future__ import annotations

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.posts.media import PublicMedia
from teahouse.posts.service import Posts
from teahouse.public_accounts.accounts import Accounts
from teahouse.rooms.creation import Creation
from teahouse.rooms.history import History
from teahouse.rooms.membership import Membership
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import InvitePolicy
from teahouse.sidechats.chats import SideChats
from teahouse.sidechats.inbox import Inbox
from teahouse.sidechats.invites import AccountInvites
from teahouse.sidechats.rules import Rules
from teahouse.sidechats.welcome import Welcomes
from teahouse.users.account_data import AccountData


class Desk:
    """The side chats of this server."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, creation: Creation, membership: Membership,
        history: History, accounts: Accounts, account_data: AccountData, posts: Posts,
        media: PublicMedia, *, limited: bool,
    ) -> None:  # fmt: skip
        """`limited`: whether rate limits are held."""
        self._accounts = accounts
        self.rules = Rules(database)
        self.chats = SideChats(
            database, clock, rooms, creation, membership, accounts, account_data, self.rules, posts.boundaries,
            limited=limited,
        )  # fmt: skip
        self.errands = self.chats.errands
        self.media = media
        self.inbox = Inbox(database, clock, rooms, history, accounts)
        self.welcomes = Welcomes(database, accounts, posts)

    def invites(self, people: InvitePolicy) -> AccountInvites:
        """The invite policy of people, with that of accounts before it."""
        return AccountInvites(people, self._accounts, self.errands)
