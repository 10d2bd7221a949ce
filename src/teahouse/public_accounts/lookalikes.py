"""No account may look like a verified one, and no handle like another account's.

Only verified accounts have rows here: every skeleton of their handle and name, and each without one of its characters.
A new name is looked up by its own, so what that costs does not depend on how many accounts there are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from teahouse.db import Reader, Transaction, marks, padded
from teahouse.errors import Conflict
from teahouse.public_accounts.skeletons import alike, neighbourhood, skeleton, skeletons

MATCHES_MAX = 100  # verified accounts that share a form with a name, and are looked at closely
SCAN_ROWS = 1_000  # accounts read at once when somebody's look-alikes are listed


@dataclass(frozen=True, slots=True)
class Named:
    """An account by what it is called."""

    account_no: int
    handle: str
    name: str


def forms(*texts: str) -> set[str]:
    """The skeletons of some texts with their neighbourhoods."""
    return {each for text in texts for form in skeletons(text) for each in neighbourhood(form)}


def resembles(one: Collection[str], other: Collection[str]) -> bool:
    """Whether any of some texts looks like any of others."""
    others = [form for text in other for form in skeletons(text)]
    return any(alike(form, each) for text in one for form in skeletons(text) for each in others)


async def check(reader: Reader, texts: Collection[str], but: int = 0) -> None:
    """Raises Conflict, with the name of what they resemble, when a text looks like a verified account's.

    `but` is the account that the texts are of.
    """
    wanted = sorted(forms(*texts))
    if not wanted:
        return
    rows = await reader.fetch(
        "SELECT DISTINCT a.account_no, a.handle, a.name FROM verified_forms f JOIN public_accounts a "
        f"ON a.account_no = f.account_no WHERE f.form IN ({marks(len(wanted))}) LIMIT ?",
        *padded(wanted), MATCHES_MAX,
    )  # fmt: skip
    for account_no, handle, name in rows:
        if account_no != but and resembles(texts, (handle, name)):
            raise Conflict(f"This looks like {name} (@{handle}), which is verified. Choose something else.")


async def check_handle(reader: Reader, handle: str) -> None:
    """Raises Conflict when another account's handle, verified or not, looks the same."""
    row = await reader.fetch_one("SELECT handle FROM public_accounts WHERE handle_form = ?", skeleton(handle))
    if row is not None:
        raise Conflict(f"This handle looks the same as @{row[0]}. Choose another one.")


async def guard(tx: Transaction, account: Named) -> None:
    """From now on nobody new may look like this account."""
    await unguard(tx, account.account_no)
    await tx.execute_many(
        "INSERT INTO verified_forms (form, account_no) VALUES (?, ?)",
        [(form, account.account_no) for form in sorted(forms(account.handle, account.name))],
    )


async def unguard(tx: Transaction, account_no: int) -> None:
    """Guard this account no more."""
    await tx.execute("DELETE FROM verified_forms WHERE account_no = ?", account_no)


async def existing(reader: Reader, account: Named, after: int, scanned_max: int, limit: int) -> tuple[list[Named], int]:
    """Accounts beyond `after`, a number, that look like one, and where to go on; 0 at the end.

    It goes through accounts in the order of their numbers, at most `scanned_max` in one call: a page may be empty.
    """
    found: list[Named] = []
    scanned = 0
    while scanned < scanned_max:
        rows = await reader.fetch(
            "SELECT account_no, handle, name FROM public_accounts WHERE account_no > ? ORDER BY account_no LIMIT ?",
            after, SCAN_ROWS,
        )  # fmt: skip
        for row in rows:
            after = row[0]
            each = Named(*row)
            if after != account.account_no and resembles((each.handle, each.name), (account.handle, account.name)):
                found.append(each)
                if len(found) == limit:
                    return found, after
        if len(rows) < SCAN_ROWS:
            return found, 0
        scanned += len(rows)
    return found, after
