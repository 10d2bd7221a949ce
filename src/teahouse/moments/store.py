"""The rows of moments, of their rooms and of who reads there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from teahouse.db import Reader, Row, Transaction, marks, padded
from teahouse.moments.audience import Audience, Scope, Version
from teahouse.moments.journal import Journal, Told
from teahouse.moments.types import LIST_MAX, MOMENTS_MAX, ListName, Moment, MomentContent, Settings, Tie

MOMENT = "m.pos, m.author_no, m.created_ms, m.scope, m.named, m.content"
TIE = "author_no, room_no, first, until, since, since_ms, news, renewed, forgotten"
JOURNAL_ROWS_MAX = 10 * MOMENTS_MAX  # deleted moments and old audiences included

_decode = msgspec.json.Decoder(MomentContent).decode
_names = msgspec.json.Decoder(list[int]).decode
encode = msgspec.json.Encoder().encode


def audience_of(scope: int, named: str) -> Audience:
    """Two columns as an audience."""
    return Audience(Scope(scope), frozenset(_names(named)))


def columns_of(audience: Audience) -> tuple[int, str]:
    """An audience as two columns."""
    return int(audience.scope), encode(sorted(audience.named)).decode()


def moment_of(row: Row) -> Moment:
    """A row of MOMENT as a moment."""
    return Moment(row[0], row[1], row[2], audience_of(row[3], row[4]), _decode(row[5]))


async def room_of(db: Reader, author_no: int) -> int | None:
    """The room_no of somebody's moments room."""
    row = await db.fetch_one("SELECT room_no FROM moment_authors WHERE author_no = ?", author_no)
    return None if row is None else int(row[0])


async def insert_author(tx: Transaction, author_no: int, room_no: int) -> bool:
    """Somebody's first moment made a room; False when another one did meanwhile."""
    changed = await tx.execute(
        "INSERT INTO moment_authors (author_no, room_no, standing) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
        author_no, room_no,
    )  # fmt: skip
    return changed > 0


async def count(tx: Transaction, author_no: int, by: int) -> int:
    """Move an author's number of standing moments; the new one."""
    await tx.execute("UPDATE moment_authors SET standing = standing + ? WHERE author_no = ?", by, author_no)
    row = await tx.fetch_one("SELECT standing FROM moment_authors WHERE author_no = ?", author_no)
    return int(row[0]) if row else 0


async def settings(db: Reader, user_no: int) -> Settings:
    """What somebody has set."""
    row = await db.fetch_one("SELECT days, seen FROM moment_settings WHERE user_no = ?", user_no)
    return Settings() if row is None else Settings(*row)


async def set_settings(tx: Transaction, user_no: int, made: Settings) -> None:
    """Store them."""
    await tx.execute(
        "INSERT INTO moment_settings (user_no, days, seen) VALUES (?, ?, ?) ON CONFLICT (user_no) "
        "DO UPDATE SET days = excluded.days, seen = excluded.seen",
        user_no, made.days, made.seen,
    )  # fmt: skip


async def listed(db: Reader, user_no: int, name: ListName) -> set[int]:
    """Who is on one of somebody's lists."""
    rows = await db.fetch(
        "SELECT other_no FROM moment_lists WHERE user_no = ? AND list = ? LIMIT ?", user_no, name, LIST_MAX
    )
    return {row[0] for row in rows}


async def put_on_list(tx: Transaction, user_no: int, name: ListName, other_no: int) -> bool:
    """Put somebody on a list; False when they are there."""
    changed = await tx.execute(
        "INSERT INTO moment_lists (user_no, list, other_no) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        user_no, name, other_no,
    )  # fmt: skip
    return changed > 0


async def take_off_list(tx: Transaction, user_no: int, name: ListName, other_no: int) -> bool:
    """Take somebody off a list; False when they are not there."""
    changed = await tx.execute(
        "DELETE FROM moment_lists WHERE user_no = ? AND list = ? AND other_no = ?", user_no, name, other_no
    )
    return changed > 0


