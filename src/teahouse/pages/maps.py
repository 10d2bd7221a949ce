"""What tells machines what there is: the sitemap, robots.txt; and the pictures to follow by, a QR code and a button."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import segno
from markupsafe import Markup

from teahouse.pages.frame import stamp
from teahouse.pages.types import Place

PLACES_MAX = 10_000  # addresses of one sitemap: a fifth of what the protocol allows, so that making one blocks nobody
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
LETTER_WIDTH = 8.2  # of the button's letters, in its own units
BUTTON = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="36" viewBox="0 0 {width} 36" role="img" '
    'aria-label="{label}"><title>{label}</title><rect width="{width}" height="36" rx="18" fill="#1f6f54"/>'
    '<g transform="translate(12 7) scale(.46)" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round">'
    '<path d="M8 24h32c0 9-7 15-16 15S8 33 8 24Z"/><path d="M18 42h12"/>'
    '<path d="M18 17c-2-3 2-5 0-8M26 17c-2-3 2-5 0-8"/>'
    '</g><text x="42" y="23" fill="#fff" font-family="system-ui, sans-serif" font-size="15" font-weight="600" '
    'textLength="{length}" lengthAdjust="spacingAndGlyphs">{label}</text></svg>'
)

ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="#1f6f54"/>'
    b'<g transform="translate(5 4) scale(.8)" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round">'
    b'<path d="M8 24h32c0 9-7 15-16 15S8 33 8 24Z"/><path d="M18 42h12"/>'
    b'<path d="M18 17c-2-3 2-5 0-8M26 17c-2-3 2-5 0-8"/></g></svg>'
)


def index(base: str, paths: Iterable[str]) -> bytes:
    """The list of all sitemaps. Source: sitemaps.org, protocol 0.9."""
    lines = (Markup("<sitemap><loc>{}</loc></sitemap>").format(f"{base}{path}") for path in paths)
    return f'{DECLARATION}<sitemapindex xmlns="{NAMESPACE}">{Markup("").join(lines)}</sitemapindex>\n'.encode()


def sitemap(base: str, places: Iterable[Place]) -> bytes:
    """One sitemap."""
    line = Markup("<url><loc>{}</loc>{}</url>")
    changed = Markup("<lastmod>{}</lastmod>")
    lines = [
        line.format(f"{base}{each.path}", changed.format(stamp(each.changed_ms)) if each.changed_ms else "")
        for each in places
    ]
    return f'{DECLARATION}<urlset xmlns="{NAMESPACE}">{Markup("").join(lines)}</urlset>\n'.encode()


def robots(base: str) -> bytes:
    """Everything that is a page may be found; what is an endpoint is none."""
    return (
        "User-agent: *\nDisallow: /_matrix/\nDisallow: /_teahouse/\nDisallow: /setup\nDisallow: /media/\nAllow: /\n\n"
        f"Sitemap: {base}/sitemap.xml\n"
    ).encode()


def qr(text: str) -> bytes:
    """A QR code as SVG, black on white in every theme: cameras read it so."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=2, dark="#000", light="#fff", xmldecl=False, svgns=True, omitsize=True, nl=False
    )
    return out.getvalue()


def button(label: str) -> bytes:
    """The button to follow by, as others put it on their pages."""
    length = round(sum(1.8 if ord(each) > 0x2E80 else 1 for each in label) * LETTER_WIDTH)
    return str(BUTTON.format(width=length + 58, length=length, label=label)).encode()
