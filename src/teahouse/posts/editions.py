"""How often the posts of each account changed: by this, what is made of posts and kept, such as a page, knows its age.

It counts what must be seen at once: a new post, an edit, a deletion, a removal, a comment and its end. Likes, votes and
views are left out; they come often, and may be shown some seconds late.
"""

from __future__ import annotations

from collections.abc import Iterable

from teahouse.db import Transaction

ACCOUNTS_MAX = 100_000  # accounts whose changes are told apart; beyond it all count as changed, once


class Editions:
    """A count of changes, and where in it each account changed last."""

    def __init__(self) -> None:
        self.count = 0
        self._last: dict[int, int] = {}
        self._floor = 0

    def changed(self, tx: Transaction, account_no: int) -> None:
        """A transaction changes posts of an account, or what is said of them: counted when it is committed."""
        tx.on_commit(lambda: self._counted(account_no))

    def unchanged(self, account_nos: Iterable[int], since: int) -> bool:
        """Whether nothing of these accounts changed since the count was `since`."""
        return all(self._last.get(account_no, self._floor) <= since for account_no in account_nos)

    def _counted(self, account_no: int) -> None:
        self.count += 1
        if len(self._last) >= ACCOUNTS_MAX and account_no not in self._last:
            self._last.clear()
            self._floor = self.count
        self._last[account_no] = self.count
