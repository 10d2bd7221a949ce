"""What a side chat is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIDE_CHAT = "io.teahouse.side_chat"  # the state event that marks a side chat: its account's handle
CLAIM_HOURS = 4  # how long one of the staff has a chat to themselves after claiming it or answering in it
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TURN_AFTER_MS = DAY_MS  # a reader who writes after so long a silence begins a new conversation
REPLY_EVERY_MS = HOUR_MS  # one rule answers in one chat at most so often
FIGURES_DAYS = 30  # days that the public figures look back over
TURNS_COUNTED_MAX = 2_000  # newest conversations that the figures are made of
NEW_CHATS_A_DAY_MAX = 50  # side chats one reader opens: more is advertising, not asking
CANNED_MAX = 50  # canned answers of one account: more are not found again
RULES_MAX = 50  # rules of one account: all of them are tried on every message
KEYWORDS_MAX = 20  # words of one rule
KEYWORD_MAX_CHARACTERS = 50  # of one of a rule's words
NAME_MAX_CHARACTERS = 60  # of a canned answer's name
ANSWER_MAX_CHARACTERS = 4_000  # of an answer, by hand or by rule: longer ones are articles
CHATS_PAGE_MAX = 100  # chats of one page
MESSAGES_PAGE_MAX = 100  # messages of one page

Listed = Literal["waiting", "mine", "others", "answered"]


@dataclass(frozen=True, slots=True)
class SideChat:
    """One reader's chat with the staff of one account."""

    room_no: int
    account_no: int
    reader_no: int
    opened_ms: int
    spoke_ms: int
    turn_ms: int
    waiting_ms: int
    claimed_by: int
    claimed_until_ms: int

    def holder(self, now_ms: int) -> int:
        """Who of the staff takes care of it now; 0 for nobody."""
        return self.claimed_by if self.claimed_until_ms > now_ms else 0

    def listed(self, user_no: int, now_ms: int) -> Listed:
        """Where one of the staff finds it."""
        if not self.waiting_ms:
            return "answered"
        holder = self.holder(now_ms)
        return "waiting" if not holder else "mine" if holder == user_no else "others"


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer to use again."""

    canned_no: int
    name: str
    answer: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that are answered without anybody's doing."""

    rule_no: int
    keywords: tuple[str, ...]
    whole: bool
    reply: str


@dataclass(frozen=True, slots=True)
class Errand:
    """What an account's user has yet to do; `rule_no` 0: turn down an invitation to the room."""

    errand_no: int
    account_no: int
    reader_no: int
    room_no: int
    rule_no: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How an account's staff answered of late. `answered_percent` is rounded to five; None for too few to say."""

    conversations: int
    answered_percent: int | None
    first_answer_minutes: int | None
