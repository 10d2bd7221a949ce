"""Who follows by e-mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailFollower:
    """One follower of an account by e-mail. `confirmed_ms` 0: whoever reads the address has not said yes yet."""

    follower_no: int
    account_no: int
    address: bytes  # sealed
    asked_ms: int
    asks: int
    confirmed_ms: int
    token_hash: bytes
    mailed: int
    returned: int


@dataclass(frozen=True, slots=True)
class MailList:
    """An account with followers by e-mail. Posts up to `mailed` were written to all of them."""

    account_no: int
    mailed: int
    newest: int  # number of the account's newest post
