"""User-interactive authentication: proving oneself again, stage by stage, before something grave.

A session lives in the database and is bound to the request it was begun for.
Source: Client-Server API, "User-Interactive Authentication API".
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import BadJson, Forbidden, UserAuthNeeded
from teahouse.http.messages import Request

SESSION_LIFE_MS = 900_000  # a session unfinished after so long is forgotten
Stages = Sequence[str]
Check = Callable[[Mapping[str, Any], "str"], Awaitable[str]]


class UserInteractive:
    """Sessions of user-interactive authentication."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def require(
        self,
        request: Request,
        body: Mapping[str, Any],
        flows: Sequence[Stages],
        checks: Mapping[str, Check],
        params: Mapping[str, Any] | None = None,
    ) -> str:
        """Return once one of the flows is complete; the session's detail, such as the registration token used.

        `checks` proves one stage each from the `auth` object and the session id, raising Forbidden, and returns the
        detail to keep. Raises UserAuthNeeded as long as stages are missing.
        """
        auth = body.get("auth")
        if auth is not None and not isinstance(auth, dict):
            raise BadJson("'auth' must be an object.")
        session = auth.get("session") if auth else None
        if not isinstance(session, str):
            session = None
        fingerprint = fingerprint_of(request, body)
        completed, detail = await self._load(session, fingerprint)
        stage = auth.get("type") if auth else None
        if session is None or completed is None:
            session, completed = await self._begin(fingerprint), []
        if isinstance(stage, str) and auth is not None:
            completed, detail = await self._try(session, stage, auth, flows, checks, params, completed, detail)
        if any(all(each in completed for each in flow) for flow in flows):
            await self._end(session)
            return detail
        raise needed(session, flows, params, completed)

    async def complete(self, session: str, stage: str, detail: str = "") -> bool:
        """Mark a stage as done from outside, as the fallback pages do; False when there is no such session."""
        async with self._database.transaction() as tx:
            row = await tx.fetch_one("SELECT completed, detail FROM uia_sessions WHERE session = ?", session)
            if row is None:
                return False
            stages = [*row[0].split(), stage]
            await tx.execute(
                "UPDATE uia_sessions SET completed = ?, detail = ? WHERE session = ?",
                " ".join(dict.fromkeys(stages)), detail or row[1], session,
            )  # fmt: skip
        return True

    async def _try(
        self,
        session: str,
        stage: str,
        auth: Mapping[str, Any],
        flows: Sequence[Stages],
        checks: Mapping[str, Check],
        params: Mapping[str, Any] | None,
        completed: list[str],
        detail: str,
    ) -> tuple[list[str], str]:
        check = checks.get(stage)
        if check is None or not any(stage in flow for flow in flows):
            raise needed(session, flows, params, completed, f"There is no stage {stage} here.")
        if stage in completed:
            return completed, detail
        try:
            detail = await check(auth, session) or detail
        except Forbidden as refusal:
            raise needed(session, flows, params, completed, refusal.message) from None
        completed = [*completed, stage]
        await self.complete(session, stage, detail)
        return completed, detail

    async def _load(self, session: str | None, fingerprint: bytes) -> tuple[list[str] | None, str]:
        if session is None:
            return None, ""
        row = await self._database.fetch_one(
            "SELECT request, completed, detail, created_ms FROM uia_sessions WHERE session = ?", session
        )
        if row is None or row[3] < self._clock.now_ms() - SESSION_LIFE_MS:
            return None, ""
        if bytes(row[0]) != fingerprint:
            raise Forbidden("This session was begun for another request.")
        return row[1].split(), row[2]

    async def _begin(self, fingerprint: bytes) -> str:
        session = secrets.token_urlsafe(18)
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM uia_sessions WHERE created_ms < ?", now_ms - SESSION_LIFE_MS)
            await tx.execute(
                "INSERT INTO uia_sessions (session, request, completed, detail, created_ms) VALUES (?, ?, '', '', ?)",
                session, fingerprint, now_ms,
            )  # fmt: skip
        return session

    async def _end(self, session: str) -> None:
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM uia_sessions WHERE session = ?", session)


def needed(
    session: str,
    flows: Sequence[Stages],
    params: Mapping[str, Any] | None,
    completed: Sequence[str],
    failure: str | None = None,
) -> UserAuthNeeded:
    """The answer that asks for (more) stages; with `failure`, why the last one did not count."""
    return UserAuthNeeded(
        failure or "More authentication is needed.",
        flows=[{"stages": list(flow)} for flow in flows],
        params=dict(params or {}),
        session=session,
        completed=list(completed),
        failed=failure is not None,
    )


def fingerprint_of(request: Request, body: Mapping[str, Any]) -> bytes:
    """What a session is bound to: method, path and who asks. The body may change between tries, as clients do."""
    requester = request.requester_or_none
    who = requester.user_id if requester else ""
    path = msgspec.json.encode([request.method, request.route.template, dict(request.path), who])
    return hashlib.sha256(path).digest()
