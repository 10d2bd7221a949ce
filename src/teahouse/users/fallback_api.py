"""Pages on which people complete a stage of authentication that their client does not know.

Source: Client-Server API, "User-Interactive Authentication API", "Fallback".
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from teahouse.errors import BadJson, Forbidden, NotFound
from teahouse.http import codec
from teahouse.http.html import FORM_MAX_BYTES, form, page
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.words import Words, spoken
from teahouse.users.stages import DUMMY, PASSWORD, TERMS, TOKEN, Stages
from teahouse.users.uia_store import Session

PAGE = "/_matrix/client/v3/auth/{authType}/fallback/web"
PACKAGE = "teahouse.users"

# The specification's words, by which the client that opened the page learns that the stage is done.
SCRIPT = """
if (window.onAuthDone) {
    window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
    window.opener.postMessage("authDone", "*");
}
"""
BUTTONS: Mapping[str, str] = {DUMMY: "continue", TERMS: "accept", TOKEN: "continue", PASSWORD: "continue"}
TEXTS: Mapping[str, str] = {DUMMY: "dummy", TERMS: "terms", TOKEN: "token", PASSWORD: "password"}  # keys of what we say


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
        stage, words = known_stage(request), spoken(PACKAGE, request)
        session = await self._session(codec.required(request, "session"), stage)
        if session is None:
            return expired(words)
        return done(words) if stage in session.completed else self._form(words, stage, session, "")

    async def submit(self, request: Request) -> Response:
        stage, fields, words = known_stage(request), form(request), spoken(PACKAGE, request)
        session = await self._session(fields.get("session", ""), stage)
        if session is None:
            return expired(words)
        if stage in session.completed:
            return done(words)
        try:
            await self._stages.interactive.prove(session, stage, self._stages.checks[stage], fields, request.client_ip)
        except (Forbidden, BadJson) as refusal:
            return self._form(words, stage, session, refusal.message)
        return done(words)

    async def _session(self, name: str, stage: str) -> Session | None:
        session = await self._stages.interactive.session(name)
        return session if session is not None and stage in session.stages else None

    def _form(self, words: Words, stage: str, session: Session, failure: str) -> Response:
        key = TEXTS[stage]
        alert = Markup('<p role="alert">{}</p>').format(failure) if failure else ""
        inside = Markup(
            '{}<form method="post"><input type="hidden" name="session" value="{}">{}<button>{}</button></form>'
        ).format(alert, session.name, self._asked(words, stage), words.text(BUTTONS[stage]))
        return page(words.text(f"{key}_heading"), inside, language=words.language)

    def _asked(self, words: Words, stage: str) -> Markup:
        """What the form of a stage asks."""
        if stage == TERMS:
            link = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(
                self._stages.terms_url, words.text("terms_link")
            )
            return Markup("<p>{}</p>").format(words.html("terms", link=link))
        text = words.text(TEXTS[stage])
        if stage == TOKEN:
            return Markup(
                '<label for="token">{}</label><input id="token" name="token" autocomplete="off" autocapitalize="none" '
                "required autofocus>"
            ).format(text)
        if stage == PASSWORD:
            return Markup(
                '<label for="password">{}</label><input id="password" name="password" type="password" '
                'autocomplete="current-password" required autofocus>'
            ).format(text)
        return Markup("<p>{}</p>").format(text)


def known_stage(request: Request) -> str:
    """The stage a path names; raises NotFound for one without a page."""
    stage = request.path["authType"]
    if stage not in TEXTS:
        raise NotFound("There is no page for this kind of authentication.")
    return stage


def expired(words: Words) -> Response:
    """The page of a session that is over."""
    return page(
        words.text("expired_heading"), Markup("<p>{}</p>").format(words.text("expired")), 404, language=words.language
    )


def done(words: Words) -> Response:
    """The page that tells the client, and the person, that the stage is complete."""
    inside = Markup("<p>{}</p>").format(words.text("done"))
    return page(words.text("done_heading"), inside, language=words.language, script=SCRIPT)
