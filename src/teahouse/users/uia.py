"""User-interactive authentication: proving oneself again, stage by stage, before something grave.

A session lives in the database, so a restart keeps it, and is bound to the request it was begun for.
Source: Client-Server API, "User-Interactive Authentication API".
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import BadJson, Forbidden, UserAuthNeeded
from teahouse.http.messages import Request
from teahouse.matrix import identifiers
from teahouse.users import uia_store
from teahouse.users.uia_store import Session

SESSION_LIFE_MS = 900_000  # a session unfinished after so long is forgotten
Stages = Sequence[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client sends to prove one stage: `auth` with the stage's own keys, in which session, from where."""

    auth: Mapping[str, Any]
    session: Session
    address: str


Check = Callable[[Proof], Awaitable[str | None]]


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
    ) -> str | None:
        """Return once one of the flows is complete: the registration token that a stage accepted, if one did.

        `checks` prove one stage each; they raise Forbidden, or return the registration token to keep. Raises
        UserAuthNeeded as long as stages are missing, Forbidden for a session begun for another request.
        """
        auth = body.get("auth")
        if auth is not None and not isinstance(auth, dict):
            raise BadJson("'auth' must be an object.")
        auth = auth or {}
        stages = tuple(dict.fromkeys(stage for flow in flows for stage in flow))
        found = await self._find(auth.get("session"), fingerprint_of(request, body))
        before = found or self._new(request, body, stages)
        session, failure = before, None
        if isinstance(auth.get("type"), str):
            session, failure = await prove(checks, flows, auth["type"], Proof(auth, before, request.client_ip))
        if any(set(flow) <= set(session.completed) for flow in flows):
            if found is not None:
                await self._end(session)
            return session.registration_token
        if found is None:
            await self._begin(session)
        elif session != before:
            await self._advance(session)
        raise needed(session, flows, params, failure)

    async def session(self, name: str) -> Session | None:
        """A session under way, by its name."""
        if not identifiers.opaque(name):
            return None
        found = await uia_store.session(self._database, name)
        return None if found is None or found.created_ms <= self._expired_ms() else found

    async def prove(self, session: Session, stage: str, check: Check, auth: Mapping[str, Any], address: str) -> None:
        """Complete a stage from outside the request, as the fallback pages do. Raises Forbidden."""
        token = await check(Proof(auth, session, address))
        await self._advance(replace(session, completed=(stage,), registration_token=token))

    async def registrations_pending(self, token: str, but: Session | None) -> int:
        """How many other sessions have had this registration token accepted and have not used it yet."""
        name = "" if but is None else but.name
        return await uia_store.pending(self._database, token, name, self._expired_ms())

    async def _find(self, name: Any, fingerprint: bytes) -> Session | None:
        session = await self.session(name) if isinstance(name, str) else None
        if session is not None and session.request != fingerprint:
            raise Forbidden("This session was begun for another request.")
        return session

    def _new(self, request: Request, body: Mapping[str, Any], stages: Stages) -> Session:
        requester = request.requester_or_none
        user_no = requester.user_no if requester else 0
        name = secrets.token_urlsafe(18)
        return Session(name, fingerprint_of(request, body), user_no, tuple(stages), (), None, self._clock.now_ms())

    async def _begin(self, session: Session) -> None:
        async with self._database.transaction() as tx:
            await uia_store.drop_expired(tx, self._expired_ms())
            await uia_store.add(tx, session)

    async def _advance(self, session: Session) -> None:
        """Store what a session has completed; stages completed elsewhere meanwhile stay completed."""
        async with self._database.transaction() as tx:
            known = await uia_store.session(tx, session.name)
            if known is not None:
                completed = tuple(dict.fromkeys((*known.completed, *session.completed)))
                token = session.registration_token or known.registration_token
                await uia_store.advance(tx, session.name, completed, token)

    async def _end(self, session: Session) -> None:
        """Use a session up. Raises Forbidden when another request did so first."""
        async with self._database.transaction() as tx:
            if not await uia_store.drop(tx, session.name):
                raise Forbidden("This session has been used.")

    def _expired_ms(self) -> int:
        return self._clock.now_ms() - SESSION_LIFE_MS


async def prove(
    checks: Mapping[str, Check], flows: Sequence[Stages], stage: str, proof: Proof
) -> tuple[Session, str | None]:
    """Try one stage: the session after it, and why it did not count. The stages of a flow come in its order."""
    session = proof.session
    if stage in session.completed:
        return session, None
    before = [set(flow[: flow.index(stage)]) for flow in flows if stage in flow]
    if not before:
        return session, "There is no such stage here."
    if not any(earlier <= set(session.completed) for earlier in before):
        return session, "Another stage comes before this one."
    try:
        token = await checks[stage](proof)
    except Forbidden as refusal:
        return session, refusal.message
    completed = (*session.completed, stage)
    return replace(session, completed=completed, registration_token=token or session.registration_token), None


def needed(
    session: Session, flows: Sequence[Stages], params: Mapping[str, Any] | None, failure: str | None
) -> UserAuthNeeded:
    """The answer that asks for (more) stages; with `failure`, why the last one did not count."""
    return UserAuthNeeded(
        failure or "More authentication is needed.",
        flows=[{"stages": list(flow)} for flow in flows],
        params=dict(params or {}),
        session=session.name,
        completed=list(session.completed),
        failed=failure is not None,
    )


def fingerprint_of(request: Request, body: Mapping[str, Any]) -> bytes:
    """What a session is bound to: method, path, and for somebody signed in who asks, and for what.

    A registration's body may change between tries: clients ask for the flows before they ask for a name.
    """
    requester = request.requester_or_none
    asked = None
    if requester is not None:
        asked = [requester.user_id, {key: value for key, value in body.items() if key != "auth"}]
    bound = [request.method, request.route.template, dict(request.path), asked]
    return hashlib.sha256(msgspec.json.encode(bound, order="deterministic")).digest()
