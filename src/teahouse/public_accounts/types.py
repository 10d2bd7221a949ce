"""What a public account is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

CHANNEL = "io.teahouse.channel"  # the state event that marks a channel: its account's handle and kind
NAME_MAX_CHARACTERS = 60  # of an account: longer ones are cut in every list
DESCRIPTION_MAX_CHARACTERS = 1_000  # what an account says of itself
LINKS_MAX = 5  # web addresses in a profile
LINK_MAX_CHARACTERS = 500  # of a web address in a profile
FORGOTTEN, ALERTS = 1, 2  # bits of follows.flags

Kind = Literal["person", "company", "media", "government", "organisation"]
KINDS: tuple[Kind, ...] = ("person", "company", "media", "government", "organisation")
Role = Literal["owner", "editor", "analyst"]


class About(msgspec.Struct, omit_defaults=True, frozen=True):
    """What an account says of itself. `picture` and `cover` are `mxc://` addresses."""

    description: str = ""
    links: list[str] = []
    picture: str = ""
    cover: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A public account. `account_no` is the user_no of its Matrix user; a personal account's is the person's own."""

    account_no: int
    user_id: str
    handle: str
    room_no: int
    kind: Kind
    name: str
    about: About
    created_ms: int
    followers: int
    posts: int
    pinned: int
    badge: str
    badge_until_ms: int

    @property
    def personal(self) -> bool:
        """Whether it is a person's own, written by nobody else."""
        return self.kind == "person"

    def verified(self, now_ms: int) -> str:
        """The kind its badge says; '' without one."""
        return self.badge if self.badge_until_ms > now_ms else ""


@dataclass(frozen=True, slots=True)
class Follow:
    """One follower's tie to an account. `until` 0: follows; `news`: the newest change that is theirs alone."""

    account_no: int
    room_no: int
    since: int
    until: int
    since_s: int
    flags: int
    news: int

    @property
    def alerts(self) -> bool:
        """Whether posts alert them."""
        return bool(self.flags & ALERTS)

    @property
    def stands(self) -> bool:
        """Whether they follow."""
        return self.until == 0
