"""Who may see what of moments, as plainly as it can be said: what the tests hold the server to."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 86_400_000


@dataclass
class Said:
    """A comment, with the comment it answers."""

    doer: int
    mark: str
    parent: Said | None = None


@dataclass
class Moment:
    """A moment. `named` are people by number."""

    author: int
    mark: str
    moment_id: str
    created_ms: int
    scope: str
    named: frozenset[int]
    gone: bool = False
    likes: set[int] = field(default_factory=set)
    comments: list[Said] = field(default_factory=list)
    comment_ids: dict[str, str] = field(default_factory=dict)  # mark to id


@dataclass
class Model:
    """Everybody and everything."""

    now_ms: int
    friends: set[frozenset[int]] = field(default_factory=set)
    hidden: set[tuple[int, int]] = field(default_factory=set)  # (author, from whom)
    unwanted: set[tuple[int, int]] = field(default_factory=set)  # (reader, whose)
    days: dict[int, int] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)

    def are_friends(self, one: int, other: int) -> bool:
        return frozenset((one, other)) in self.friends

    def sees(self, reader: int, moment: Moment) -> bool:
        """Whether somebody may see a moment now."""
        if moment.gone:
            return False
        if reader == moment.author:
            return True
        days = self.days.get(moment.author, 0)
        return (
            self.are_friends(reader, moment.author)
            and (moment.author, reader) not in self.hidden
            and (not days or self.now_ms - moment.created_ms <= days * DAY_MS)
            and {
                "friends": True, "some": reader in moment.named, "all_but": reader not in moment.named, "self": False,
            }[moment.scope]
        )  # fmt: skip

    def sees_deed(self, reader: int, moment: Moment, doer: int) -> bool:
        """Whether somebody who may see a moment may see what another did with it."""
        if doer == reader:
            return True
        of_author = doer == moment.author or self.are_friends(doer, moment.author)
        return of_author and (reader == moment.author or self.are_friends(reader, doer))

    def likers(self, reader: int, moment: Moment) -> set[int]:
        return {doer for doer in moment.likes if self.sees_deed(reader, moment, doer)}

    def comments(self, reader: int, moment: Moment) -> list[Said]:
        """The comments that somebody who may see a moment may see, oldest first."""
        return [
            said for said in moment.comments
            if self.sees_deed(reader, moment, said.doer)
            and (said.parent is None or self.sees_deed(reader, moment, said.parent.doer))
        ]  # fmt: skip

    def visible(self, reader: int, author: int | None = None) -> list[Moment]:
        """What somebody may see, oldest first."""
        return [
            moment for moment in self.moments
            if author in (None, moment.author) and self.sees(reader, moment)
        ]  # fmt: skip

    def marks(self, reader: int) -> set[str]:
        """Every mark that may come out of any door for somebody."""
        found = set()
        for moment in self.visible(reader):
            found |= {moment.mark, *(said.mark for said in self.comments(reader, moment))}
        return found
