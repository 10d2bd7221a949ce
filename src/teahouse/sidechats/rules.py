"""What an account keeps for its side chats: answers to use again, words that are answered by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.db import Database
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.posts.wording import limit
from teahouse.sidechats import keywords
from teahouse.sidechats.types import (
    ANSWER_MAX_CHARACTERS,
    CANNED_MAX,
    NAME_MAX_CHARACTERS,
    RULES_MAX,
    Canned,
    Rule,
)


class Rules:
    """Canned answers and rules of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def canned(self, account_no: int) -> list[Canned]:
        """An account's canned answers, oldest first."""
        rows = await self._database.fetch(
            "SELECT canned_no, name, answer FROM chat_canned WHERE account_no = ? ORDER BY canned_no LIMIT ?",
            account_no, CANNED_MAX,
        )  # fmt: skip
        return [Canned(*row) for row in rows]

    async def put_canned(self, account_no: int, canned_no: int, name: str, answer: str) -> int:
        """Keep a canned answer, a new one for number 0; its number."""
        if not name.strip():
            raise InvalidParam("A canned answer needs a name.")
        limit(name, NAME_MAX_CHARACTERS, "A name")
        check_answer(answer)
        async with self._database.transaction() as tx:
            if canned_no:
                changed = await tx.execute(
                    "UPDATE chat_canned SET name = ?, answer = ? WHERE canned_no = ? AND account_no = ?",
                    name, answer, canned_no, account_no,
                )  # fmt: skip
                if not changed:
                    raise NotFound("There is no such canned answer.")
                return canned_no
            row = await tx.fetch_one("SELECT count(*) FROM chat_canned WHERE account_no = ?", account_no)
            if row is not None and row[0] >= CANNED_MAX:
                raise Forbidden(f"An account keeps at most {CANNED_MAX} canned answers.")
            number = tx.positions()
            await tx.execute(
                "INSERT INTO chat_canned (canned_no, account_no, name, answer) VALUES (?, ?, ?, ?)",
                number, account_no, name, answer,
            )  # fmt: skip
            return number

    async def delete_canned(self, account_no: int, canned_no: int) -> None:
        """Keep a canned answer no more."""
        async with self._database.transaction() as tx:
            if not await tx.execute(
                "DELETE FROM chat_canned WHERE canned_no = ? AND account_no = ?", canned_no, account_no
            ):
                raise NotFound("There is no such canned answer.")

    async def of(self, account_no: int) -> list[Rule]:
        """An account's rules, oldest first: the first that matches answers."""
        rows = await self._database.fetch(
            "SELECT rule_no, keywords, whole, reply FROM chat_rules WHERE account_no = ? ORDER BY rule_no LIMIT ?",
            account_no, RULES_MAX,
        )  # fmt: skip
        return [Rule(row[0], tuple(msgspec.json.decode(row[1])), bool(row[2]), row[3]) for row in rows]

    async def find(self, account_no: int, rule_no: int) -> Rule | None:
        """One rule, if it is still there."""
        return next((rule for rule in await self.of(account_no) if rule.rule_no == rule_no), None)

    async def answering(self, account_no: int, text: str) -> Rule | None:
        """The rule that answers a text."""
        return keywords.matching(await self.of(account_no), text) if text else None

    async def put(self, account_no: int, rule_no: int, words: Sequence[str], reply: str, *, whole: bool) -> int:
        """Keep a rule, a new one for number 0; its number."""
        encoded = msgspec.json.encode(keywords.checked_keywords(words))
        check_answer(reply)
        async with self._database.transaction() as tx:
            if rule_no:
                changed = await tx.execute(
                    "UPDATE chat_rules SET keywords = ?, whole = ?, reply = ? WHERE rule_no = ? AND account_no = ?",
                    encoded, int(whole), reply, rule_no, account_no,
                )  # fmt: skip
                if not changed:
                    raise NotFound("There is no such rule.")
                return rule_no
            row = await tx.fetch_one("SELECT count(*) FROM chat_rules WHERE account_no = ?", account_no)
            if row is not None and row[0] >= RULES_MAX:
                raise Forbidden(f"An account keeps at most {RULES_MAX} rules.")
            number = tx.positions()
            await tx.execute(
                "INSERT INTO chat_rules (rule_no, account_no, keywords, whole, reply) VALUES (?, ?, ?, ?, ?)",
                number, account_no, encoded, int(whole), reply,
            )  # fmt: skip
            return number

    async def delete(self, account_no: int, rule_no: int) -> None:
        """Keep a rule no more."""
        async with self._database.transaction() as tx:
            if not await tx.execute("DELETE FROM chat_rules WHERE rule_no = ? AND account_no = ?", rule_no, account_no):
                raise NotFound("There is no such rule.")
            await tx.execute("DELETE FROM chat_replied WHERE rule_no = ?", rule_no)


def check_answer(text: str) -> None:
    """Raises InvalidParam or TooLarge for what cannot be said."""
    if not text.strip():
        raise InvalidParam("An answer must say something.")
    limit(text, ANSWER_MAX_CHARACTERS, "An answer")
