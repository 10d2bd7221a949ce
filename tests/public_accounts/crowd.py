"""Many accounts at once, for tests of cost: rows alone, without channels."""

from __future__ import annotations

from tests.world import World

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
STEP = 1_024  # account numbers that no user of a test has


async def crowd(tea: World, first: int, last: int) -> None:
    """Accounts `crowd{first}` to `crowd{last}`, followed by as many as their number; every hundredth is "rare"."""
    async with tea.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO public_accounts (account_no, handle, room_no, kind, name, about, created_ms, followers, "
            f"posts, pinned, badge, badge_until_ms, handle_form) {NUMBERS} "
            f"SELECT -i * {STEP}, 'crowd' || CAST(i AS TEXT), -i, 'media', 'Crowd', about, 0, i, 0, 0, '', 0, "
            "'crowd' || CAST(i AS TEXT) FROM n, (SELECT about FROM public_accounts LIMIT 1) a",
            first, last,
        )  # fmt: skip
        for term in ("'crowd'", "'crowd' || CAST(i AS TEXT)"):
            await tx.execute(
                f"INSERT INTO account_terms (term, account_no) {NUMBERS} SELECT {term}, -i * {STEP} FROM n", first, last
            )
        await tx.execute(
            f"INSERT INTO account_terms (term, account_no) {NUMBERS} SELECT 'rare', -i * {STEP} FROM n "
            "WHERE i <= 1000 AND i % 100 = 0",
            first, last,
        )  # fmt: skip


async def verified_crowd(tea: World, first: int, last: int) -> None:
    """The forms of so many verified accounts."""
    async with tea.database.transaction() as tx:
        await tx.execute(
            f"INSERT INTO verified_forms (form, account_no) {NUMBERS} "
            f"SELECT 'crowd' || CAST(i AS TEXT), -i * {STEP} FROM n",
            first, last,
        )  # fmt: skip
