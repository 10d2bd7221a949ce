"""Many followers at once: those of a list that the operator brings along, or made-up ones to measure with.

They go into the same rows and counts as those who follow by themselves, some thousands in each transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from teahouse.clock import Clock
from teahouse.db import Database, Transaction, marks, padded
from teahouse.errors import InvalidParam
from teahouse.public_accounts import store
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.followers import FOLLOWS_MAX, Followers
from teahouse.public_accounts.types import Account, Follow

BATCH_USERS = 4_000  # followers of one transaction: tens of milliseconds, so that a running server goes on answering
SYNTHETIC_MAX = 100_000_000  # made-up followers of one command: more fill a disk by mistake
LINE_MAX_CHARACTERS = 1_000  # of the list; user names are shorter
UNKNOWN_SHOWN_MAX = 20  # names without a user that are told


@dataclass(slots=True)
class Loaded:
    """What came of a list: followers now, those who follow or left before, those who follow too many, names unknown."""

    followers: int = 0
    before: int = 0
    full: int = 0
    unknown: int = 0
    examples: list[str] = field(default_factory=list)


class Loading:
    """Loads followers in bulk."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts, followers: Followers) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._followers = followers

    async def synthetic(self, handle: str, count: int) -> Loaded:
        """Make users whom nobody signs in as, and let them follow an account."""
        if not 0 < count <= SYNTHETIC_MAX:
            raise InvalidParam(f"The number of made-up followers is from 1 to {SYNTHETIC_MAX:,}.")
        account = await self._accounts.require(handle)
        done = 0
        while done < count:
            size = min(BATCH_USERS, count - done)
            async with self._database.transaction() as tx:
                numbers = await self._accounts.registered.register_crowd(tx, size)
                await self._put(tx, account, numbers)
            done += size
        return Loaded(done)

    async def listed(self, handle: str, path: Path) -> Loaded:
        """Let the users of a list follow an account: one user name or id a line, empty lines and # comments aside.

        Who follows already stays as they are; who left stays away.
        """
        account = await self._accounts.require(handle)
        loaded = Loaded()
        try:
            with path.open(encoding="utf-8") as file:
                names = named(file)
                while batch := list(dict.fromkeys(islice(names, BATCH_USERS))):
                    await self._load(account, batch, loaded)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidParam(f"The list {path} cannot be read: {error}.") from None
        return loaded

    async def _load(self, account: Account, names: list[str], loaded: Loaded) -> None:
        users = self._accounts.users
        localparts = {users.localpart(name) if name.startswith("@") else name: name for name in names}
        known = await self._accounts.registered.numbers([each for each in localparts if each is not None])
        missing = [name for localpart, name in localparts.items() if localpart not in known]
        loaded.unknown += len(missing)
        loaded.examples += missing[: UNKNOWN_SHOWN_MAX - len(loaded.examples)]
        numbers = [number for number in known.values() if number != account.account_no]
        if not numbers:
            return
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                f"SELECT user_no, account_no FROM follows WHERE account_no = ? AND user_no IN ({marks(len(numbers))})",
                account.account_no, *padded(numbers),
            )  # fmt: skip
            tied = {row[0] for row in rows}
            rows = await tx.fetch(
                f"SELECT user_no FROM follows WHERE user_no IN ({marks(len(numbers))}) AND until IS NULL "
                "GROUP BY user_no HAVING count(*) >= ?",
                *padded(numbers), FOLLOWS_MAX,
            )  # fmt: skip
            full = {row[0] for row in rows} - tied
            new = [number for number in numbers if number not in tied and number not in full]
            await self._put(tx, account, new)
        loaded.followers += len(new)
        loaded.before += len(tied)
        loaded.full += len(full)

    async def _put(self, tx: Transaction, account: Account, numbers: list[int]) -> None:
        """The rows of new followers and the counts of them."""
        if not numbers:
            return
        first = tx.positions(len(numbers))
        now_s = self._clock.now_ms() // 1_000
        ties = [
            (number, Follow(account.account_no, account.room_no, pos, 0, now_s, 0, pos))
            for pos, number in enumerate(numbers, first)
        ]
        await store.put_follows(tx, ties)
        await self._followers.count(tx, account, "other", len(ties))
        tx.on_commit(lambda: self._followers.changed_many(ties))


def named(lines: Iterator[str]) -> Iterator[str]:
    """The names of a list."""
    for line in lines:
        name = line.strip()
        if len(name) > LINE_MAX_CHARACTERS:
            raise InvalidParam(f"A line of the list has at most {LINE_MAX_CHARACTERS:,} characters.")
        if name and not name.startswith("#"):
            yield name
