"""Topics: an account declares what its posts are about, a post carries some of them, and a follower chooses.

A choice is the follower's own: of which topics posts alert, and of which they appear in the merged feed. Every post
stands on the account's page and in its channel all the same. Its staff learn how many chose a topic, never who.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from teahouse.db import Database, Reader, Row, Transaction
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound
from teahouse.posts.store import mask_of
from teahouse.posts.wording import limit, line

TOPICS_MAX = 20  # of one account at once: more are no choice but a form
TOPICS_EVER_MAX = 60  # of one account in its life: each keeps its bit, for posts that carry it
TOPIC_MAX_CHARACTERS = 40  # of a topic's name
TOLD_FROM = 5  # staff are told smaller counts only as "<5"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something an account writes about. `alerts` and `shown` count the followers who chose it."""

    place: int
    name: str
    alerts: int
    shown: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a follower wants of an account, as bits of its topics. 0: everything."""

    alerts: int = 0
    shown: int = 0


EVERYTHING = Choice()


class Topics:
    """Topics of all accounts, and who chose which."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.taken_back: Callable[[], None] = lambda: None  # called when followers' choices are to be changed for it

    async def of_account(self, account_no: int) -> list[Topic]:
        """What an account writes about."""
        rows = await self._database.fetch(
            "SELECT place, name, alerts, shown FROM topics WHERE account_no = ? AND name <> '' ORDER BY place LIMIT ?",
            account_no, TOPICS_MAX,
        )  # fmt: skip
        return [Topic(*row) for row in rows]

    async def topics_of(self, user_no: int, account_no: int) -> Choice:
        """What a follower chose of an account."""
        return await self.choice_in(self._database, user_no, account_no)

    async def choice_in(self, reader: Reader, user_no: int, account_no: int) -> Choice:
        """The same as a transaction sees it."""
        row = await reader.fetch_one(
            "SELECT alerts, shown FROM topic_choices WHERE user_no = ? AND account_no = ?", user_no, account_no
        )
        if row is None:
            return EVERYTHING
        declared = await reader.fetch(
            "SELECT place FROM topics WHERE account_no = ? AND name <> '' LIMIT ?", account_no, TOPICS_MAX
        )
        mask = mask_of(row[0] for row in declared)
        return Choice(row[0] & mask, row[1] & mask)

    async def choices(self, user_no: int) -> Mapping[int, Choice]:
        """What a follower chose, by account; accounts of which they want everything are left out.

        Bounded by how many accounts one can follow. A topic that was taken back counts no more: who chose no other
        wants everything.
        """
        rows = await self._database.fetch(
            "SELECT account_no, alerts, shown FROM topic_choices WHERE user_no = ?", user_no
        )
        if not rows:
            return {}
        declared = await self._database.fetch(
            "SELECT t.account_no, t.place FROM topic_choices c JOIN topics t ON t.account_no = c.account_no "
            "AND t.name <> '' WHERE c.user_no = ?",
            user_no,
        )
        masks: dict[int, int] = {}
        for account_no, place in declared:
            masks[account_no] = masks.get(account_no, 0) | 1 << place
        found = {no: Choice(alerts & masks.get(no, 0), shown & masks.get(no, 0)) for no, alerts, shown in rows}
        return {no: choice for no, choice in found.items() if choice != EVERYTHING}

    async def check(self, account_no: int, places: Collection[int]) -> None:
        """Raises InvalidParam unless the account declares all of these topics."""
        if places and not set(places) <= {topic.place for topic in await self.of_account(account_no)}:
            raise InvalidParam("'topics' must name topics that the account declares.")

    async def declare(self, account_no: int, name: str) -> Topic:
        """A new topic of an account."""
        name = named(name)
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT place, name FROM topics WHERE account_no = ? ORDER BY place LIMIT ?",
                account_no, TOPICS_EVER_MAX,
            )  # fmt: skip
            check_name(rows, name)
            if sum(1 for row in rows if row[1]) >= TOPICS_MAX:
                raise Forbidden(f"An account has at most {TOPICS_MAX} topics at once.")
            if len(rows) >= TOPICS_EVER_MAX:
                raise Forbidden(f"An account declares at most {TOPICS_EVER_MAX} topics ever: rename one instead.")
            place = len(rows)
            await tx.execute(
                "INSERT INTO topics (account_no, place, name, alerts, shown) VALUES (?, ?, ?, 0, 0)",
                account_no, place, name,
            )  # fmt: skip
        return Topic(place, name, 0, 0)

    async def rename(self, account_no: int, place: int, name: str) -> None:
        """Call a topic something else; posts and choices stay."""
        name = named(name)
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT place, name FROM topics WHERE account_no = ? AND place <> ? ORDER BY place LIMIT ?",
                account_no, place, TOPICS_EVER_MAX,
            )  # fmt: skip
            check_name(rows, name)
            await self._set_name(tx, account_no, place, name)

    async def take_back(self, account_no: int, place: int) -> None:
        """Declare a topic no more. Posts that carry it stand; who chose no other gets everything again."""
        async with self._database.transaction() as tx:
            await self._set_name(tx, account_no, place, "")
            await tx.execute(
                "UPDATE topics SET alerts = 0, shown = 0 WHERE account_no = ? AND place = ?", account_no, place
            )
            await tx.execute(
                "INSERT INTO topic_ends (account_no, place, after_no) VALUES (?, ?, 0)", account_no, place
            )  # fmt: skip
            tx.on_commit(self.taken_back)

    async def choose(self, tx: Transaction, user_no: int, account_no: int, choice: Choice) -> None:
        """A follower chooses; the caller has checked that they follow, and which topics there are."""
        before = await self.choice_in(tx, user_no, account_no)
        for place in range(TOPICS_EVER_MAX):
            alerts = (choice.alerts >> place & 1) - (before.alerts >> place & 1)
            shown = (choice.shown >> place & 1) - (before.shown >> place & 1)
            if alerts or shown:
                await tx.execute(
                    "UPDATE topics SET alerts = alerts + ?, shown = shown + ? WHERE account_no = ? AND place = ?",
                    alerts, shown, account_no, place,
                )  # fmt: skip
        await tx.execute("DELETE FROM topic_choices WHERE user_no = ? AND account_no = ?", user_no, account_no)
        if choice != EVERYTHING:
            await tx.execute(
                "INSERT INTO topic_choices (user_no, account_no, alerts, shown) VALUES (?, ?, ?, ?)",
                user_no, account_no, choice.alerts, choice.shown,
            )  # fmt: skip

    async def forget(self, tx: Transaction, user_no: int, account_no: int) -> None:
        """Somebody follows an account no more: what they chose goes."""
        row = await tx.fetch_one(
            "SELECT 1 FROM topic_choices WHERE user_no = ? AND account_no = ?", user_no, account_no
        )
        if row is not None:
            await self.choose(tx, user_no, account_no, EVERYTHING)

    async def _set_name(self, tx: Transaction, account_no: int, place: int, name: str) -> None:
        changed = await tx.execute(
            "UPDATE topics SET name = ? WHERE account_no = ? AND place = ? AND name <> ''", name, account_no, place
        )
        if not changed:
            raise NotFound("The account declares no such topic.")


def check_name(rows: Sequence[Row], name: str) -> None:
    """Raises Conflict for a name that another topic (place, name) of the account has."""
    if name.casefold() in (row[1].casefold() for row in rows):
        raise Conflict("The account has a topic of this name.")


def named(name: str) -> str:
    """A topic's name, tidied. Raises InvalidParam or TooLarge."""
    made = line(name)
    if not made:
        raise InvalidParam("A topic needs a name.")
    limit(made, TOPIC_MAX_CHARACTERS, "A topic's name")
    return made


def told(count: int) -> str:
    """A count as staff are told it: a small one would point at people."""
    return str(count) if count == 0 or count >= TOLD_FROM else f"<{TOLD_FROM}"


def places_of(mask: int) -> list[int]:
    """Bits as places of topics."""
    return [place for place in range(TOPICS_EVER_MAX) if mask >> place & 1]