async def ties(db: Reader, reader_no: int) -> dict[int, Tie]:
    """Where somebody reads or read, by author."""
    rows = await db.fetch(f"SELECT {TIE} FROM moment_ties WHERE reader_no = ?", reader_no)
    return {row[0]: Tie(*row) for row in rows}


async def tie(db: Reader, reader_no: int, author_no: int) -> Tie | None:
    """One reader's place with one author."""
    row = await db.fetch_one(
        f"SELECT {TIE} FROM moment_ties WHERE reader_no = ? AND author_no = ?", reader_no, author_no
    )
    return None if row is None else Tie(*row)


async def put_tie(tx: Transaction, reader_no: int, made: Tie) -> None:
    """Store a reader's place."""
    await tx.execute(
        f"INSERT INTO moment_ties (reader_no, {TIE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (reader_no, author_no) DO UPDATE SET until = excluded.until, since = excluded.since, "
        "since_ms = excluded.since_ms, news = excluded.news, renewed = excluded.renewed, "
        "forgotten = excluded.forgotten",
        reader_no, made.author_no, made.room_no, made.first, made.until, made.since, made.since_ms, made.news,
        made.renewed, made.forgotten,
    )  # fmt: skip


async def renew_ties(tx: Transaction, author_no: int, pos: int) -> None:
    """Everybody who reads with an author is shown the room anew: one statement for all of them."""
    await tx.execute(
        "UPDATE moment_ties SET renewed = ?, news = ? WHERE author_no = ? AND since > until", pos, pos, author_no
    )


async def end_ties(tx: Transaction, author_no: int, pos: int) -> None:
    """Nobody reads with an author any more: one statement for all of them."""
    await tx.execute(
        "UPDATE moment_ties SET until = ?, news = ? WHERE author_no = ? AND reader_no <> ? AND since > until",
        pos, pos, author_no, author_no,
    )  # fmt: skip


async def friends_with_rooms(db: Reader, user_no: int) -> set[int]:
    """The friends of somebody who have published moments."""
    rows = await db.fetch(
        "SELECT a.author_no FROM contacts c JOIN moment_authors a ON a.author_no = c.other_no WHERE c.user_no = ?",
        user_no,
    )
    return {row[0] for row in rows}


async def are_friends(db: Reader, user_no: int, others: Sequence[int]) -> set[int]:
    """Which of some people are somebody's friends."""
    rows = await db.fetch(
        f"SELECT other_no FROM contacts WHERE user_no = ? AND other_no IN ({marks(len(others))})",
        user_no, *padded(others),
    )  # fmt: skip
    return {row[0] for row in rows}


async def journal(db: Reader, author_no: int) -> Journal | None:
    """An author's room with everything that decides who reads what of it; None for one without moments."""
    room_no = await room_of(db, author_no)
    if room_no is None:
        return None
    own = await settings(db, author_no)
    made = Journal(author_no, room_no, own.days, await listed(db, author_no, "hidden"))
    row = await db.fetch_one("SELECT closed_ms FROM users WHERE user_no = ?", author_no)
    made.closed = row is not None and row[0] is not None
    for (pos,) in await db.fetch("SELECT pos FROM state WHERE room_no = ? ORDER BY pos", room_no):
        made.add(pos)
    changed: dict[int, list[Version]] = {}
    rows = await db.fetch(
        "SELECT moment_pos, event_pos, scope, named FROM moment_audiences WHERE author_no = ? "
        "ORDER BY moment_pos, at LIMIT ?",
        author_no, JOURNAL_ROWS_MAX,
    )  # fmt: skip
    for moment_pos, event_pos, scope, named in rows:
        changed.setdefault(moment_pos, []).append(Version(event_pos, audience_of(scope, named)))
    rows = await db.fetch(
        "SELECT pos, created_ms, scope, named, gone, gone_last FROM moments WHERE author_no = ? ORDER BY pos LIMIT ?",
        author_no, JOURNAL_ROWS_MAX,
    )  # fmt: skip
    for pos, created_ms, scope, named, gone, gone_last in rows:
        versions = changed.get(pos) or [Version(pos, audience_of(scope, named))]
        made.tell(Told(pos, created_ms, versions, gone, gone_last))
    return made


