"""Moments checked and put into words that stock clients show: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teahouse.errors import Forbidden, InvalidParam
from teahouse.matrix.events import MOMENT
from teahouse.moments import types
from teahouse.moments.types import MomentContent
from teahouse.posts import wording
from teahouse.posts.checking import Upload, as_uploaded, tidied_media
from teahouse.posts.types import Media, PostContent

FAMILIES = ("image", "video")


def checked(content: MomentContent) -> MomentContent:
    """The content tidied, and within its limits. Raises InvalidParam or TooLarge."""
    text = wording.tidy(content.text)
    if not text and not content.media:
        raise InvalidParam("A moment must say or show something.")
    wording.limit(text, types.TEXT_MAX_CHARACTERS, "A moment's text")
    if len(content.media) > types.PICTURES_MAX:
        raise InvalidParam(f"A moment shows at most {types.PICTURES_MAX} pictures.")
    media = [tidied_media(each) for each in content.media]
    for each in media:
        wording.limit(each.description, types.DESCRIPTION_MAX_CHARACTERS, "A description")
    return MomentContent(text, media)


def described(content: MomentContent, uploads: Mapping[str, Upload]) -> MomentContent:
    """The content with its files as they were uploaded, whatever was said of them. Raises InvalidParam."""
    media = [as_uploaded(each, uploads) for each in content.media]
    families = [each.mimetype.partition("/")[0] for each in media]
    if not set(families) <= set(FAMILIES) or (len(families) > 1 and "video" in families):
        raise InvalidParam(f"A moment shows up to {types.PICTURES_MAX} pictures or one video.")
    return MomentContent(content.text, media)


def event(author: str, content: MomentContent) -> dict[str, Any]:
    """The content of a moment's `m.room.message`. It says nothing of whom it is for."""
    mark: dict[str, Any] = {"author": author}
    if len(content.media) == 1:
        shown = wording.medium(content.media[0], content.text)
    else:
        body, html = wording.words(PostContent(content.text, content.media), "")
        shown = {"msgtype": "m.text", "body": body}
        if html is not None:
            shown |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return {**shown, MOMENT: mark}


def from_message(content: Mapping[str, Any]) -> MomentContent:
    """What an author writes in their room with a stock client, as a moment. Raises Forbidden for what cannot be one."""
    if content.get("m.relates_to") is not None:
        raise Forbidden("A moment is not edited or answered here: delete it and post again, or comment on it.")
    body, url, name = content.get("body"), content.get("url"), content.get("filename")
    text = body if isinstance(body, str) else ""
    if content.get("msgtype") in ("m.text", "m.notice", "m.emote") or not isinstance(url, str):
        return MomentContent(text)
    found = content.get("info")
    info: Mapping[str, Any] = found if isinstance(found, dict) else {}
    mimetype = info.get("mimetype")
    caption = text if isinstance(name, str) and name != text else ""
    media = Media(
        url, mimetype if isinstance(mimetype, str) else "application/octet-stream",
        name=name if isinstance(name, str) else text, size=amount(info, "size"), width=amount(info, "w"),
        height=amount(info, "h"), duration_ms=amount(info, "duration"),
    )  # fmt: skip
    return MomentContent(caption, [media])


def amount(info: Mapping[str, Any], key: str) -> int:
    """A size from a message's `info`; 0 for none, or none that makes sense."""
    value = info.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def room_name(name: str) -> str:
    """What somebody's moments room is called. Without a name stock clients would call it by its members."""
    return f"{name} · Moments"


def room_topic(name: str) -> str:
    """What the room says of itself."""
    return f"{name}'s moments, for friends. React to one to like it. {types.NOTICE}"
