"""The document around every public page: head, header, footer, languages; and what a browser may load for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from markupsafe import Markup

from teahouse.http.html import BOWL, digest
from teahouse.http.words import LANGUAGES, Words, moment
from teahouse.pages.style import STYLE

DESCRIPTION_MAX_CHARACTERS = 200  # of a page, for those who link to it
# Of ours alone: pictures and sound. No script, no frame, no font, no request elsewhere.
POLICY = (
    f"default-src 'none'; style-src '{digest(STYLE)}'; img-src 'self'; media-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
).encode()
OEMBED = "/oembed"


@dataclass(frozen=True, slots=True)
class Site:
    """Where and for whom a page is rendered.

    `base` is the server's address without a last slash; `path` the page's, percent-encoded; `query` what besides the
    language distinguishes it. `asked`: the language was asked for by name, and goes on from link to link.
    """

    server_name: str
    base: str
    words: Words
    asked: bool
    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    def link(self, path: str, **query: str) -> str:
        """The address of another page of ours, in the same language. Empty values are left out."""
        if self.asked:
            query["lang"] = self.words.language
        return with_query(path, query)

    @property
    def suffix(self) -> str:
        """What links inside texts end in."""
        return f"?lang={self.words.language}" if self.asked else ""

    def own(self, language: str = "") -> str:
        """This page's whole address, in a language if one is named."""
        return self.base + with_query(self.path, dict(self.query) | {"lang": language})


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says of itself to machines. `feeds` are titles and paths; times are milliseconds, 0 for none."""

    title: str
    description: str = ""
    kind: str = "website"
    image: str = ""
    image_description: str = ""
    feeds: Sequence[tuple[str, str]] = ()
    published_ms: int = 0
    modified_ms: int = 0
    indexed: bool = True
    current: str = ""  # the entry of the navigation that it belongs to
    embedded: bool = False  # others may ask by oEmbed what to show for a link to it


def with_query(path: str, query: Mapping[str, str]) -> str:
    """An address with those parameters that are not empty."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def document(site: Site, head: Head, inside: Markup) -> bytes:
    """A whole page."""
    words = site.words
    return (
        Markup(
            '<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="/favicon.svg" type="image/svg+xml">{head}<style>{style}</style></head>'
            '<body><a class="skip" href="#main">{skip}</a>{top}<main id="main">{inside}</main>{foot}</body></html>'
        )
        .format(
            language=words.language, head=head_of(site, head), style=Markup(STYLE), skip=words.text("skip"),
            top=top(site, head.current), inside=inside, foot=foot(site),
        )
        .encode()
    )  # fmt: skip


def head_of(site: Site, head: Head) -> Markup:
    """The head's title, links and descriptions."""
    description = " ".join(head.description.split())
    if len(description) > DESCRIPTION_MAX_CHARACTERS:
        description = description[: DESCRIPTION_MAX_CHARACTERS - 1].rstrip() + "…"
    lines = [Markup("<title>{}</title>").format(f"{head.title} · {site.server_name}")]
    if not head.indexed:
        lines.append(Markup('<meta name="robots" content="noindex">'))
    else:
        own = site.own(site.words.language if site.asked else "")
        lines.append(Markup('<link rel="canonical" href="{}">').format(own))
        lines.append(Markup('<link rel="alternate" hreflang="x-default" href="{}">').format(site.own()))
        for language in LANGUAGES:
            alternate = Markup('<link rel="alternate" hreflang="{}" href="{}">')
            lines.append(alternate.format(language, site.own(language)))
        lines += graph(site, head, description, own)
    if description:
        lines.append(Markup('<meta name="description" content="{}">').format(description))
    for title, path in head.feeds:
        kind = "application/atom+xml" if path.endswith(".atom") else "application/rss+xml"
        lines.append(Markup('<link rel="alternate" type="{}" title="{}" href="{}">').format(kind, title, path))
    if head.embedded:
        lines.append(
            Markup('<link rel="alternate" type="application/json+oembed" title="{}" href="{}">').format(
                head.title, site.base + with_query(OEMBED, {"url": site.own()})
            )
        )
    return Markup("").join(lines)


def graph(site: Site, head: Head, description: str, own: str) -> list[Markup]:
    """What the page says of itself to those who show links to it. Source: The Open Graph protocol."""
    told = {
        "og:title": head.title,
        "og:type": head.kind,
        "og:url": own,
        "og:site_name": site.server_name,
        "og:description": description,
        "og:locale": site.words.language.replace("-", "_"),
        "og:image": f"{site.base}{head.image}" if head.image else "",
        "og:image:alt": head.image_description if head.image else "",
        "article:published_time": stamp(head.published_ms),
        "article:modified_time": stamp(head.modified_ms),
    }
    line = Markup('<meta property="{}" content="{}">')
    return [line.format(name, content) for name, content in told.items() if content]


def top(site: Site, current: str) -> Markup:
    """The header: home, and where to look around."""
    entries = []
    for key, path in (("explore", "/explore"), ("latest", "/latest")):
        here = Markup(' aria-current="page"') if key == current else ""
        entries.append(Markup('<a href="{}"{}>{}</a>').format(site.link(path), here, site.words.text(key)))
    return Markup(
        '<header class="top"><div><a class="home" href="{}">{}<span>{}</span></a>'
        '<nav aria-label="{}">{}</nav></div></header>'
    ).format(
        site.link("/"), Markup(BOWL), site.server_name, site.words.text("nav"), Markup("").join(entries)
    )  # fmt: skip


def foot(site: Site) -> Markup:
    """The footer: what this is, and the same page in other languages."""
    entries = []
    for language, name in LANGUAGES.items():
        here = Markup(' aria-current="true"') if language == site.words.language else ""
        href = with_query(site.path, dict(site.query) | {"lang": language})
        entries.append(
            Markup('<li><a href="{}" lang="{}" hreflang="{}"{}>{}</a></li>').format(
                href, language, language, here, name
            )
        )
    return Markup(
        '<footer class="foot"><div><p>{}</p><nav aria-label="{}"><ul>{}</ul></nav></div></footer>'
    ).format(
        site.words.text("about_site", server=site.server_name), site.words.text("languages"), Markup("").join(entries)
    )  # fmt: skip


def stamp(moment_ms: int) -> str:
    """A moment as machines read it; '' for none."""
    return moment(moment_ms).strftime("%Y-%m-%dT%H:%M:%SZ") if moment_ms else ""


def timed(words: Words, moment_ms: int) -> Markup:
    """A moment as people and machines read it."""
    return Markup('<time datetime="{}">{}</time>').format(stamp(moment_ms), words.time(moment_ms))


def empty(text: str) -> Markup:
    """What stands where nothing is yet."""
    return Markup('<div class="empty">{}<p>{}</p></div>').format(Markup(BOWL), text)
