"""What a contact and a greeting are."""

from __future__ import annotations

from dataclasses import dataclass

CONTACTS_MAX = 5_000  # contacts one user may have
REMARK_MAX_CHARACTERS = 200  # of a private remark on a contact
REASON_MAX_CHARACTERS = 200  # of a greeting's text


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whose greeting was accepted, or who accepted one."""

    other_no: int
    since_ms: int
    remark: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """A direct invite that waits for its answer."""

    other_no: int
    room_no: int
    sent_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class GreetingLimits:
    """How much a stranger may knock on doors. Part of the rate limits."""

    required: bool  # without greetings every invite is a plain Matrix invite
    limited: bool  # whether the two numbers below are held
    pending_max: int  # greetings of one sender that wait for an answer
    per_day_max: int  # greetings of one sender in 24 hours
