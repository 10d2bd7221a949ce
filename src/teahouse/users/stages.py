"""The stages of user-interactive authentication that this server knows, and what proves each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from teahouse.errors import BadJson, Forbidden
from teahouse.http.messages import Request
from teahouse.users.accounts import Accounts, named_user
from teahouse.users.uia import Check, Proof, UserInteractive
from teahouse.users.uia_store import Session

DUMMY = "m.login.dummy"
TOKEN = "m.login.registration_token"
TERMS = "m.login.terms"
PASSWORD = "m.login.password"


class Stages:
    """The checks, and the two operations that are made of them."""

    def __init__(self, accounts: Accounts, interactive: UserInteractive) -> None:
        self._accounts = accounts
        self.interactive = interactive
        self.checks: Mapping[str, Check] = {
            DUMMY: self._agree,
            TERMS: self._agree,
            TOKEN: self._registration_token,
            PASSWORD: self._password,
        }

    def flows(self) -> Sequence[Sequence[str]]:
        """The flows of registration, by the operator's choice. Raises Forbidden when nobody may register."""
        self.check_open()
        stages = [TOKEN] if self._accounts.rules.registration == "token" else []
        if self._accounts.rules.terms_url:
            stages.append(TERMS)
        return [stages or [DUMMY]]

    def check_open(self) -> None:
        """Raises Forbidden when nobody may register."""
        if self._accounts.rules.registration == "closed":
            raise Forbidden("Registration is closed on this server.")

    async def register(self, request: Request, body: Mapping[str, Any]) -> str | None:
        """Go through the stages of registration; the registration token to use up, if one is needed."""
        return await self.interactive.require(request, body, self.flows(), self.checks, self._params())

    async def confirm(self, request: Request, body: Mapping[str, Any]) -> None:
        """Ask the requester for the password. Raises Forbidden when the proof names somebody else."""
        auth, own = body.get("auth"), request.requester.user_id
        if isinstance(auth, dict) and auth.get("type") == PASSWORD:
            named = named_user(auth)
            if named is not None and named.lower() not in (own, self._accounts.directory.localpart(own)):
                raise Forbidden("Only your own password proves that it is you.")
        await self.interactive.require(request, body, [[PASSWORD]], self.checks)

    async def token_valid(self, word: str, session: Session | None = None) -> bool:
        """Whether a registration token can be used once more, those counted who are about to use it."""
        known = await self._accounts.token(word)
        if known is None:
            return False
        return known.valid(self._accounts.now_ms(), await self.interactive.registrations_pending(word, session))

    @property
    def terms_url(self) -> str:
        """Where the terms of service stand; empty for none."""
        return self._accounts.rules.terms_url

    async def _agree(self, proof: Proof) -> None:
        """Sending the stage is the proof."""

    async def _password(self, proof: Proof) -> None:
        await self._accounts.check_password(proof.auth, proof.session.user_no, proof.address)

    async def _registration_token(self, proof: Proof) -> str:
        word = proof.auth.get("token")
        if not isinstance(word, str):
            raise BadJson("The registration token is missing.")
        if not await self.token_valid(word, proof.session):
            raise Forbidden("The registration token is not valid, or no longer.")
        return word

    def _params(self) -> Mapping[str, Any]:
        if not self.terms_url:
            return {}
        policy = {"version": "1", "en": {"name": "Terms of service", "url": self.terms_url}}
        return {TERMS: {"policies": {"terms_of_service": policy}}}
