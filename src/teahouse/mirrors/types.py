"""What comes from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One entry of a feed. `published_ms` 0: the feed does not say when."""

    id: str
    title: str
    link: str
    html: str
    published_ms: int
    language: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """A feed that an account mirrors. `due_ms` 0: it was stopped; `good_ms` 0: no poll went well yet."""

    account_no: int
    url: str
    author_no: int
    set_ms: int
    polled_ms: int
    good_ms: int
    due_ms: int
    failures: int
    failure: str
    etag: str
    modified: str


class LineMedia(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of an archived post: in the archive (`file`), or on the web (`url`)."""

    file: str = ""
    url: str = ""
    mimetype: str = ""
    description: str = ""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One post of an archive. `title` and `html` together make an article."""

    id: str
    written: Annotated[datetime, msgspec.Meta(tz=True)]
    text: str = ""
    title: str = ""
    html: str = ""
    link: str = ""
    language: str = ""
    warning: str = ""
    media: list[LineMedia] = []


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one line of an archive did not become a post."""

    line: int
    text: str


@dataclass(slots=True)
class Report:
    """What comes of one reading of an archive. `known` lines became posts before, `before` of them by this import.

    `failed` counts all problems.
    """

    before: int = 0
    lines: int = 0
    known: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Import:
    """An archive to be read, or that was. `state` is waiting, running, done or failed; `file` its name on the disk."""

    import_no: int
    account_no: int
    author_no: int
    file: str
    state: str
    sent_ms: int
    ended_ms: int
    lines: int
    added: int = 0
    known: int = 0
    failed: int = 0
    problems: Sequence[Problem] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry that was seen before. `pos` 0: it was left out.

    `said` is what it said when it was last looked at, as a hash; None: its post does not follow it. `version` is the
    wording of the post that came from it.
    """

    entry_hash: bytes
    pos: int
    said: bytes | None
    version: int
