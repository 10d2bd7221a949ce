"""What a post says, as a row of words in which a phrase can be found: pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from teahouse.posts import wording
from teahouse.posts.types import PostContent
from teahouse.posts.words import folded, runs

GAP, END = "\x1f", "\x1e"  # between words; between texts, which no phrase spans. No word holds either


def said(content: PostContent) -> list[str]:
    """Every text of a post that its readers see."""
    texts = [content.text, content.warning, content.link, *(each.description for each in content.media)]
    texts += [each.name for each in content.media]
    if content.article is not None:
        texts += [content.article.title, wording.plain(content.article.html)]
    if content.poll is not None:
        texts += [content.poll.question, *content.poll.answers]
    return [text for text in texts if text]


def spoken(texts: Iterable[str]) -> str:
    """The words of some texts in a row; `phrase in spoken(...)` for a phrase made by `phrase`."""
    return END.join(phrase(text) for text in texts)


def phrase(text: str) -> str:
    """The words of one text between gaps; '' when it has none. Every character of an unspaced script is one."""
    words: list[str] = []
    for run, unspaced in runs(folded(text)):
        words.extend(run if unspaced else ["".join(run)])
    return f"{GAP}{GAP.join(words)}{GAP}" if words else ""
