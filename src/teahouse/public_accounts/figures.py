"""Figures as an account's staff see them: small ones are not told apart, so that they point at nobody."""

from __future__ import annotations

FEW = 5  # a smaller number of people could be guessed at one by one
FEW_SHOWN = "<5"

Figure = int | str


def figure(count: int) -> Figure:
    """A number of people as staff see it: itself, or '<5'. None at all reads so too, else the first one would show."""
    return FEW_SHOWN if count < FEW else count
