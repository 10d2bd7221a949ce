"""Pages on which people complete a stage of authentication that their client does not know.

Source: Client-Server API, "User-Interactive Authentication API", "Fallback".
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from teahouse.errors import BadJson, Forbidden, NotFound
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.users.stages import DUMMY, PASSWORD, TERMS, TOKEN, Stages
from teahouse.users.uia_store import Session

PAGE = "/_matrix/client/v3/auth/{authType}/fallback/web"
GONE = "This page has expired. Go back to your app and try again."

# The specification's words, by which the client that opened the page learns that the stage is done.
SCRIPT = """
if (window.onAuthDone) {
    window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
    window.opener.postMessage("authDone", "*");
}
"""
PARTS: Mapping[str, tuple[str, str, str]] = {  # stage → heading, what the form asks, what its button says
    DUMMY: ("One more step", "<p>Nothing is asked of you here.</p>", "Continue"),
    TERMS: (
        "Terms of service",
        '<p>To go on, read and accept the <a href="{url}" target="_blank" rel="noopener">terms of service</a>'
        " of this server.</p>",
        "I accept",
    ),
    TOKEN: (
        "Registration token",
        '<label for="token">The token that the operator of this server gave you</label>'
        '<input id="token" name="token" autocomplete="off" autocapitalize="none" required autofocus>',
        "Continue",
    ),
    PASSWORD: (
        "Your password",
        '<label for="password">To go on, enter the password of your account</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>',
        "Continue",
    ),
}


class FallbackApi:
    """The pages over HTTP."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", PAGE, self.show, Auth.NONE, limit="login"),
            Route("POST", PAGE, self.submit, Auth.NONE, limit="login", body_max_bytes=FORM_MAX_BYTES),
        ]

    async def show(self, request: Request) -> Response:
        stage = known_stage(request)
        session = await self._session(codec.required(request, "session"), stage)
        if session is None:
            return page("Expired", f"<p>{GONE}</p>", 404)
        return done() if stage in session.completed else self._form(stage, session, "")

    async def submit(self, request: Request) -> Response:
        stage, fields = known_stage(request), form(request)
        session = await self._session(fields.get("session", ""), stage)
        if session is None:
            return page("Expired", f"<p>{GONE}</p>", 404)
        if stage in session.completed:
            return done()
        try:
            await self._stages.interactive.prove(session, stage, self._stages.checks[stage], fields, request.client_ip)
        except (Forbidden, BadJson) as refusal:
            return self._form(stage, session, refusal.message)
        return done()

    async def _session(self, name: str, stage: str) -> Session | None:
        session = await self._stages.interactive.session(name)
        return session if session is not None and stage in session.stages else None

    def _form(self, stage: str, session: Session, failure: str) -> Response:
        heading, asked, button = PARTS[stage]
        alert = f'<p role="alert">{escape(failure)}</p>' if failure else ""
        hidden = f'<input type="hidden" name="session" value="{escape(session.name)}">'
        inside = asked.format(url=escape(self._stages.terms_url)) if stage == TERMS else asked
        return page(heading, f'{alert}<form method="post">{hidden}{inside}<button>{button}</button></form>')


def known_stage(request: Request) -> str:
    """The stage a path names; raises NotFound for one without a page."""
    stage = request.path["authType"]
    if stage not in PARTS:
        raise NotFound("There is no page for this kind of authentication.")
    return stage


def done() -> Response:
    """The page that tells the client, and the person, that the stage is complete."""
    return page("Done", "<p>You can close this page and go back to your app.</p>", script=SCRIPT)
