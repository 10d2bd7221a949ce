"""What followers by e-mail are written: pure functions.

A mail that nobody confirmed yet holds nothing that the account's owner chose but the handle, so that opening an account
is no way to send strangers a message.
"""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.posts.types import Post, PostContent
from teahouse.posts.wording import announced, excerpt

POST_CHARACTERS = 2_000  # of one post's words; the rest is behind its link
SUBJECT_CHARACTERS = 150


def confirmation(handle: str, server_name: str, link: str, hours: int) -> tuple[str, str]:
    """Subject and text of the mail that asks whether its reader wants to follow."""
    return (
        f"Do you want the posts of @{handle} by e-mail?",
        f"Somebody, we hope you, asked {server_name} to send the posts of the public account @{handle} to this "
        f"address.\n\nIf that is right, open this page and say yes:\n\n{link}\n\n"
        f"The link works once, for {hours} hours. If it was not you, do nothing: nothing more will be sent.\n",
    )


def already(handle: str, server_name: str, leave: str) -> tuple[str, str]:
    """Subject and text of the mail to somebody who asks for what they have."""
    return (
        f"You get the posts of @{handle} already",
        f"Somebody, we hope you, asked {server_name} to send the posts of @{handle} to this address. You get them "
        f"already.\n\nTo get them no more:\n\n{leave}\n",
    )


def digest(
    handle: str, name: str, posts: Sequence[tuple[Post, str]], page: str, more: int, leave: str
) -> tuple[str, str]:
    """Subject and text of the mail with an account's new posts (each with its address), oldest first."""
    first = posts[0][0].content if posts else None
    if len(posts) + more == 1 and first is not None:
        subject = f"@{handle}: {announced(first) or 'a new post'}"
    else:
        subject = f"@{handle}: {len(posts) + more} new posts"
    parts = [f"{in_words(post.content)}\n{address}" for post, address in posts if post.content is not None]
    if more:
        parts.append(f"And {more} more:\n{page}")
    foot = f"You follow {printable(name)} (@{handle}) by e-mail. To get no more of these mails:\n{leave}\n"
    return printable(subject), "\n\n* * *\n\n".join(parts) + f"\n\n-- \n{foot}"


def in_words(content: PostContent) -> str:
    """A post as plain text; one that asks for a click first shows its warning alone."""
    if content.warning:
        return f"[{content.warning}]"
    lines: list[str] = []
    if content.article is not None:
        lines += [content.article.title, ""]
    elif content.repost is not None:
        lines += [f"Carried on from @{content.repost.account}:"]
    said = content.text if content.article is None else excerpt(content, POST_CHARACTERS)
    lines.append(said if len(said) <= POST_CHARACTERS else said[: POST_CHARACTERS - 1] + "…")
    if content.poll is not None:
        lines += [content.poll.question, *(f"- {answer}" for answer in content.poll.answers)]
    lines += [f"[{each.description or each.name or each.mimetype}]" for each in content.media]
    if content.link and content.link not in said:
        lines.append(content.link)
    return "\n".join(lines).strip()


def printable(text: str) -> str:
    """A text for one line in the head of a mail."""
    line = " ".join(text.split())
    kept = "".join(char for char in line if char.isprintable())
    return kept if len(kept) <= SUBJECT_CHARACTERS else kept[: SUBJECT_CHARACTERS - 1] + "…"
