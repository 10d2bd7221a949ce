"""Whether a post belongs into somebody's lists: pure functions of the reader's view, the post and what it carries on.

The original is None for a post that carries nothing on.
"""

from __future__ import annotations

from teahouse.feed.phrases import said, spoken
from teahouse.feed.types import View
from teahouse.posts.types import Fate, Post, PostContent


def shown(view: View, post: Post, original: Post | None) -> bool:
    """Whether a reader sees a post in lists: not what is gone, by people unseen, or sensitive for who wants none."""
    if post.fate is not Fate.STANDS or post.content is None or post.account_no in view.unseen:
        return False
    if original is not None:
        if original.account_no in view.unseen:
            return False
        if original.content is None and not says_something(post.content):
            return False  # nothing is left of it
    return view.settings.sensitive != "hide" or not any(
        each.content is not None and each.content.warning for each in (post, original) if each is not None
    )


def understood(view: View, post: Post, original: Post | None) -> bool:
    """Whether a post is in a language that the reader reads, or says of none."""
    languages = view.settings.languages
    return not languages or not (language := language_of(post, original)) or any(is_in(language, x) for x in languages)


def belongs_home(view: View, user_no: int, post: Post, original: Post | None) -> bool:
    """Whether a post of an account that the reader follows, or their own, stands in their home feed."""
    if post.account_no == user_no:
        return post.fate is Fate.STANDS
    if not shown(view, post, original) or (original is not None and post.account_no in view.no_reposts):
        return False
    return understood(view, post, original) and not says_muted(view, post, original)


def says_muted(view: View, post: Post, original: Post | None) -> bool:
    """Whether a post holds a word that the reader muted."""
    if not view.phrases:
        return False
    contents = [each.content for each in (post, original) if each is not None and each.content is not None]
    text = spoken(words for content in contents for words in said(content))
    return any(phrase in text for phrase in view.phrases)


def language_of(post: Post, original: Post | None) -> str:
    """The language a post says to be in; a repost without a word of its own speaks as its original does."""
    own = post.content.language if post.content is not None else ""
    if own or original is None or original.content is None:
        return own
    return original.content.language if post.content is None or not says_something(post.content) else ""


def is_in(language: str, wanted: str) -> bool:
    """Whether a language tag is the wanted one, or a kind of it: zh-Hans is zh."""
    language, wanted = language.lower(), wanted.lower()
    return language == wanted or language.startswith(f"{wanted}-")


def says_something(content: PostContent) -> bool:
    """Whether a repost has words of its own."""
    return bool(content.text or content.link)
