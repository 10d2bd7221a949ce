"""What a public account is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

CHANNEL = "io.teahouse.channel"  # the state event that marks a channel: its account's handle and kind
NAME_MAX_CHARACTERS = 60  # of an account: longer ones are cut in every list
DESCRIPTION_MAX_CHARACTERS = 1_000  # what an account says of itself
LINKS_MAX = 5  # web addresses in a profile
LINK_MAX_CHARACTERS = 500  # of a web address in a profile
FORGOTTEN, ALERTS = 1, 2  # bits of follows.flags
RESPONSES = ("org.matrix.msc3381.poll.response", "m.poll.response")  # MSC3381: as sent, and as accepted
# Only the account writes in its channel, and only through what publishes. What clients offer to others goes by these
# levels, too: liking, voting, and taking one's own back.
POWER_LEVELS: Mapping[str, Any] = {
    "events_default": 100, "state_default": 100, "invite": 100, "kick": 100, "ban": 100, "redact": 100,
    "events": dict.fromkeys(("m.reaction", "m.room.redaction", *RESPONSES), 0),
}  # fmt: skip

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


def shown(name: str, about: About) -> dict[str, Any]:
    """The name and picture under which clients show what an account posts, as member events have them."""
    return {"displayname": name} | ({"avatar_url": about.picture} if about.picture else {})
