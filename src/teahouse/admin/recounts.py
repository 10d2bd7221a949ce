"""What `teahouse verify` counts again of public accounts, posts and moments. Each check counts something that must not
be.

A check is one statement, so it sees one state of the data, also while people go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from teahouse.db import Reader

STANDING = "p.fate IN (0, 2)"  # posts whose rows are whole: those that stand, and those taken out of sight
CHOSEN = (
    "SELECT count(*) FROM topics t WHERE t.name <> '' AND t.{what} <> (SELECT count(*) FROM topic_choices c "
    "WHERE c.account_no = t.account_no AND ((c.{what} >> CAST(t.place AS INTEGER)) & 1) = 1)"
)
PUBLISHING: Mapping[str, str] = {
    "a public account miscounts its followers": "SELECT count(*) FROM public_accounts a WHERE a.followers <> "
    "(SELECT count(*) FROM follows f WHERE f.account_no = a.account_no AND f.until IS NULL)",
    "an account miscounts its followers by e-mail": "SELECT count(*) FROM mail_lists l WHERE l.followers <> "
    "(SELECT count(*) FROM mail_followers f WHERE f.account_no = l.account_no AND f.confirmed_ms > 0)",
    "an account's numbers of posts have a gap": "SELECT count(*) FROM public_accounts a WHERE a.posts <> "
    "(SELECT count(*) FROM posts p WHERE p.account_no = a.account_no) OR a.posts <> "
    "COALESCE((SELECT max(p.number) FROM posts p WHERE p.account_no = a.account_no), 0)",
    "a channel is not there": "SELECT count(*) FROM public_accounts a LEFT JOIN rooms r ON r.room_no = a.room_no "
    "WHERE r.room_no IS NULL",
    "a follower follows an account that is not there": "SELECT count(*) FROM follows f LEFT JOIN public_accounts a "
    "ON a.account_no = f.account_no WHERE a.account_no IS NULL",
    "a post has no event in its channel": "SELECT count(*) FROM posts p JOIN public_accounts a "
    "ON a.account_no = p.account_no LEFT JOIN events e ON e.pos = p.pos WHERE e.pos IS NULL "
    "OR e.room_no <> a.room_no OR e.room_no <> p.room_no OR e.sender_no <> p.account_no",
    "a post that stands was redacted": f"SELECT count(*) FROM posts p JOIN events e ON e.pos = p.pos WHERE {STANDING} "
    "AND e.redacted_pos IS NOT NULL",
    "a deleted post was not emptied": "SELECT count(*) FROM posts p JOIN events e ON e.pos = p.pos WHERE p.fate = 1 "
    "AND (e.redacted_pos IS NULL OR EXISTS (SELECT 1 FROM post_versions v WHERE v.account_no = p.account_no "
    "AND v.number = p.number) OR EXISTS (SELECT 1 FROM post_tags t WHERE t.pos = p.pos))",
    "a post does not have its wordings": f"SELECT count(*) FROM posts p WHERE {STANDING} AND p.version + 1 <> "
    "(SELECT count(*) FROM post_versions v WHERE v.account_no = p.account_no AND v.number = p.number "
    "AND v.version <= p.version)",
    "a post miscounts its likes": f"SELECT count(*) FROM posts p WHERE {STANDING} AND p.likes <> (SELECT count(*) FROM "
    "interactions i WHERE i.account_no = p.account_no AND i.number = p.number AND i.kind = 'like' AND i.until = 0)",
    "a post miscounts its comments": f"SELECT count(*) FROM posts p WHERE {STANDING} AND p.comments <> "
    "(SELECT count(*) FROM comments c WHERE c.account_no = p.account_no AND c.number = p.number AND c.fate = 0)",
    "a post miscounts its reposts": f"SELECT count(*) FROM posts p WHERE {STANDING} AND p.reposts <> (SELECT count(*) "
    "FROM posts o WHERE o.of_account = p.account_no AND o.of_number = p.number AND o.fate = 0)",
    "a poll miscounts an answer": "SELECT count(*) FROM poll_votes v JOIN posts p ON p.account_no = v.account_no "
    f"AND p.number = v.number WHERE {STANDING} AND v.votes <> (SELECT count(*) FROM interactions i "
    "WHERE i.account_no = v.account_no AND i.number = v.number AND i.kind = 'vote' AND i.until = 0 "
    "AND ',' || i.value || ',' LIKE '%,' || CAST(v.answer AS TEXT) || ',%')",
    "a poll counts no votes for an answer that was chosen": f"SELECT count(*) FROM posts p WHERE {STANDING} "
    "AND p.kind = 'poll' AND COALESCE((SELECT sum(v.votes) FROM poll_votes v WHERE v.account_no = p.account_no "
    "AND v.number = p.number), 0) <> COALESCE((SELECT sum(1 + length(i.value) - length(replace(i.value, ',', ''))) "
    "FROM interactions i WHERE i.account_no = p.account_no AND i.number = p.number AND i.kind = 'vote' "
    "AND i.until = 0), 0)",
    "a comment miscounts its answers": "SELECT count(*) FROM comments c JOIN posts p ON p.account_no = c.account_no "
    f"AND p.number = c.number WHERE {STANDING} AND c.answers <> (SELECT count(*) FROM comments o WHERE "
    "o.account_no = c.account_no AND o.number = c.number AND o.parent_no = c.comment_no AND o.fate = 0)",
    "a topic miscounts who chose it for alerts": CHOSEN.format(what="alerts"),
    "a topic miscounts who chose it for their feed": CHOSEN.format(what="shown"),
    "a comment answers one that is not there": "SELECT count(*) FROM comments c LEFT JOIN comments o "
    "ON o.comment_no = c.parent_no WHERE c.parent_no > 0 AND c.fate = 0 AND (o.comment_no IS NULL OR o.parent_no > 0 "
    "OR o.account_no <> c.account_no OR o.number <> c.number) AND EXISTS (SELECT 1 FROM posts p "
    f"WHERE p.account_no = c.account_no AND p.number = c.number AND {STANDING})",
    "somebody works for an account that is not there": "SELECT count(*) FROM account_staff s LEFT JOIN users u "
    "ON u.user_no = s.account_no WHERE u.user_no IS NULL",
    "the directory miscounts its rooms": "SELECT abs(rooms - (SELECT count(*) FROM rooms WHERE listed = 1)) "
    "FROM listed_rooms",
    "the directory does not find what it lists": "SELECT abs((SELECT count(*) FROM rooms WHERE listed = 1 "
    "AND about <> '') - (SELECT count(DISTINCT room_no) FROM listed_grams))",
}
MOMENTS: Mapping[str, str] = {
    "an author of moments has no room": "SELECT count(*) FROM moment_authors a LEFT JOIN state s "
    "ON s.room_no = a.room_no AND s.type = 'io.teahouse.moments' WHERE s.room_no IS NULL",
    "an author miscounts their moments": "SELECT count(*) FROM moment_authors a WHERE a.standing <> "
    "(SELECT count(*) FROM moments m WHERE m.author_no = a.author_no AND m.gone = 0)",
    "a moment has no event in its author's room": "SELECT count(*) FROM moments m LEFT JOIN moment_authors a "
    "ON a.author_no = m.author_no LEFT JOIN events e ON e.pos = m.pos WHERE a.author_no IS NULL OR e.pos IS NULL "
    "OR e.room_no <> a.room_no OR e.sender_no <> m.author_no",
    "a moment that stands was redacted": "SELECT count(*) FROM moments m JOIN events e ON e.pos = m.pos "
    "WHERE m.gone = 0 AND e.redacted_pos IS NOT NULL",
    "a deleted moment was not emptied": "SELECT count(*) FROM moments m WHERE m.gone > 0 AND (length(m.content) > 0 "
    "OR EXISTS (SELECT 1 FROM events e WHERE e.pos = m.pos AND e.redacted_pos IS NULL) OR EXISTS (SELECT 1 FROM "
    "moment_audiences v JOIN events e ON e.pos = v.event_pos WHERE v.author_no = m.author_no AND v.moment_pos = m.pos "
    "AND e.redacted_pos IS NULL))",
    "a moment was let be seen by an event that is not there": "SELECT count(*) FROM moment_audiences v JOIN "
    "moment_authors a ON a.author_no = v.author_no LEFT JOIN events e ON e.pos = v.event_pos WHERE v.event_pos > 0 "
    "AND (e.pos IS NULL OR e.room_no <> a.room_no)",
    "a moment is not for whom its newest audience says": "SELECT count(*) FROM moments m JOIN moment_audiences v "
    "ON v.author_no = m.author_no AND v.moment_pos = m.pos AND v.at = (SELECT max(w.at) FROM moment_audiences w "
    "WHERE w.author_no = m.author_no AND w.moment_pos = m.pos) WHERE v.scope <> m.scope OR v.named <> m.named",
    "somebody reads the moments of one who is no friend": "SELECT count(*) FROM moment_ties t WHERE t.since > t.until "
    "AND t.reader_no <> t.author_no AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.user_no = t.reader_no "
    "AND c.other_no = t.author_no)",
    "a place leads into another room than the author's": "SELECT count(*) FROM moment_ties t LEFT JOIN "
    "moment_authors a ON a.author_no = t.author_no WHERE a.room_no IS NULL OR a.room_no <> t.room_no",
    "something was done with a moment that is gone": "SELECT (SELECT count(*) FROM moment_likes l LEFT JOIN moments m "
    "ON m.pos = l.moment_pos WHERE m.pos IS NULL OR m.gone > 0) + (SELECT count(*) FROM moment_comments c LEFT JOIN "
    "moments m ON m.pos = c.moment_pos WHERE m.pos IS NULL OR m.gone > 0) + (SELECT count(*) FROM moment_notices n "
    "LEFT JOIN moments m ON m.pos = n.moment_pos WHERE m.pos IS NULL OR m.gone > 0)",
    "a comment on a moment answers one that is not there": "SELECT count(*) FROM moment_comments c LEFT JOIN "
    "moment_comments o ON o.comment_no = c.parent_no WHERE c.parent_no > 0 AND (o.comment_no IS NULL "
    "OR o.parent_no > 0 OR o.moment_pos <> c.moment_pos)",
    "a notice tells of nothing": "SELECT count(*) FROM moment_notices n WHERE (n.comment_no > 0 AND NOT EXISTS "
    "(SELECT 1 FROM moment_comments c WHERE c.comment_no = n.comment_no)) OR (n.comment_no = 0 AND NOT EXISTS "
    "(SELECT 1 FROM moment_likes l WHERE l.moment_pos = n.moment_pos AND l.user_no = n.doer_no AND l.until = 0 "
    "AND l.pos = n.pos))",
    "a moment shows a file that is not there": "SELECT count(*) FROM moment_media b JOIN moments m "
    "ON m.pos = b.moment_pos LEFT JOIN media f ON f.media_id = b.media_id WHERE m.gone = 0 AND f.sha256 IS NULL",
}


async def recount(reader: Reader, problem: Callable[[str], None]) -> None:
    """Run every check; `problem` hears of those that find something."""
    for what, sql in {**PUBLISHING, **MOMENTS}.items():
        row = await reader.fetch_one(sql)
        if row is not None and row[0]:
            problem(f"{row[0]} times, {what}")
        await asyncio.sleep(0)
