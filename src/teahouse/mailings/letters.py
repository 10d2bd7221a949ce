"""What followers by e-mail are written: pure functions.

A mail that nobody confirmed yet holds nothing that the account's owner chose but the handle, so that opening an account
is no way to send strangers a message. Mails are in the account's language, if it is one of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.http.words import DEFAULT, Words, known, words
from teahouse.posts.types import Post, PostContent
from teahouse.posts.wording import announced, excerpt
from teahouse.public_accounts.types import About

PACKAGE = "teahouse.mailings"
POST_CHARACTERS = 2_000  # of one post's words; the rest is behind its link
SUBJECT_CHARACTERS = 150


def spoken_by(about: About) -> Words:
    """The words of an account's mails."""
    return words(PACKAGE, known(about.language) or DEFAULT)


def confirmation(said: Words, handle: str, server_name: str, link: str, hours: int) -> tuple[str, str]:
    """Subject and text of the mail that asks whether its reader wants to follow."""
    text = said.text("ask_text", handle=handle, server=server_name, link=link, hours=hours)
    return said.text("ask_subject", handle=handle), text


def already(said: Words, handle: str, server_name: str, leave: str) -> tuple[str, str]:
    """Subject and text of the mail to somebody who asks for what they have."""
    text = said.text("already_text", handle=handle, server=server_name, leave=leave)
    return said.text("already_subject", handle=handle), text


def digest(
    said: Words, handle: str, name: str, posts: Sequence[tuple[Post, str]], page: str, more: int, leave: str
) -> tuple[str, str]:
    """Subject and text of the mail with an account's new posts (each with its address), oldest first."""
    first = posts[0][0].content if posts else None
    if len(posts) + more == 1 and first is not None:
        subject = said.text("one_subject", handle=handle, post=announced(first) or said.text("new_post"))
    else:
        subject = said.counted("many_subject", len(posts) + more, handle=handle)
    parts = [f"{in_words(said, post.content)}\n{address}" for post, address in posts if post.content is not None]
    if more:
        parts.append(f"{said.counted('more', more)}\n{page}")
    foot = f"{said.text('foot', name=printable(name), handle=handle)}\n{leave}\n"
    return printable(subject), "\n\n* * *\n\n".join(parts) + f"\n\n-- \n{foot}"


def in_words(said: Words, content: PostContent) -> str:
    """A post as plain text; one that asks for a click first shows its warning alone."""
    if content.warning:
        return f"[{content.warning}]"
    lines: list[str] = []
    if content.article is not None:
        lines += [content.article.title, ""]
    elif content.repost is not None:
        lines += [said.text("carried", handle=content.repost.account)]
    text = content.text if content.article is None else excerpt(content, POST_CHARACTERS)
    lines.append(text if len(text) <= POST_CHARACTERS else text[: POST_CHARACTERS - 1] + "…")
    if content.poll is not None:
        lines += [content.poll.question, *(f"- {answer}" for answer in content.poll.answers)]
    lines += [f"[{each.description or each.name or each.mimetype}]" for each in content.media]
    if content.link and content.link not in text:
        lines.append(content.link)
    return "\n".join(lines).strip()


def printable(text: str) -> str:
    """A text for one line in the head of a mail."""
    line = " ".join(text.split())
    kept = "".join(char for char in line if char.isprintable())
    return kept if len(kept) <= SUBJECT_CHARACTERS else kept[: SUBJECT_CHARACTERS - 1] + "…"
