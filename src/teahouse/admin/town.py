"""A small town on a river, for looking at an instance before anybody lives in it; what is said is in `town.json`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import msgspec

from teahouse.public_accounts.types import Kind

Colour = tuple[int, int, int]


class Greeting(msgspec.Struct, frozen=True):
    """Who greets whom, and what they say first."""

    sender: str
    other: str
    text: str


class Group(msgspec.Struct, frozen=True):
    """A group: the first member makes it and is a contact of the others. `talk`: who says what."""

    name: str
    members: list[str]
    talk: list[tuple[str, str]]


class Picture(msgspec.Struct, frozen=True):
    """A landscape to draw, and what it shows."""

    hour: str
    seed: int
    description: str
    river: bool = False


class Emblem(msgspec.Struct, frozen=True):
    """The sign of an account."""

    shape: str
    ground: Colour
    ink: Colour


class Post(msgspec.Struct, frozen=True):
    """Something to publish: words, with pictures, a question, an article, or a repost.

    `html`: {picture} stands for the address of the last picture; the first is the cover. `reposts`: an account and
    which of its posts, counted from 1. `comments`: who says what; a line that begins with > answers the one before it.
    """

    text: str = ""
    pictures: list[Picture] = []
    question: str = ""
    answers: list[str] = []
    title: str = ""
    html: str = ""
    reposts: tuple[str, int] | None = None
    warning: str = ""
    link: str = ""
    edited: str = ""
    correction: str = ""
    pinned: bool = False
    deleted: bool = False
    scheduled: bool = False
    comments: list[tuple[str, str]] = []
    votes: list[int] = []


class Moment(msgspec.Struct, frozen=True):
    """What somebody shows their friends; `scope` and `named` as audiences have them. `comments`: who says what."""

    author: str
    text: str = ""
    pictures: list[Picture] = []
    scope: str = "friends"
    named: list[str] = []
    likes: list[str] = []
    comments: list[tuple[str, str]] = []


class Publisher(msgspec.Struct, frozen=True):
    """A public account with its owner, what it says of itself, and its posts."""

    handle: str
    owner: str
    kind: Kind
    name: str
    language: str
    description: str
    emblem: Emblem
    cover: Picture
    links: list[str] = []
    verified: bool = False
    editors: list[str] = []
    posts: list[Post] = []


class Story(msgspec.Struct, frozen=True):
    """Everybody, by user name to display name, and what happens. `staff`: who runs the server."""

    people: Mapping[str, str]
    staff: list[str]
    greetings: list[Greeting]
    groups: list[Group]
    moments: list[Moment]
    publishers: list[Publisher]


def story() -> Story:
    """What `town.json` tells."""
    return msgspec.json.decode(files("teahouse.admin").joinpath("town.json").read_bytes(), type=Story)
