"""What became of an account's posts, put together for its staff."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from teahouse.analytics import store
from teahouse.analytics.types import COUNTED_DAYS, Day, Hour, PostFigures, Report, Totals
from teahouse.db import Database
from teahouse.posts.service import Posts
from teahouse.posts.types import Post, Ref
from teahouse.posts.wording import title
from teahouse.public_accounts.types import Account

POSTS_SHOWN_MAX = 200  # newest posts of one report
BEST_SHOWN = 10  # most opened posts of one report
TITLE_CHARACTERS = 80  # of a post in a report
HOURS_MAX = 3 * (72 + COUNTED_DAYS + 2)  # rows of one post: three kinds, by hours and then by days


class Reports:
    """Reads figures."""

    def __init__(self, database: Database, posts: Posts) -> None:
        self._database = database
        self._posts = posts

    async def account(self, account: Account, first: int, last: int) -> Report:
        """An account from one day to another, both included, as days since 1970."""
        db, account_no = self._database, account.account_no
        rows = await store.growth(db, account_no, first, last)
        later = await store.grown_after(db, account_no, last)
        days = by_day(rows, await store.days(db, account_no, first, last), account.followers - later, first, last)
        published = await store.published(db, account_no, first, last, POSTS_SHOWN_MAX)
        best = await store.best(db, account_no, first, last, BEST_SHOWN)
        return Report(days, by_source(rows), await self._described(published), await self._described(best))

    async def post(self, ref: Ref) -> tuple[PostFigures, list[Hour]]:
        """One post with the hours and days in which its readers came; raises NotFound."""
        await self._posts.standing(ref)
        [figures] = await self._described([(ref, await store.totals(self._database, ref))])
        return figures, by_hour(await store.hours(self._database, ref, HOURS_MAX))

    async def _described(self, counted: Sequence[tuple[Ref, Totals]]) -> list[PostFigures]:
        posts = await self._posts.these([ref for ref, _ in counted])
        return [described(posts[ref], totals) for ref, totals in counted if ref in posts]


def described(post: Post, totals: Totals) -> PostFigures:
    """A post with its counts."""
    words = "" if post.content is None else title(post.content, TITLE_CHARACTERS)
    counts = post.counts
    return PostFigures(
        post.ref, post.kind, words, post.created_ms, totals, counts.likes, counts.reposts, counts.comments
    )


def by_day(
    growth: Iterable[tuple[int, str, int, int]], read: Iterable[tuple[int, str, int]], followers: int, first: int,
    last: int,
) -> list[Day]:  # fmt: skip
    """Every day from `first` to `last`, oldest first. `followers` is how many there were at the end of the last."""
    came: Counter[int] = Counter()
    left: Counter[int] = Counter()
    for day, _, some, others in growth:
        came[day] += some
        left[day] += others
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for day, kind, many in read:
        counts[day][kind] = many
    days = []
    for day in range(last, first - 1, -1):
        days.append(Day(day, followers, came[day], left[day], totals_of(counts[day])))
        followers -= came[day] - left[day]
    return days[::-1]


def by_source(growth: Iterable[tuple[int, str, int, int]]) -> list[tuple[str, int]]:
    """How many came from where, the most first."""
    came: Counter[str] = Counter()
    for _, source, some, _ in growth:
        came[source] += some
    return sorted(((source, many) for source, many in came.items() if many), key=lambda each: (-each[1], each[0]))


def by_hour(rows: Iterable[tuple[int, str, int]]) -> list[Hour]:
    """The hours and days of a post in which somebody came, oldest first."""
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for from_ms, kind, many in rows:
        counts[from_ms][kind] = many
    return [Hour(from_ms, totals_of(counts[from_ms])) for from_ms in sorted(counts)]


def totals_of(counts: Mapping[str, int]) -> Totals:
    """Counts by kind as totals."""
    return Totals(counts.get("impressions", 0), counts.get("opens", 0), counts.get("visits", 0))
