"""The rows of badges."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.badges.types import Act, BadgeRequest, Statement, Verdict
from teahouse.db import Reader, Row, Transaction

REQUEST = (
    "request_no, account_no, asked_by, way, domain, token, name, asked_ms, ready_ms, proof, state, decided_ms"
)  # fmt: skip
STATEMENTS_MAX = 100  # of one account that are shown, the newest


async def add_request(tx: Transaction, wish: BadgeRequest) -> bool:
    """Store a wish; False when another one of the account is open."""
    added = await tx.execute(
        f"INSERT INTO badge_requests ({REQUEST}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        wish.request_no, wish.account_no, wish.asked_by, wish.way, wish.domain, wish.token, wish.name, wish.asked_ms,
        wish.ready_ms, wish.proof, wish.state, wish.decided_ms,
    )  # fmt: skip
    return bool(added)


async def request(reader: Reader, request_no: int) -> BadgeRequest | None:
    """A wish by its number."""
    row = await reader.fetch_one(f"SELECT {REQUEST} FROM badge_requests WHERE request_no = ?", request_no)
    return None if row is None else BadgeRequest(*row)


async def open_request(reader: Reader, account_no: int) -> BadgeRequest | None:
    """The wish of an account that is not decided yet."""
    row = await reader.fetch_one(
        f"SELECT {REQUEST} FROM badge_requests WHERE account_no = ? AND state = 'open'", account_no
    )
    return None if row is None else BadgeRequest(*row)


async def waiting(reader: Reader, after: int, limit: int) -> list[BadgeRequest]:
    """Wishes that can be decided, oldest first."""
    rows = await reader.fetch(
        f"SELECT {REQUEST} FROM badge_requests WHERE state = 'open' AND ready_ms > 0 AND request_no > ? "
        "ORDER BY request_no LIMIT ?",
        after, limit,
    )  # fmt: skip
    return [BadgeRequest(*row) for row in rows]


async def set_ready(tx: Transaction, request_no: int, now_ms: int, proof: str) -> bool:
    """A proof was found, or a document came; False when the wish is not open any more."""
    changed = await tx.execute(
        "UPDATE badge_requests SET ready_ms = ?, proof = ? WHERE request_no = ? AND state = 'open'",
        now_ms, proof, request_no,
    )  # fmt: skip
    return bool(changed)


async def decide(tx: Transaction, request_no: int, state: str, now_ms: int, delete_ms: int) -> bool:
    """Close a wish, and say when its documents go; False when it was closed before."""
    changed = await tx.execute(
        "UPDATE badge_requests SET state = ?, decided_ms = ? WHERE request_no = ? AND state = 'open'",
        state, now_ms, request_no,
    )  # fmt: skip
    if changed:
        await tx.execute("UPDATE badge_evidence SET delete_ms = ? WHERE request_no = ?", delete_ms, request_no)
    return bool(changed)


async def put_verdict(tx: Transaction, request_no: int, verdict: Verdict) -> bool:
    """Store what somebody said; False when they had said something before."""
    added = await tx.execute(
        "INSERT INTO badge_verdicts (request_no, staff_no, granted, reason, given_ms) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        request_no, verdict.staff_no, int(verdict.granted), verdict.reason, verdict.given_ms,
    )  # fmt: skip
    return bool(added)


async def verdicts(reader: Reader, request_no: int) -> list[Verdict]:
    """What was said of a wish so far; those who are not the operator's staff any more have said nothing."""
    rows = await reader.fetch(
        "SELECT v.staff_no, v.granted, v.reason, v.given_ms FROM badge_verdicts v JOIN users u "
        "ON u.user_no = v.staff_no WHERE v.request_no = ? AND u.admin = 1 AND u.closed_ms IS NULL ORDER BY v.given_ms",
        request_no,
    )
    return [Verdict(row[0], bool(row[1]), row[2], row[3]) for row in rows]


async def ripe(reader: Reader, limit: int) -> list[int]:
    """Wishes that were granted by somebody and are open still."""
    rows = await reader.fetch(
        "SELECT DISTINCT r.request_no FROM badge_requests r JOIN badge_verdicts v ON v.request_no = r.request_no "
        "WHERE r.state = 'open' AND r.ready_ms > 0 AND v.granted = 1 ORDER BY r.request_no LIMIT ?",
        limit,
    )
    return [row[0] for row in rows]