async def insert(tx: Transaction, moment: Moment, media_ids: Collection[str]) -> None:
    """A new moment."""
    scope, named = columns_of(moment.audience)
    await tx.execute(
        "INSERT INTO moments (pos, author_no, created_ms, scope, named, gone, gone_last, content) "
        "VALUES (?, ?, ?, ?, ?, 0, 0, ?)",
        moment.pos, moment.author_no, moment.created_ms, scope, named, encode(moment.content),
    )  # fmt: skip
    await tx.execute_many(
        "INSERT INTO moment_media (media_id, moment_pos) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(media_id, moment.pos) for media_id in media_ids],
    )


async def set_audience(tx: Transaction, moment: Moment, audience: Audience, at: int, event_pos: int) -> bool:
    """A standing moment has another audience; False when it went, or changed, meanwhile."""
    scope, named = columns_of(audience)
    before = columns_of(moment.audience)
    changed = await tx.execute(
        "UPDATE moments SET scope = ?, named = ? WHERE pos = ? AND gone = 0 AND scope = ? AND named = ?",
        scope, named, moment.pos, *before,
    )  # fmt: skip
    if not changed:
        return False
    sql = (
        "INSERT INTO moment_audiences (author_no, moment_pos, at, event_pos, scope, named) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING"
    )
    # The first one is written with the second, so that most moments have none here. Later ones are there already.
    if not await tx.fetch_one(
        "SELECT 1 FROM moment_audiences WHERE author_no = ? AND moment_pos = ?", moment.author_no, moment.pos
    ):
        await tx.execute(sql, moment.author_no, moment.pos, moment.pos, moment.pos, *before)
    await tx.execute(sql, moment.author_no, moment.pos, at, event_pos, scope, named)
    return True


async def events_of(db: Reader, moment: Moment) -> list[int]:
    """The positions of a moment's events."""
    rows = await db.fetch(
        "SELECT event_pos FROM moment_audiences WHERE author_no = ? AND moment_pos = ? AND event_pos > 0 ORDER BY at",
        moment.author_no, moment.pos,
    )  # fmt: skip
    return [row[0] for row in rows] or [moment.pos]


async def erase(tx: Transaction, moment: Moment, gone: int, gone_last: int) -> bool:
    """Empty a moment and drop all that was done with it; False when that was done before."""
    changed = await tx.execute(
        "UPDATE moments SET gone = ?, gone_last = ?, content = ? WHERE pos = ? AND gone = 0",
        gone, gone_last, b"", moment.pos,
    )  # fmt: skip
    for table in ("moment_likes", "moment_comments", "moment_notices"):
        await tx.execute(f"DELETE FROM {table} WHERE moment_pos = ?", moment.pos)
    return changed > 0


async def one(db: Reader, pos: int) -> Moment | None:
    """A standing moment by the position of its event."""
    row = await db.fetch_one(f"SELECT {MOMENT} FROM moments m WHERE m.pos = ? AND m.gone = 0", pos)
    return None if row is None else moment_of(row)


async def shown_at(db: Reader, event_pos: int) -> Moment | None:
    """A standing moment by the position of any event that shows it."""
    row = await db.fetch_one("SELECT moment_pos FROM moment_audiences WHERE event_pos = ?", event_pos)
    return await one(db, event_pos if row is None else row[0])


