"""Opening and describing public accounts, and who works for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Reader, Row, Transaction, marks, padded
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound
from teahouse.eventlog.types import Draft, Proposal, StoredEvent
from teahouse.posts.media import ACCOUNT_ITSELF, PublicMedia
from teahouse.posts.types import Publisher, Ref
from teahouse.public_accounts import finding, lookalikes, naming, staff, types
from teahouse.public_accounts.quotas import Quotas
from teahouse.public_accounts.skeletons import skeleton
from teahouse.public_accounts.types import About, Account
from teahouse.rooms import types as rooms_types
from teahouse.rooms.creation import CreateRoom, Creation, StateInput
from teahouse.rooms.service import Rooms
from teahouse.users.accounts import Accounts as Users

ACCOUNTS_CACHED_MAX = 20_000  # accounts kept in memory
ROLES = {"owner": 3, "editor": 2, "analyst": 1}  # each may do what those below may
FIELDS = (
    "account_no", "handle", "room_no", "kind", "name", "about", "created_ms", "followers", "posts", "pinned", "badge",
    "badge_until_ms",
)  # fmt: skip
COLUMNS = ", ".join(FIELDS)


class Accounts:
    """Public accounts of this server."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, creation: Creation, users: Users, media: PublicMedia,
        quotas: Quotas, opening: str, owned_max: int, is_stranger: Callable[[int, int], Awaitable[bool]],
    ) -> None:  # fmt: skip
        """`opening` is the operator's policy: everyone, or staff (the operator's own); one person owns at most
        `owned_max` accounts. `is_stranger(user_no, other_no)`
        says whether two have to greet each other first.
        """
        self._is_stranger = is_stranger
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._creation = creation
        self.registered = users
        self.users = users.directory
        self._media = media
        self.quotas = quotas
        self._opening = opening
        self._owned_max = owned_max
        self._accounts: OrderedDict[int, Account] = OrderedDict()
        self._changes = 0  # of accounts; what pins a post takes no position
        self._handles: dict[str, int] = {}

    def now_ms(self) -> int:
        """The time, milliseconds since the epoch."""
        return self._clock.now_ms()

    async def open(
        self, reader: rooms_types.Reader, handle: str, kind: str, name: str, about: About, *, admin: bool
    ) -> Account:
        """Open an account; its owner is who asks. A personal one is of the person's own name."""
        if kind not in types.KINDS:
            raise InvalidParam(f"'kind' must be one of {', '.join(types.KINDS)}.")
        if kind != "person" and self._opening == "staff" and not admin:
            raise Forbidden("On this server only the operator's staff open public accounts. Write to them to ask.")
        naming.check_profile(name, about)
        own = self.users.localpart(reader.user_id)
        if kind == "person" and handle != own:
            raise InvalidParam(f"A personal account has its owner's name: {own}.")
        naming.check_handle(handle, staff=admin)
        if await self.find(handle) is not None:
            raise Conflict("This handle is taken.")
        await self._media.uploads(pictures(about), {reader.user_no})
        await self._check_likeness(self._database, handle, kind, name)
        user_no = reader.user_no if kind == "person" else await self._reserve(reader, handle)
        await self._make(reader.user_no, user_no, handle, kind, name, about)
        return await self.require(handle)

    async def _reserve(self, reader: rooms_types.Reader, handle: str) -> int:
        """The user that signs for an account. One left over from an opening that was cut short is taken up again."""

        async def also(tx: Transaction, user_no: int) -> None:
            await staff.check_owned(tx, reader.user_no, user_no, self._owned_max)
            await staff.insert(tx, reader.user_no, user_no, "owner", self._clock.now_ms())

        row = await self._database.fetch_one(
            "SELECT u.user_no FROM users u JOIN account_staff s ON s.account_no = u.user_no AND s.user_no = ? "
            "WHERE u.localpart = ?",
            reader.user_no, handle,
        )  # fmt: skip
        return int(row[0]) if row is not None else (await self.registered.register_signer(handle, also)).user_no

    async def _make(self, owner_no: int, user_no: int, handle: str, kind: str, name: str, about: About) -> None:
        """The channel with the account's rows, all or none."""
        signer = rooms_types.Reader(user_no, self.users.full_id(handle))
        state = [
            StateInput("m.room.history_visibility", {"history_visibility": "world_readable"}),
            StateInput(types.CHANNEL, {"account": handle, "kind": kind}),
        ]
        alias = f"#{signer.user_id[1:]}"  # somebody may have given it to a room of theirs: then there is none
        taken = await self._database.fetch_one("SELECT 1 FROM aliases WHERE alias = ?", alias)
        if about.picture:
            state.append(StateInput("m.room.avatar", {"url": about.picture}))
        wish = CreateRoom(
            visibility="public", room_alias_name=None if taken else handle, name=name, topic=about.description or None,
            preset="public_chat", creation_content={"m.federate": False}, initial_state=state,
            power_level_content_override=dict(types.POWER_LEVELS),
        )  # fmt: skip

        async def keep(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            now_ms = self._clock.now_ms()
            await self._check_likeness(tx, handle, kind, name)  # again: another one may have come meanwhile
            await tx.execute(
                f"INSERT INTO public_accounts ({COLUMNS}, handle_form) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '', 0, ?)",
                user_no, handle, events[0].room_no, kind, name, msgspec.json.encode(about), now_ms,
                skeleton(handle),
            )  # fmt: skip
            await finding.index(tx, user_no, finding.terms_of(handle, name, about.description))
            await staff.check_owned(tx, owner_no, user_no, self._owned_max)
            await staff.insert(tx, owner_no, user_no, "owner", now_ms)
            await self._media.show_account(tx, user_no, pictures(about))
            if kind != "person":
                await self.users.set_names(tx, user_no, name, about.picture)

        await self._creation.create(signer, wish, keep, None if kind == "person" else types.shown(name, about))

    async def describe(self, account: Account, name: str, about: About) -> Account:
        """Change what an account says of itself, in its channel too."""
        naming.check_profile(name, about)
        owners = await self.writers(account.account_no)
        await self._media.uploads(pictures(about), owners, Ref(account.account_no, ACCOUNT_ITSELF))
        if name != account.name:
            if account.verified(self._clock.now_ms()):
                raise Forbidden(
                    "The badge vouches for this name. Give the badge up first, and ask for it under the new one."
                )
            await lookalikes.check(self._database, (name,), account.account_no)
        drafts = [Draft("m.room.name", {"name": name}, ""), Draft("m.room.topic", {"topic": about.description}, "")]
        if about.picture != account.about.picture:
            drafts.append(Draft("m.room.avatar", {"url": about.picture} if about.picture else {}, ""))
        users = {}
        shown = types.shown(name, about)
        if not account.personal and shown != types.shown(account.name, account.about):
            # Clients show a post under the name and picture that its sender has in the room.
            drafts.append(Draft("m.room.member", {"membership": "join"} | shown, account.user_id))
            users[account.user_id] = account.account_no

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if name != account.name:  # one that others came to look like keeps its name
                await lookalikes.check(tx, (name,), account.account_no)
            await tx.execute(
                "UPDATE public_accounts SET name = ?, about = ? WHERE account_no = ?",
                name, msgspec.json.encode(about), account.account_no,
            )  # fmt: skip
            await self._media.show_account(tx, account.account_no, pictures(about))
            terms = finding.terms_of(account.handle, name, about.description)
            await finding.index(tx, account.account_no, terms)
            if not account.personal:
                await self.users.set_names(tx, account.account_no, name, about.picture)
            tx.on_commit(lambda: self.forget(account.account_no))

        await self._rooms.append(
            Proposal(account.user_id, account.account_no, drafts, account.room_no, also=also, users=users)
        )  # fmt: skip
        return await self.require(account.handle)

    async def find(self, handle: str) -> Account | None:
        """An account by its handle."""
        account_no = self._handles.get(handle)
        return await self._load("handle = ?", handle) if account_no is None else await self.at(account_no)

    async def require(self, handle: str) -> Account:
        """An account by its handle; raises NotFound."""
        account = await self.find(handle)
        if account is None:
            raise NotFound(f"There is no public account @{handle}.")
        return account

    async def at(self, account_no: int) -> Account | None:
        """An account by its number."""
        account = self._accounts.get(account_no)
        return await self._load("account_no = ?", account_no) if account is None else account

    async def know(self, account_nos: Collection[int]) -> None:
        """Read some accounts into memory at once, as far as they are not there yet: `at` then asks nothing."""
        missing = [number for number in account_nos if number not in self._accounts]
        if not missing:
            return
        place = self._place()
        sql = f"SELECT {COLUMNS} FROM public_accounts WHERE account_no IN ({marks(len(missing))})"
        for row in await self._database.fetch(sql, *padded(missing)):
            self._kept(row, place)

    async def publisher(self, account_no: int) -> Publisher | None:
        """An account as posts see it."""
        account = await self.at(account_no)
        return None if account is None else publisher(account)

    async def publisher_named(self, handle: str) -> Publisher | None:
        """The same by its handle."""
        account = await self.find(handle)
        return None if account is None else publisher(account)

    async def writers(self, account_no: int) -> set[int]:
        """Everybody who works for the account, and the account itself."""
        return {account_no, *(user_no for user_no, _, _ in await self.staff(account_no))}

    async def pinned(self, account_no: int) -> int:
        """The number of the account's pinned post; 0 for none."""
        account = await self.at(account_no)
        return 0 if account is None else account.pinned

    async def unpin(self, tx: Transaction, account_no: int, number: int) -> None:
        """A post is pinned no more, if it was."""
        if await tx.execute(
            "UPDATE public_accounts SET pinned = 0 WHERE account_no = ? AND pinned = ?", account_no, number
        ):
            tx.on_commit(lambda: self.changed(account_no, pinned=0))

    async def newest(self, account_no: int) -> int:
        """The number of the account's newest post."""
        row = await self._database.fetch_one("SELECT posts FROM public_accounts WHERE account_no = ?", account_no)
        return 0 if row is None else int(row[0])

    async def posted(self, tx: Transaction, account_no: int, number: int, *, news: bool) -> bool:
        """Move the account's newest number on by one, to `number`; False when it stands elsewhere.

        Raises LimitExceeded when the account has published as much as its kind may in a day. What is no `news` was
        published elsewhere before, and does not count.
        """
        row = await tx.fetch_one(
            "UPDATE public_accounts SET posts = ? WHERE account_no = ? AND posts = ? RETURNING kind",
            number, account_no, number - 1,
        )  # fmt: skip
        if row is None:
            return False
        if news:
            await self.quotas.spend(tx, account_no, row[0], self._clock.now_ms())
        tx.on_commit(lambda: self.changed(account_no, posts=number))
        return True

    async def pin(self, account: Account, number: int) -> None:
        """Put a post on top of the account's page and into the channel's pinned events; 0 for none."""
        pinned: list[str] = []
        if number:
            row = await self._database.fetch_one(
                "SELECT pos FROM posts WHERE account_no = ? AND number = ? AND fate = 0", account.account_no, number
            )
            if row is None:
                raise NotFound("There is no such post.")
            pinned.append(self._rooms.eventlog.identifiers.event_id(row[0], account.room_no))

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await tx.execute("UPDATE public_accounts SET pinned = ? WHERE account_no = ?", number, account.account_no)
            tx.on_commit(lambda: self.changed(account.account_no, pinned=number))

        draft = Draft("m.room.pinned_events", {"pinned": pinned}, "")
        await self._rooms.append(Proposal(account.user_id, account.account_no, [draft], account.room_no, also=also))

    async def role(self, user_no: int, account_no: int) -> str:
        """What somebody may do for an account; '' for nothing."""
        return await staff.role(self._database, user_no, account_no)

    async def require_role(self, user_no: int, account: Account, role: str) -> None:
        """Raises Forbidden for one who may do less than `role`."""
        if ROLES.get(await self.role(user_no, account.account_no), 0) < ROLES[role]:
            raise Forbidden(f"For this you must be {role} of @{account.handle}.")

    async def staff(self, account_no: int) -> list[tuple[int, types.Role, int]]:
        """Who works for an account: (user_no, role, since_ms)."""
        rows = await self._database.fetch(
            "SELECT user_no, role, since_ms FROM account_staff WHERE account_no = ? ORDER BY since_ms, user_no LIMIT ?",
            account_no, staff.STAFF_MAX,
        )  # fmt: skip
        return [(row[0], row[1], row[2]) for row in rows]

    async def of_staff(self, user_no: int) -> list[tuple[Account, str]]:
        """The accounts somebody works for, with their role."""
        rows = await self._database.fetch(
            "SELECT account_no, role FROM account_staff WHERE user_no = ? ORDER BY since_ms LIMIT ?",
            user_no,
            staff.STAFF_MAX,
        )
        found = [(await self.at(account_no), role) for account_no, role in rows]
        return [(account, role) for account, role in found if account is not None]

    async def works_for(self, user_no: int, account_nos: Collection[int]) -> set[int]:
        """Those of some accounts that somebody works for."""
        rows = await self._database.fetch(
            f"SELECT account_no FROM account_staff WHERE user_no = ? AND account_no IN ({marks(len(account_nos))})",
            user_no, *padded([*account_nos]),
        )  # fmt: skip
        return {row[0] for row in rows}

    async def hire(self, asker_no: int, account: Account, user_no: int, role: str) -> None:
        """Let somebody work for an account, as one of its owners asks: a contact, or one who works for it already.

        Nobody finds themselves the owner of a stranger's account.
        """
        if not await self.role(user_no, account.account_no) and await self._is_stranger(asker_no, user_no):
            raise Forbidden("Only your contacts can work for this account: greet them first, in a direct chat.")
        await self.set_role(account, user_no, role)

    async def set_role(self, account: Account, user_no: int, role: str) -> None:
        """Let somebody work for an account; '' ends it. The last owner stays."""
        if account.personal:
            raise Forbidden("A personal account is its person's alone.")
        if role and role not in ROLES:
            raise InvalidParam(f"'role' must be one of {', '.join(ROLES)}.")
        async with self._database.transaction() as tx:
            if role == "owner":
                await staff.check_owned(tx, user_no, account.account_no, self._owned_max)
            await staff.set_role(tx, account.account_no, user_no, role, self._clock.now_ms())

    async def has_owner(self, account_no: int) -> bool:
        """Whether anybody owns an account still; its last owner may have closed their own account."""
        return any(role == "owner" for _, role, _ in await self.staff(account_no))

    async def closed(self, tx: Transaction, user_no: int) -> None:
        """Somebody closes their own account: they work for no other any more."""
        await staff.end_all(tx, user_no)

    async def directory(self, search: str, kind: str, before: tuple[int, int], limit_: int) -> list[Account]:
        """Accounts with every word of `search`, the most followed first; `before` is the last of the page before."""
        rows = await finding.search(
            self._database, ", ".join(f"a.{field}" for field in FIELDS), search, kind, before, limit_
        )
        return [self._account(row) for row in rows]

    async def _check_likeness(self, reader: Reader, handle: str, kind: str, name: str) -> None:
        """Raises Conflict for a handle or name that looks like another's."""
        await lookalikes.check(reader, (handle, name))
        if kind != "person":  # people cannot choose: their account has the name they have here already
            await lookalikes.check_handle(reader, handle)

    def changed(self, account_no: int, **values: Any) -> None:
        """Bring the cache up to a commit."""
        self._changes += 1
        account = self._accounts.get(account_no)
        if account is not None:
            self._accounts[account_no] = replace(account, **values)

    def counted(self, account_no: int, by: int) -> None:
        """Followers came or went."""
        self._changes += 1
        account = self._accounts.get(account_no)
        if account is not None:
            self._accounts[account_no] = replace(account, followers=account.followers + by)

    def forget(self, account_no: int) -> None:
        """Read an account anew the next time."""
        self._changes += 1
        self._accounts.pop(account_no, None)

    async def _load(self, condition: str, value: int | str) -> Account | None:
        place = self._place()
        row = await self._database.fetch_one(f"SELECT {COLUMNS} FROM public_accounts WHERE {condition}", value)
        return None if row is None else self._kept(row, place)

    def _place(self) -> tuple[int, int]:
        """Where the log and the accounts are now: what is read is kept if they are there still."""
        return self._database.head, self._changes

    def _kept(self, row: Row, place: tuple[int, int]) -> Account:
        """An account read at a `place`: into memory, unless something changed meanwhile."""
        account = self._account(row)
        if place == self._place():
            self._accounts[account.account_no] = account
            self._handles[account.handle] = account.account_no
            if len(self._accounts) > ACCOUNTS_CACHED_MAX:
                self._handles.pop(self._accounts.popitem(last=False)[1].handle, None)
        return account

    def _account(self, row: Row) -> Account:
        about = msgspec.json.decode(row[5], type=About)
        return Account(row[0], self.users.full_id(row[1]), row[1], row[2], row[3], row[4], about, *row[6:])


def publisher(account: Account) -> Publisher:
    """An account as posts see it."""
    return Publisher(account.account_no, account.user_id, account.handle, account.room_no)


def pictures(about: About) -> list[str]:
    """The addresses of an account's picture and cover."""
    return [url for url in (about.picture, about.cover) if url]
