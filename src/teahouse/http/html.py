"""Server-rendered pages: one frame, one style, no scripts but those a page names; and the forms that come back."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl

from teahouse.errors import InvalidParam
from teahouse.http.messages import Request, Response

FORM_MAX_BYTES = 8_192  # a session or token, a name and a password twice
FIELDS_MAX = 10  # of a form
COLOURS = """
:root { color-scheme: light dark; --paper: #faf6ee; --ink: #2b2a26; --soft: #6d685d; --leaf: #1f6f54; --line: #ddd4c3;
  --card: #fffdf8; --on-leaf: #fff; --alert: #a3261b; }
@media (prefers-color-scheme: dark) { :root { --paper: #1b1a17; --ink: #ece7db; --soft: #a59e8f; --leaf: #6cc3a0;
  --line: #38352e; --card: #24221e; --on-leaf: #10211a; --alert: #ff9b8f; } }
"""
STYLE = (
    COLOURS
    + """* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: clamp(1.5rem, 8vh, 6rem) 1.25rem 4rem; }
h1 { font: 600 2rem/1.2 ui-serif, Georgia, serif; margin: .75rem 0 .5rem; }
h2 { font: 600 1.2rem/1.3 ui-serif, Georgia, serif; margin: 2rem 0 .5rem; }
p { margin: .5rem 0 1rem; } .soft { color: var(--soft); }
a { color: var(--leaf); text-underline-offset: .2em; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; }
code { font: .95em ui-monospace, monospace; overflow-wrap: anywhere; }
.address { display: block; font-size: 1.15rem; padding: .75rem 1rem; margin: .5rem 0; border: 1px dashed var(--line);
  border-radius: .5rem; user-select: all; }
ol { padding-left: 1.25rem; } li { margin: .4rem 0; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input, button { display: block; width: 100%; font: inherit; padding: .7rem .8rem; border-radius: .5rem;
  border: 1px solid var(--line); background: var(--paper); color: inherit; margin-top: .3rem; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid var(--leaf); outline-offset: 2px; }
button { border: 0; background: var(--leaf); color: var(--on-leaf); font-weight: 600; margin-top: 1.5rem;
  cursor: pointer; }
[role=alert] { color: var(--alert); font-weight: 600; }
svg { width: 3.5rem; height: 3.5rem; color: var(--leaf); }
"""
)
BOWL = (
    '<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" '
    'aria-hidden="true"><path d="M8 24h32c0 9-7 15-16 15S8 33 8 24Z"/><path d="M18 42h12"/>'
    '<path d="M18 17c-2-3 2-5 0-8M26 17c-2-3 2-5 0-8"/></svg>'
)


def page(heading: str, inside: str, status: int = 200, *, language: str, script: str = "") -> Response:
    """A page with a heading and HTML inside, whose only script and style are those named by their digests.

    `heading` is text in `language`; `inside` is HTML, whose parts from outside the caller has escaped.
    """
    run = f"<script>{script}</script>" if script else ""
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)}</title><style>{STYLE}</style></head>"
        f"<body><main>{BOWL}<h1>{escape(heading)}</h1>{inside}</main>{run}</body></html>"
    )
    scripts = f"script-src '{digest(script)}'; " if script else ""
    policy = (
        f"default-src 'none'; {scripts}style-src '{digest(STYLE)}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),  # the address may hold a session or a token
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept-Language"),
    ]
    return Response(status, html.encode(), "text/html; charset=utf-8", headers)


def form(request: Request) -> Mapping[str, str]:
    """The fields of a form, the first of each name; raises InvalidParam."""
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise InvalidParam("The form is not valid.") from None
    return dict(reversed(pairs))


def digest(text: str) -> str:
    """How a content security policy names an inline script or style."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
