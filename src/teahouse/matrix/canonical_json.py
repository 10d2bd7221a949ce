"""Canonical JSON: what event content may hold, and its one encoding.

Source: appendices, "Canonical JSON"; room version 6, "Canonical JSON".
"""

from __future__ import annotations

import json
import math
from typing import Any

from teahouse.errors import BadJson

INTEGER_MAX = 2**53 - 1  # appendices, "Canonical JSON": what every JSON reader represents exactly
JSON_DEPTH_MAX = 64  # nesting of client content; deeper is a bomb, not a message


def check_json(value: Any, *, fractions: bool = False) -> None:
    """Raises BadJson for a float, an integer beyond 2^53 - 1, a lone surrogate, or nesting beyond the bound.

    With `fractions` finite floats pass: what is no event need not be canonical.
    """
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        kind = type(item)
        if kind is str:
            if not item.isascii():
                check_text(item)
        elif kind is dict:
            if depth > JSON_DEPTH_MAX:
                raise BadJson(f"The JSON is nested deeper than {JSON_DEPTH_MAX} levels.")
            for key in item:
                if not key.isascii():
                    check_text(key)
            stack.extend((child, depth + 1) for child in item.values())
        elif kind is list:
            if depth > JSON_DEPTH_MAX:
                raise BadJson(f"The JSON is nested deeper than {JSON_DEPTH_MAX} levels.")
            stack.extend((child, depth + 1) for child in item)
        elif kind is int:
            if not -INTEGER_MAX <= item <= INTEGER_MAX:
                raise BadJson("A number lies outside of the integers that JSON carries exactly, ±(2^53 - 1).")
        elif kind is float and not (fractions and math.isfinite(item)):
            raise BadJson("Numbers with a fraction or an exponent are not allowed; send an integer or a string.")


def check_text(text: str) -> None:
    """Raises BadJson for text that UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadJson("The JSON holds a lone surrogate, which is no character.") from None


def encode(value: Any) -> bytes:
    """The canonical bytes: keys sorted, no white space, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