async def newest_of_friends(db: Reader, user_no: int, before: int, limit: int) -> list[int]:
    """The authors, of a reader's friends and the reader, whose newest moments before a position are the newest.

    One look into the index of moments for each friend; a page of moments is among those of so many authors.
    """
    newest = (
        "(SELECT max(m.pos) FROM moments m WHERE m.author_no = a.author_no AND m.gone = 0 AND m.pos < ?) AS newest"
    )
    rows = await db.fetch(
        f"SELECT found.author_no FROM (SELECT a.author_no, {newest} FROM contacts c "
        "JOIN moment_authors a ON a.author_no = c.other_no WHERE c.user_no = ? AND NOT EXISTS "
        "(SELECT 1 FROM moment_lists l WHERE l.user_no = c.user_no AND l.list = 'unwanted' "
        f"AND l.other_no = c.other_no) UNION ALL SELECT a.author_no, {newest} FROM moment_authors a "
        "WHERE a.author_no = ?) found WHERE found.newest IS NOT NULL ORDER BY found.newest DESC LIMIT ?",
        before, user_no, before, user_no, limit,
    )  # fmt: skip
    return [row[0] for row in rows]


async def newest(db: Reader, authors: Sequence[int], before: int, limit: int) -> list[Moment]:
    """The newest standing moments of some authors before a position, newest first."""
    if not authors:
        return []
    wanted = padded(authors)
    arm = (
        f"SELECT * FROM (SELECT {MOMENT} FROM moments m WHERE m.author_no = ? AND m.gone = 0 AND m.pos < ? "
        "ORDER BY m.pos DESC LIMIT ?) arm{}"
    )
    arms = " UNION ".join(arm.format(number) for number in range(len(wanted)))
    params = [value for author_no in wanted for value in (author_no, before, limit)]
    rows = await db.fetch(f"SELECT * FROM ({arms}) found ORDER BY 1 DESC LIMIT ?", *params, limit)
    return [moment_of(row) for row in rows]


async def rules_of(db: Reader, authors: Sequence[int], reader_no: int) -> tuple[dict[int, int], set[int]]:
    """How many days back some authors' friends see, and which of them hide from a reader, or have closed their account.
    """
    if not authors:
        return {}, set()
    within = marks(len(authors))
    days = await db.fetch(f"SELECT user_no, days FROM moment_settings WHERE user_no IN ({within})", *padded(authors))
    hidden = await db.fetch(
        f"SELECT user_no FROM moment_lists WHERE other_no = ? AND list = 'hidden' AND user_no IN ({within})",
        reader_no, *padded(authors),
    )  # fmt: skip
    closed = await db.fetch(
        f"SELECT user_no FROM users WHERE closed_ms IS NOT NULL AND user_no IN ({within})", *padded(authors)
    )
    return dict(days), {row[0] for row in (*hidden, *closed)}


async def bound_to(db: Reader, media_id: str) -> list[tuple[int, Moment | None]]:
    """The moments that hold a file, those that are gone as None."""
    rows = await db.fetch(
        f"SELECT b.moment_pos, m.gone, {MOMENT} FROM moment_media b JOIN moments m ON m.pos = b.moment_pos "
        "WHERE b.media_id = ? LIMIT ?",
        media_id, MOMENTS_MAX,
    )  # fmt: skip
    return [(row[0], None if row[1] else moment_of(row[2:])) for row in rows]


async def unheld_media(db: Reader, limit: int) -> list[str]:
    """Files that deleted moments held and no standing one holds."""
    rows = await db.fetch(
        "SELECT DISTINCT b.media_id FROM moments m JOIN moment_media b ON b.moment_pos = m.pos WHERE m.gone > 0 "
        "AND NOT EXISTS (SELECT 1 FROM moment_media o JOIN moments s ON s.pos = o.moment_pos "
        "WHERE o.media_id = b.media_id AND s.gone = 0) LIMIT ?",
        limit,
    )
    return [row[0] for row in rows]


async def unbind(tx: Transaction, media_ids: Sequence[str]) -> None:
    """Forget what held files that are erased."""
    await tx.execute_many("DELETE FROM moment_media WHERE media_id = ?", [(media_id,) for media_id in media_ids])
