"""What a badge is, and what asking for one takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from teahouse.outbound.types import Fetched

BADGE = "io.teahouse.badge"  # the state event of a channel that shows its account's badge; empty when there is none
VERIFIED = "io.teahouse.verified"  # the field of the account's profile that shows it
DAY_MS = 86_400_000
TERM_DAYS = 365  # a badge is good for: then somebody looks again
EVIDENCE_KEPT_DAYS = 30  # after the verdict: as long as one may ask again without sending documents anew
EVIDENCE_MAX_BYTES = 10_485_760  # of one document: a scanned page in colour
EVIDENCE_FILES_MAX = 5  # documents of one request: a register's extract and an identity card have two sides each
NAME_MAX_CHARACTERS = 200  # of a document
REASON_MAX_CHARACTERS = 2_000  # of a statement to an account
DOMAIN_MAX_CHARACTERS = 253  # RFC 1035
PROOF_GOOD_DAYS = 7  # a domain's proof must be so young when the badge is granted: domains change hands
GRANTS = {"domain": 1, "evidence": 2}  # how many different staff must say yes

Way = Literal["domain", "evidence"]
Act = Literal["granted", "refused", "withdrawn", "given up", "expired"]


@dataclass(frozen=True, slots=True)
class BadgeRequest:
    """An account's wish. `ready_ms` 0: the proof, or a document, is still to come."""

    request_no: int
    account_no: int
    asked_by: int
    way: Way
    domain: str
    token: str
    name: str
    asked_ms: int
    ready_ms: int
    proof: str
    state: str
    decided_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one of the operator's staff said."""

    staff_no: int
    granted: bool
    reason: str
    given_ms: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document without its content."""

    evidence_no: int
    name: str
    size: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What an account was told."""

    act: Act
    reason: str
    done_ms: int


class Names(Protocol):
    """The domain name system."""

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name. Raises OutsideFailed."""


class Fetcher(Protocol):
    """Other people's web servers."""

    async def fetch(self, url: str, max_bytes: int) -> Fetched:
        """What stands at an address. Raises FetchRefused or OutsideFailed."""
