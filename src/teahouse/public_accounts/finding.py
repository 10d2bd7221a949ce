"""Finding accounts by words: a table of terms, looked up by the rarest word of a question.

The most followed come first. What it reads does not depend on how many accounts there are: a word that few have leads
to those few; one that many have is looked for among the most followed accounts.
"""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Reader, Row, Transaction
from teahouse.posts.words import wanted, words

TERMS_MAX = 300  # of one account: a description of a thousand characters has fewer
QUESTION_TERMS_MAX = 8  # of one question; further words narrow nothing that is worth waiting for
FEW_MAX = 1_000  # accounts that a word leads to before it counts as common
FOLLOWED_MAX = 10_000  # most followed accounts that a question of common words alone looks at, for each page
PREFIX_MIN_CHARACTERS = 2  # of a handle, for finding while typing
_BEFORE = "(a.followers, a.account_no) < (?, ?)"
_ORDER = "ORDER BY a.followers DESC, a.account_no DESC LIMIT ?"


def terms_of(handle: str, name: str, description: str) -> set[str]:
    """What an account is found by: its words, and the beginnings of its handle."""
    parts = words(handle) | {"".join(char for char in handle if char.isalnum())}
    beginnings = {part[:size] for part in parts for size in range(PREFIX_MIN_CHARACTERS, len(part) + 1)}
    first = parts | beginnings | words(name)
    return first | words(description, max(TERMS_MAX - len(first), 0))


async def index(tx: Transaction, account_no: int, terms: set[str]) -> None:
    """Let an account be found by these terms and no others."""
    await tx.execute("DELETE FROM account_terms WHERE account_no = ?", account_no)
    await tx.execute_many(
        "INSERT INTO account_terms (term, account_no) VALUES (?, ?)", [(term, account_no) for term in sorted(terms)]
    )


async def search(
    reader: Reader, columns: str, question: str, kind: str, before: tuple[int, int], limit: int
) -> Sequence[Row]:
    """Accounts below `before` (followers, number) that have every word of a question; every account without one."""
    of_kind, kinds = (" AND a.kind = ?", (kind,)) if kind else ("", ())
    if not question:
        return await reader.fetch(
            f"SELECT {columns} FROM public_accounts a WHERE {_BEFORE}{of_kind} {_ORDER}", *before, *kinds, limit
        )
    terms = wanted(question, QUESTION_TERMS_MAX)
    counts = {term: await few(reader, term) for term in terms}
    if not terms or not all(counts.values()):
        return ()
    rarest, *others = sorted(terms, key=lambda term: counts[term])
    also = "".join(
        " AND EXISTS (SELECT 1 FROM account_terms o WHERE o.term = ? AND o.account_no = {0})" for _ in others
    )
    if counts[rarest] <= FEW_MAX:
        return await reader.fetch(
            f"SELECT {columns} FROM (SELECT account_no FROM account_terms WHERE term = ? LIMIT ?) t "
            "JOIN public_accounts a ON a.account_no = t.account_no "
            f"WHERE {_BEFORE}{of_kind}{also.format('t.account_no')} {_ORDER}",
            rarest, FEW_MAX, *before, *kinds, *others, limit,
        )  # fmt: skip
    has = " AND EXISTS (SELECT 1 FROM account_terms o WHERE o.term = ? AND o.account_no = b.account_no)"
    return await reader.fetch(
        f"SELECT {columns} FROM (SELECT b.account_no FROM (SELECT a.account_no, a.followers FROM public_accounts a "
        f"WHERE {_BEFORE}{of_kind} {_ORDER}) b WHERE 1 = 1{has}{also.format('b.account_no')} "
        "ORDER BY b.followers DESC, b.account_no DESC LIMIT ?) c JOIN public_accounts a "
        "ON a.account_no = c.account_no ORDER BY a.followers DESC, a.account_no DESC",
        *before, *kinds, FOLLOWED_MAX, rarest, *others, limit,
    )  # fmt: skip


async def few(reader: Reader, term: str) -> int:
    """How many accounts have a term, counted up to one more than few."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM account_terms WHERE term = ? LIMIT ?) t", term, FEW_MAX + 1
    )
    return 0 if row is None else int(row[0])
