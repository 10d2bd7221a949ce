"""What people wrote, as HTML: links, hashtags and mentions become links, articles lose what would leave this server."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote, urlsplit

import nh3
from markupsafe import Markup

from teahouse.posts import hashtags, naming

LINK_SHOWN_CHARACTERS = 60  # of a web address inside a text; the rest is in the link
REL = "nofollow noopener noreferrer ugc"
# A web address ends before spaces, quotes, angle brackets and the punctuation of scripts without spaces.
_URL = r"https?://[^\s<>\"'`{}|\\^，。！？；：、（）《》「」『』【】“”‘’]+"
_LINKED = re.compile(rf"(?P<url>{_URL})|(?P<tag>{hashtags.TAG.pattern})|{naming.PATTERN}")
_ENDING = ".,;:!?*_~'\""
_MXC = re.compile(r"mxc://([^/\s]{1,255})/([A-Za-z0-9_-]{1,255})")
_UNDESCRIBED = re.compile(r"<img(?![^>]* alt=)")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")  # would turn around what a name or address stands in


def linked(text: str, handles: Collection[str], suffix: str = "") -> Markup:
    """A text with its addresses, hashtags and those mentions that are accounts as links.

    `suffix` is put behind addresses of our own, such as `?lang=fr`.
    """
    pieces: list[Markup | str] = []
    place = 0
    for found in _LINKED.finditer(text):
        if found.start() < place:
            continue
        url, tag, handle = found["url"], found["tag"], found["handle"]
        if url:
            url = trimmed(url)
            link, end = outward(url, shortened(url)), found.start() + len(url)
        elif tag:
            word = hashtags.fold(tag)
            if word.isdigit():
                continue
            href = f"/tag/{quote(word, safe='')}{suffix}"
            link, end = Markup('<a href="{}">{}</a>').format(href, tag), found.end()
        else:
            name = naming.named(handle)
            if name not in handles:
                continue
            href = f"/@{quote(name, safe='')}{suffix}"
            link, end = Markup('<a href="{}">@{}</a>').format(href, name), found.start() + 1 + len(name)
        pieces += [text[place : found.start()], link]
        place = end
    pieces.append(text[place:])
    return Markup("").join(pieces)


def outward(url: str, shown: str) -> Markup:
    """A link that leaves this server; only the text where the address is none of the web's."""
    if not is_web(url):
        return Markup("{}").format(shown)
    return Markup('<a href="{}" rel="{}">{}</a>').format(url, REL, shown)


def is_web(url: str) -> bool:
    """Whether it is an address that a browser may be sent to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def leads_somewhere(address: str) -> bool:
    """Whether a link in an article leads to the web, to a mailbox, or to a page of this server, named from its root.

    What is relative to the article's own address would lead elsewhere from a list or a feed.
    """
    own = address.startswith("/") and not address.startswith("//")
    return own or is_web(address) or address.lower().startswith("mailto:")


def trimmed(url: str) -> str:
    """A web address without the punctuation of the sentence it stands in."""
    while url:
        last = url[-1]
        if last in _ENDING or (last in ")]" and url.count("(["[last == "]"]) < url.count(last)):
            url = url[:-1]
        else:
            break
    return url


def shortened(url: str) -> str:
    """A web address as it is shown."""
    shown = url.partition("://")[2].removesuffix("/")
    return shown if len(shown) <= LINK_SHOWN_CHARACTERS else shown[: LINK_SHOWN_CHARACTERS - 1] + "…"


def upright(name: str) -> str:
    """A name without the signs that would turn around the text it stands in."""
    return _BIDI.sub("", name)


def media_address(mxc: str, server_name: str, name: str = "", size: tuple[int, int] | None = None) -> str:
    """Where everybody can get a post's file, or a picture made smaller; '' for what is not this server's."""
    found = _MXC.fullmatch(mxc)
    if found is None or found[1] != server_name:
        return ""
    path = f"/media/{found[2]}/{quote(name, safe='') or 'file'}"
    return path if size is None else f"{path}?width={size[0]}&height={size[1]}"


def article(html: str, server_name: str) -> Markup:
    """The HTML of an article: pictures of this server under their public address, others gone.

    Sanitised again, by the library's own rules, although it was before it was stored: what is stored outlives the rules
    it was checked by.
    """

    def address(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return media_address(value, server_name) or None
        if attribute == "href" and not leads_somewhere(value):
            return None
        return value

    clean = nh3.clean(html, attribute_filter=address, link_rel=REL, url_schemes={"http", "https", "mailto", "mxc"})
    return Markup(_UNDESCRIBED.sub('<img loading="lazy" alt=""', clean))
