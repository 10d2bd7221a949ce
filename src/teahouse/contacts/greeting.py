"""What a greeting may say: a pure rule."""

from __future__ import annotations

import re

from teahouse.contacts.types import REASON_MAX_CHARACTERS
from teahouse.errors import Forbidden

# A scheme, a `www.`, or a name with a dot and letters after it: enough to keep addresses out, strict on purpose.
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://|\bwww\.|\b[\w-]+\.[^\W\d_]{2,}\b|mailto:", re.IGNORECASE)


def check_reason(reason: str | None) -> None:
    """Raises Forbidden for a greeting that is too long or carries a link. No text at all is fine."""
    if reason is None:
        return
    if len(reason) > REASON_MAX_CHARACTERS:
        raise Forbidden(f"A greeting has at most {REASON_MAX_CHARACTERS} characters.")
    if _LINK.search(reason):
        raise Forbidden("A greeting carries no links.")
