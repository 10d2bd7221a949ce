"""How well an account answers: pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from teahouse.public_accounts.figures import FEW
from teahouse.sidechats.types import Figures

PERCENT_STEP = 5  # the published share is rounded to so many percent
MINUTE_MS = 60_000


def figures(turns: Sequence[tuple[int, int]]) -> Figures:
    """What (began_ms, answered_ms) of some conversations add up to; answered_ms 0 for one without an answer."""
    waits = [answered_ms - began_ms for began_ms, answered_ms in turns if answered_ms]
    if len(turns) < FEW:
        return Figures(len(turns), None, None)
    percent = PERCENT_STEP * round(100 * len(waits) / len(turns) / PERCENT_STEP)
    return Figures(len(turns), percent, round(median(waits) / MINUTE_MS) if waits else None)