async def add_document(
    tx: Transaction, evidence_no: int, request_no: int, size: int, now_ms: int, name: bytes, document: bytes
) -> None:
    """Store a sealed document."""
    await tx.execute(
        "INSERT INTO badge_evidence (evidence_no, request_no, size, sent_ms, delete_ms, name, document) "
        "VALUES (?, ?, ?, ?, 0, ?, ?)",
        evidence_no, request_no, size, now_ms, name, document,
    )  # fmt: skip


async def documents(reader: Reader, request_no: int) -> Sequence[Row]:
    """(evidence_no, sealed name, size, sent_ms) of a wish's documents; there are few."""
    return await reader.fetch(
        "SELECT evidence_no, name, size, sent_ms FROM badge_evidence WHERE request_no = ? ORDER BY evidence_no",
        request_no,
    )


async def document(reader: Reader, request_no: int, evidence_no: int, now_ms: int) -> Row | None:
    """(sealed name, sealed content) of a document whose time is not over."""
    return await reader.fetch_one(
        "SELECT name, document FROM badge_evidence WHERE request_no = ? AND evidence_no = ? "
        "AND (delete_ms = 0 OR delete_ms > ?)",
        request_no, evidence_no, now_ms,
    )  # fmt: skip


async def drop_documents(tx: Transaction, request_no: int) -> None:
    """Delete a wish's documents."""
    await tx.execute("DELETE FROM badge_evidence WHERE request_no = ?", request_no)


async def drop_old_documents(tx: Transaction, now_ms: int) -> int:
    """Delete documents whose time is over; how many."""
    return await tx.execute("DELETE FROM badge_evidence WHERE delete_ms > 0 AND delete_ms <= ?", now_ms)


async def has_old_documents(reader: Reader, now_ms: int) -> bool:
    """Whether there are any."""
    row = await reader.fetch_one("SELECT 1 FROM badge_evidence WHERE delete_ms > 0 AND delete_ms <= ? LIMIT 1", now_ms)
    return row is not None


async def tell(tx: Transaction, account_no: int, act: Act, reason: str, now_ms: int, by: int) -> None:
    """Write a statement to an account."""
    await tx.execute(
        "INSERT INTO badge_statements (statement_no, account_no, act, reason, done_ms, done_by) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        tx.positions(), account_no, act, reason, now_ms, by,
    )  # fmt: skip


async def statements(reader: Reader, account_no: int) -> list[Statement]:
    """What an account was told, newest first."""
    rows = await reader.fetch(
        "SELECT act, reason, done_ms FROM badge_statements WHERE account_no = ? ORDER BY statement_no DESC LIMIT ?",
        account_no, STATEMENTS_MAX,
    )  # fmt: skip
    return [Statement(*row) for row in rows]


async def set_badge(tx: Transaction, account_no: int, kind: str, until_ms: int) -> None:
    """Give an account a badge."""
    await tx.execute(
        "UPDATE public_accounts SET badge = ?, badge_until_ms = ? WHERE account_no = ?", kind, until_ms, account_no
    )


async def drop_badge(tx: Transaction, account_no: int, until_ms: int) -> bool:
    """Take the badge that is good until then from an account; False when it has another one, or none."""
    changed = await tx.execute(
        "UPDATE public_accounts SET badge = '', badge_until_ms = 0 WHERE account_no = ? AND badge_until_ms = ? "
        "AND badge_until_ms > 0",
        account_no, until_ms,
    )  # fmt: skip
    return bool(changed)


async def expired(reader: Reader, now_ms: int, limit: int) -> list[int]:
    """Accounts whose badges are over."""
    rows = await reader.fetch(
        "SELECT account_no FROM public_accounts WHERE badge_until_ms > 0 AND badge_until_ms <= ? "
        "ORDER BY badge_until_ms LIMIT ?",
        now_ms, limit,
    )  # fmt: skip
    return [row[0] for row in rows]
