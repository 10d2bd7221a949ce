"""What accounts may be called: pure rules. Which names are too like others' is for `lookalikes` to say."""

from __future__ import annotations

import re

from teahouse.errors import Forbidden, InvalidParam
from teahouse.posts.wording import check_link, limit
from teahouse.public_accounts import types
from teahouse.public_accounts.skeletons import skeleton
from teahouse.public_accounts.types import About
from teahouse.users.profiles import check_no_badge

HANDLE_MIN_CHARACTERS = 2  # one letter is a mistake in typing
HANDLE_MAX_CHARACTERS = 40  # what is read aloud, printed on a poster and typed again
BADGE_LIKE = "🔰🏅⭐🛡"  # in an account's name these would look like a badge, besides the ticks that nobody's name holds
_HANDLE = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
# Words of this server's own pages, and what only the operator speaks as.
_KEPT = """
about account accounts admin administrator api app assets atom badge badges blocked client config contact contacts
delete demo directory docs everyone explore favicon feed feeds follow followers following help home host hostmaster
index info invite legal local login logout mail matrix me media mod moderation moderator moderators moments my new
notifications official operator operators post postmaster posts privacy public quotas register robots
root rss rulebook rules search security server settings setup side signin signup sitemap staff static status support
system tag tags teahouse terms tips token tokens topic topics transparency trending user users verified verify web
webmaster well-known www
"""
RESERVED = frozenset(_KEPT.split())
_RESERVED_FORMS = frozenset(map(skeleton, RESERVED))


def check_handle(handle: str, *, staff: bool) -> None:
    """Raises InvalidParam for what no handle can be, Forbidden for words kept for the operator's `staff`."""
    if not HANDLE_MIN_CHARACTERS <= len(handle) <= HANDLE_MAX_CHARACTERS or not _HANDLE.fullmatch(handle):
        raise InvalidParam(
            f"A handle has {HANDLE_MIN_CHARACTERS} to {HANDLE_MAX_CHARACTERS} characters: small letters a-z, one at "
            "least, and digits; dots, hyphens and underscores stand between them."
        )
    if skeleton(handle) in _RESERVED_FORMS and not staff:
        raise Forbidden(f"The handle @{handle} is kept for this server itself.")


def check_profile(name: str, about: About) -> None:
    """Raises InvalidParam or TooLarge for a profile that cannot be."""
    if not name.strip():
        raise InvalidParam("An account needs a name.")
    limit(name, types.NAME_MAX_CHARACTERS, "A name")
    limit(about.description, types.DESCRIPTION_MAX_CHARACTERS, "A description")
    check_no_badge(name)
    if any(mark in name for mark in BADGE_LIKE):
        raise InvalidParam("A name holds no signs that look like a badge.")
    if not name.isprintable():
        raise InvalidParam("A name is one line, without control characters.")
    if len(about.links) > types.LINKS_MAX:
        raise InvalidParam(f"A profile has at most {types.LINKS_MAX} links.")
    for link in about.links:
        check_link(link)
    for picture in (about.picture, about.cover):
        if picture and not picture.startswith("mxc://"):
            raise InvalidParam("'picture' and 'cover' must be mxc:// addresses.")
