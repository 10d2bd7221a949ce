"""The languages of pages and mails: which one a reader gets, and what they say in it.

Each slice has catalogues of its own, in its folder `locales`: flat JSON, a key to a text with `{names}` in it. Of a
text that counts there is one for each of the language's plural forms, `key_one`, `key_many`, `key_other`, as CLDR names
them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from teahouse.http import codec
from teahouse.http.messages import Request

LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "id": "Bahasa Indonesia",
    "fr": "Français",
    "zh-Hans": "简体中文",
}
DEFAULT = "en"
ACCEPTED_MAX = 20  # languages of one Accept-Language header that are looked at
MILLION = 1_000_000
# How else browsers call ours. Readers of traditional characters are better served by simplified ones than by English.
_OTHER_NAMES = {"zh": "zh-Hans", "in": "id"}
_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")


class Words:
    """What pages say in one language."""

    def __init__(self, language: str, catalogue: Mapping[str, str]) -> None:
        self.language = language
        self._catalogue = catalogue
        self._months = catalogue.get("months", "").split("|")

    def text(self, key: str, **values: Any) -> str:
        """A text. Values are put in as they are: what makes HTML of it escapes it."""
        text = self._catalogue[key]
        return text.format(**values) if values else text

    def html(self, key: str, **values: Any) -> Markup:
        """The same as HTML, around values that may be HTML themselves; others are escaped."""
        return Markup(escape(self._catalogue[key])).format(**values)

    def counted(self, key: str, number: int, **values: Any) -> str:
        """A text about a number of things; `{count}` in it is the number."""
        return self.text(f"{key}_{plural(self.language, number)}", count=self.number(number), **values)

    def number(self, number: int) -> str:
        """A whole number in groups of three."""
        return f"{number:,}".replace(",", self._catalogue["thousands"])

    def day(self, moment_ms: int) -> str:
        """A day of the calendar, in UTC."""
        at = moment(moment_ms)
        return self.text("day", day=at.day, month=self._months[at.month - 1], year=at.year)

    def time(self, moment_ms: int) -> str:
        """A day and the time, in UTC: whoever renders a page for everybody knows nobody's time zone."""
        at = moment(moment_ms)
        return self.text("time", day=self.day(moment_ms), hour=f"{at.hour:02}", minute=f"{at.minute:02}")


def moment(moment_ms: int) -> datetime:
    """Milliseconds since the epoch as a date and time."""
    return datetime.fromtimestamp(moment_ms / 1_000, UTC)


@cache
def words(package: str, language: str) -> Words:
    """The words of a slice, named as its package, in one of our languages."""
    text = files(package).joinpath("locales", f"{language}.json").read_text(encoding="utf-8")
    return Words(language, json.loads(text))


def spoken(package: str, request: Request) -> Words:
    """The words of a slice in the language of whoever asks for a page."""
    asked = codec.parameter(request, "lang")
    return words(package, negotiated(asked, request.headers.get("accept-language", "")))


def plural(language: str, number: int) -> str:
    """The plural form that goes with a whole number. Source: CLDR plural rules, cardinals."""
    if language == "en":
        return "one" if number == 1 else "other"
    if language == "fr":
        if number in (0, 1):
            return "one"
        return "many" if number % MILLION == 0 else "other"
    return "other"


def negotiated(asked: str | None, accepted: str) -> str:
    """The language to answer in: the one asked for by name, else the best of an Accept-Language header."""
    named = None if asked is None else known(asked)
    if named is not None:
        return named
    best, best_quality = DEFAULT, 0.0
    for item in accepted.split(",")[:ACCEPTED_MAX]:
        tag, _, parameter = item.partition(";")
        given = _QUALITY.fullmatch(parameter.strip())
        quality = float(given[1]) if given else 0.0 if parameter.strip() else 1.0
        language = known(tag.strip())
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


def known(tag: str) -> str | None:
    """Which of our languages a language tag means."""
    primary = tag.partition("-")[0].lower()
    primary = _OTHER_NAMES.get(primary, primary)
    return primary if primary in LANGUAGES else None
