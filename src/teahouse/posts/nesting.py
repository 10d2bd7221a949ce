"""How deep elements stand inside each other in HTML that nobody has sanitised yet: pure functions.

Parsing takes the square of that depth: seconds for a hundred kilobytes of `<div>`. So it is looked at before.
"""

from __future__ import annotations

import re
from collections import Counter

NESTED_MAX = 1_000  # far more than people write, and parsed in some milliseconds
_TAG = re.compile(r"<!--(?:.*?-->|.*)|<[!?][^>]*>?|<(/?)([A-Za-z][A-Za-z0-9]*)", re.DOTALL)
# Elements that hold none, and those that people leave open because the next one of the kind closes them.
_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}  # fmt: skip
_CLOSED_BY_NEXT = {"dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"}


def is_deep(html: str) -> bool:
    """Whether HTML is too deep to be parsed. Counted by its tags alone: what is nearly so deep may count as it."""
    still_open: Counter[str] = Counter()
    depth = 0
    for closing, tag in _TAG.findall(html):
        name = tag.lower()
        if not name or name in _VOID or name in _CLOSED_BY_NEXT:
            continue
        if not closing:
            still_open[name] += 1
            depth += 1
            if depth > NESTED_MAX:
                return True
        elif still_open[name]:
            still_open[name] -= 1
            depth -= 1
    return False
