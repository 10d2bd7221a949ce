"""The process that reads a feed: apart from the server, so that a hostile one can only hurt itself.

Run as a script, not as a module of the package: it imports feedparser and nothing else. Its input is one line of JSON
and the feed; its answer is one JSON array of entries, newest first, or `null` for what is no feed. Time and memory are
bounded by the system.

    {"url": where it was found, "content_type": what its server calls it, "entries_max": n}
    [{"id", "title", "link", "html", "published_ms", "language"}, …]
"""

from __future__ import annotations

import calendar
import json
import resource
import sys
from typing import Any

import feedparser

MEMORY_MAX_BYTES = 1_073_741_824  # address space of this process
CPU_MAX_S = 20  # seconds of computing
TEXT_MAX_CHARACTERS = 150_000  # of one entry's HTML: beyond what an article holds
LINE_MAX_CHARACTERS = 4_000  # of its title, link and id


def main() -> None:
    """Answer the one request."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    request = json.loads(sys.stdin.buffer.readline())
    json.dump(entries(sys.stdin.buffer.read(), request), sys.stdout)


def entries(feed: bytes, request: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The newest entries of a feed, or None."""
    headers = {"content-location": request["url"], "content-type": request["content_type"] or "application/xml"}
    parsed = feedparser.parse(feed, response_headers=headers)
    if not parsed.get("version"):
        return None
    language = str(parsed.feed.get("language") or "")
    found = [each for each in (entry(raw, language) for raw in parsed.entries) if each is not None]
    # Feeds are in no order that one may rely on; those without a date keep their place at the top.
    found.sort(key=lambda each: -each["published_ms"] if each["published_ms"] else -(1 << 62))
    return found[: request["entries_max"]]


def entry(raw: Any, language: str) -> dict[str, Any] | None:
    """One entry; None for one that cannot be told from others."""
    link = str(raw.get("link") or "")
    entry_id = str(raw.get("id") or link)
    if not entry_id or len(entry_id) > LINE_MAX_CHARACTERS:
        return None
    contents = [str(each.get("value") or "") for each in raw.get("content") or []]
    html = max([*contents, str(raw.get("summary") or "")], key=len)
    moment = raw.get("published_parsed") or raw.get("updated_parsed")
    return {
        "id": entry_id,
        "title": str(raw.get("title") or "")[:LINE_MAX_CHARACTERS],
        "link": link[:LINE_MAX_CHARACTERS],
        "html": html[:TEXT_MAX_CHARACTERS],
        "published_ms": max(0, calendar.timegm(moment) * 1_000) if moment else 0,
        "language": str(raw.get("language") or language)[:100],
    }


if __name__ == "__main__":
    main()
