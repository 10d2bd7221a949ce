"""`teahouse verify`: reread everything that is stored and prove that it fits together.

It runs in a thread and on a connection of its own, so people go on chatting beside it. What changes while it reads is
judged as of the position at which it began.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from teahouse.admin.recounts import recount
from teahouse.app import App
from teahouse.config import Config
from teahouse.db import Reader
from teahouse.db.postgres import PostgresReader
from teahouse.db.sqlite import SqliteReader
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.types import EventClass
from teahouse.matrix import events as matrix_events
from teahouse.matrix.room_versions import ROOM_VERSIONS
from teahouse.opening import DATABASE_FILE

ROWS_AT_ONCE = 500  # read before others get a turn
PROBLEMS_SHOWN_MAX = 100  # described in words; all are counted
Row = tuple[Any, ...]


class Verification:
    """One run over the data of a server."""

    def __init__(self, reader: Reader, identifiers: Identifiers, upto: int, *, sqlite: bool) -> None:
        self._database = reader
        self._identifiers = identifiers
        self._upto = upto
        self._sqlite = sqlite
        self._versions: dict[int, str] = {}
        self.types: Counter[str] = Counter()
        self.count = 0
        self.problems: list[str] = []

    async def run(self) -> dict[str, Any]:
        """Everything found, as JSON; `problems` is how many, `found` describes the first of them."""
        async for room_no, version in self._rows("SELECT room_no, version FROM rooms", "room_no"):
            self._versions[room_no] = version
        await self._events()
        await self._state()
        await self._memberships()
        await recount(self._database, self.problem)
        await self._references()
        if self._sqlite:
            await self._integrity()
        users = await self._database.fetch_one("SELECT count(*) FROM users")
        media = await self._database.fetch_one("SELECT count(*) FROM media")
        return {
            "events": self.types.total(),
            "messages": self.types["m.room.message"],
            "rooms": len(self._versions),
            "users": users[0] if users else 0,
            "media": media[0] if media else 0,
            "types": dict(self.types.most_common()),
            "problems": self.count,
            "found": self.problems,
        }

    async def _events(self) -> None:
        """Every event decodes, stands where its id says, in a room there is, below the next position."""
        identifiers = self._identifiers
        sql = "SELECT pos, room_no, class, redacted_pos, event FROM events"
        async for pos, room_no, class_, redacted_pos, encoded in self._rows(sql, "pos"):
            try:
                event = msgspec.json.decode(encoded)
                kind, content, event_id = event["type"], event["content"], event["event_id"]
            except (msgspec.DecodeError, KeyError, TypeError):
                self.problem(f"the event at {pos} cannot be read")
                continue
            self.types[kind] += 1
            if identifiers.position(event_id) != pos or event_id != identifiers.event_id(pos, room_no):
                self.problem(f"the event at {pos} has the id of another place")
            version = self._versions.get(room_no)
            if version is None:
                self.problem(f"the event at {pos} is in a room that is not there")
            elif redacted_pos is not None and matrix_events.redact(event, ROOM_VERSIONS[version])["content"] != content:
                self.problem(f"the event at {pos} was redacted and still has content")
            if bool(class_ & EventClass.STATE) != ("state_key" in event):
                self.problem(f"the event at {pos} has the wrong class")

    async def _state(self) -> None:
        """Every row of the state history is that of an event with its type, key and value."""
        sql = (
            "SELECT s.pos, s.room_no, s.type, s.state_key, s.value, e.room_no, e.event FROM state s "
            "LEFT JOIN events e ON e.pos = s.pos"
        )
        async for pos, room_no, kind, state_key, value, found_in, encoded in self._rows(sql, "s.pos"):
            if encoded is None:
                self.problem(f"state at {pos} has no event")
                continue
            event = msgspec.json.decode(encoded)
            if (found_in, event["type"], event.get("state_key")) != (room_no, kind, state_key):
                self.problem(f"state at {pos} is that of another event")
            key = {"m.room.member": "membership", "m.room.history_visibility": "history_visibility"}.get(kind)
            if key is not None and event["content"].get(key) != value:
                self.problem(f"state at {pos} has another value than its event")

    async def _memberships(self) -> None:
        """Everybody's place is what the newest member event says; rooms count who is joined."""
        suffix = f":{self._identifiers.server_name}"
        sql = (
            "SELECT m.pos, m.room_no, m.user_no, m.membership, u.localpart, "
            "(SELECT max(s.pos) FROM state s WHERE s.room_no = m.room_no AND s.type = 'm.room.member' "
            f"AND s.state_key = '@' || u.localpart || '{suffix}'), "
            "(SELECT s.value FROM state s WHERE s.room_no = m.room_no AND s.type = 'm.room.member' "
            f"AND s.state_key = '@' || u.localpart || '{suffix}' AND s.pos = m.pos) "
            "FROM memberships m JOIN users u ON u.user_no = m.user_no"
        )
        async for pos, room_no, user_no, membership, localpart, newest, value in self._rows(sql, "m.pos"):
            if newest is not None and newest > self._upto:
                continue  # changed since this began
            if (newest, value) != (pos, membership):
                self.problem(f"{localpart} ({user_no}) is {membership} in room {room_no}, its events say otherwise")
        counted = await self._database.fetch(
            "SELECT r.room_no FROM rooms r WHERE r.joined_count <> (SELECT count(*) FROM memberships m "
            "WHERE m.room_no = r.room_no AND m.membership = 'join') + "
            "COALESCE((SELECT a.followers FROM public_accounts a WHERE a.room_no = r.room_no), 0)"
        )
        for (room_no,) in counted:
            self.problem(f"room {room_no} miscounts who is joined")

    async def _references(self) -> None:
        """What points at events points at events that are there."""
        checks = {
            "a relation": "SELECT count(*) FROM relations r LEFT JOIN events e ON e.pos = r.pos "
            "LEFT JOIN events p ON p.pos = r.parent_pos WHERE e.pos IS NULL OR p.pos IS NULL",
            "a mention": "SELECT count(*) FROM mentions m LEFT JOIN events e ON e.pos = m.pos WHERE e.pos IS NULL",
            "a transaction id": "SELECT count(*) FROM txns t LEFT JOIN events e ON e.pos = t.pos WHERE e.pos IS NULL",
            "an alias": "SELECT count(*) FROM aliases a LEFT JOIN rooms r ON r.room_no = a.room_no "
            "WHERE r.room_no IS NULL",
            "a redaction": "SELECT count(*) FROM events e LEFT JOIN events r ON r.pos = e.redacted_pos "
            "WHERE e.redacted_pos IS NOT NULL AND r.pos IS NULL",
            "an event beyond the next position": "SELECT count(*) FROM events e, shards s "
            "WHERE s.shard = 0 AND e.pos >= s.next_pos",
        }
        for what, sql in checks.items():
            row = await self._database.fetch_one(sql)
            if row is not None and row[0]:
                self.problem(f"{row[0]} times, {what} points nowhere")
            await asyncio.sleep(0)

    async def _integrity(self) -> None:
        """What SQLite says of its own file."""
        for (text,) in await self._database.fetch("PRAGMA quick_check"):
            if text != "ok":
                self.problem(f"the database file: {text}")

    async def _rows(self, sql: str, key: str) -> AsyncIterator[Row]:
        """Rows of a query in the order of a position, up to where the log ended when this began."""
        bound = self._upto if key != "room_no" else 1 << 62
        after = 0
        while True:
            rows = await self._database.fetch(
                f"{sql} WHERE {key} > ? AND {key} <= ? ORDER BY {key} LIMIT ?", after, bound, ROWS_AT_ONCE
            )
            for row in rows:
                yield row
            if len(rows) < ROWS_AT_ONCE:
                return
            after = rows[-1][0]
            await asyncio.sleep(0)

    def problem(self, text: str) -> None:
        """Count something that does not fit."""
        self.count += 1
        if len(self.problems) < PROBLEMS_SHOWN_MAX:
            self.problems.append(text)


async def verify(app: App) -> dict[str, Any]:
    """Reread the data of a server; what was found."""
    found = await asyncio.to_thread(asyncio.run, apart(app.config, app.identifiers, app.database.head))
    async for problem in app.media.verify():
        found["problems"] += 1
        found["found"].append(f"media {problem.sha256}: {problem.text}")
    return found


async def apart(config: Config, identifiers: Identifiers, upto: int) -> dict[str, Any]:
    """Reread the database over a connection of its own."""
    reader: SqliteReader | PostgresReader
    if config.database.url:
        reader = await PostgresReader.open(config.database.url)
    else:
        reader = SqliteReader(config.data_dir / DATABASE_FILE)
    try:
        # Its own cipher: one is not to be used from two threads.
        return await Verification(reader, identifiers.twin(), upto, sqlite=not config.database.url).run()
    finally:
        await reader.close()
