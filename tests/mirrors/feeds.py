"""Feeds for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from xml.sax.saxutils import escape


@dataclass
class Item:
    """One entry, as a test writes it."""

    id: str
    title: str = "Tea"
    html: str = ""
    published_ms: int = 0
    link: str = ""


@dataclass
class Feed:
    """A feed that grows, newest first."""

    items: list[Item] = field(default_factory=list)

    def add(self, *items: Item) -> None:
        """Newer entries."""
        self.items = [*reversed(items), *self.items]

    def rss(self) -> bytes:
        """As RSS 2.0."""
        items = "".join(rss_item(each) for each in self.items)
        head = '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><language>en-gb</language>'
        return f"{head}{items}</channel></rss>".encode()

    def atom(self) -> bytes:
        """As Atom."""
        entries = "".join(atom_entry(each) for each in self.items)
        head = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>'
        return f"{head}{entries}</feed>".encode()


def rss_item(item: Item) -> str:
    """An entry of RSS."""
    link = f"<link>{escape(item.link)}</link>" if item.link else ""
    date = f"<pubDate>{formatdate(item.published_ms / 1_000)}</pubDate>" if item.published_ms else ""
    guid = f'<guid isPermaLink="false">{escape(item.id)}</guid>' if item.id else ""
    title = f"<title>{escape(item.title)}</title>" if item.title else ""
    return f"<item>{guid}{title}{link}{date}<description>{escape(item.html)}</description></item>"


def atom_entry(item: Item) -> str:
    """An entry of Atom."""
    return (
        f"<entry><id>{escape(item.id)}</id><title>{escape(item.title)}</title>"
        f'<link href="{escape(item.link or "https://example.org/")}"/>'
        f'<content type="html">{escape(item.html)}</content></entry>'
    )
