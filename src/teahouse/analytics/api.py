"""`/_teahouse/v1/accounts/{handle}/analytics`: what publishers see of how their posts do, as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from teahouse.analytics.reports import Reports
from teahouse.analytics.tables import table
from teahouse.analytics.types import DAY_MS, Day, Hour, PostFigures, Report
from teahouse.clock import Clock
from teahouse.errors import InvalidParam
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import CSV, Operation, Query
from teahouse.posts.types import Ref
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT
from teahouse.public_accounts.figures import Figure, figure
from teahouse.public_accounts.posts_api import POST, number
from teahouse.public_accounts.types import Account

ANALYTICS = f"{ACCOUNT}/analytics"
DAYS_DEFAULT = 30  # days of a report that names none
DAYS_MAX = 366  # days of one report: a leap year
EPOCH = date(1970, 1, 1)


class CountsReply(msgspec.Struct):
    """How many met a post: followers it was delivered to, members who read it, visitors of its page by day."""

    impressions: Figure
    opens: Figure
    visits: Figure


class DayReply(msgspec.Struct):
    """One day, UTC. `followers` is how many there were at its end."""

    day: str
    followers: int
    came: Figure
    left: Figure
    read: CountsReply


class SourceReply(msgspec.Struct):
    """How many followers came from somewhere."""

    source: str
    came: Figure


class PostFiguresReply(msgspec.Struct):
    """What became of one post. `open_percent` is of a hundred impressions; null where there are too few to tell."""

    number: int
    kind: str
    title: str
    published_ts: int
    read: CountsReply
    open_percent: float | None
    likes: int
    reposts: int
    comments: int


class AnalyticsReply(msgspec.Struct):
    """An account over some days. Numbers of people below five read '<5'. `best` are the most opened posts."""

    first_day: str
    last_day: str
    followers: int
    days: list[DayReply]
    sources: list[SourceReply]
    posts: list[PostFiguresReply]
    best: list[PostFiguresReply]


class HourReply(msgspec.Struct):
    """Who came in the hour that began then; after a post's first three days: in the day."""

    from_ts: int
    read: CountsReply


class PostAnalyticsReply(msgspec.Struct):
    """One post, hour by hour and then day by day; hours in which nobody came are left out."""

    post: PostFiguresReply
    hours: list[HourReply]


class AnalyticsApi:
    """Figures over HTTP, for analysts and those who may do more."""

    def __init__(self, accounts: Accounts, reports: Reports, clock: Clock) -> None:
        self._accounts = accounts
        self._reports = reports
        self._clock = clock

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        refused = (400, 401, 403, 404)
        days = (Query("from", "the first day, as 2026-01-31"), Query("to", f"the last; at most {DAYS_MAX} days"))
        return [
            Operation(Route("GET", ANALYTICS, self.get_analytics, scope="analytics"),
                      "See how an account does (analysts).", AnalyticsReply, query=days, refusals=refused),
            Operation(Route("GET", f"{ANALYTICS}.csv", self.get_analytics_table, scope="analytics"),
                      "The same days as a table (analysts).", str, query=days, refusals=refused, produces=CSV),
            Operation(Route("GET", f"{ANALYTICS}/posts.csv", self.get_posts_table, scope="analytics"),
                      "The posts of the same days as a table (analysts).", str, query=days, refusals=refused,
                      produces=CSV),
            Operation(Route("GET", f"{POST}/analytics", self.get_post_analytics, scope="analytics"),
                      "See how one post does (analysts).", PostAnalyticsReply, refusals=refused),
            Operation(Route("GET", f"{POST}/analytics.csv", self.get_post_table, scope="analytics"),
                      "The hours of one post as a table (analysts).", str, refusals=refused, produces=CSV),
        ]  # fmt: skip

    async def get_analytics(self, request: Request) -> Response:
        account, first, last, report = await self._report(request)
        return codec.reply(
            AnalyticsReply(
                text_of(first), text_of(last), account.followers, [day_reply(each) for each in report.days],
                [SourceReply(source, figure(came)) for source, came in report.sources],
                [post_reply(each) for each in report.posts], [post_reply(each) for each in report.best],
            )
        )  # fmt: skip

    async def get_analytics_table(self, request: Request) -> Response:
        _, _, _, report = await self._report(request)
        head = ("day", "followers", "came", "left", "impressions", "opens", "visits")
        rows = [
            (text_of(each.day), each.followers, figure(each.came), figure(each.left), *cells(each))
            for each in report.days
        ]
        return as_table(table(head, rows))

    async def get_posts_table(self, request: Request) -> Response:
        _, _, _, report = await self._report(request)
        head = ("number", "kind", "title", "published", "impressions", "opens", "visits", "open_percent", "likes",
                "reposts", "comments")  # fmt: skip
        rows = [
            (each.ref.number, each.kind, each.title, moment(each.created_ms), *cells(each), each.open_percent,
             each.likes, each.reposts, each.comments)
            for each in report.posts
        ]  # fmt: skip
        return as_table(table(head, rows))

    async def get_post_analytics(self, request: Request) -> Response:
        post, hours = await self._post(request)
        return codec.reply(
            PostAnalyticsReply(post_reply(post), [HourReply(each.from_ms, counts(each)) for each in hours])
        )

    async def get_post_table(self, request: Request) -> Response:
        _, hours = await self._post(request)
        rows = [(moment(each.from_ms), *cells(each)) for each in hours]
        return as_table(table(("from", "impressions", "opens", "visits"), rows))

    async def _report(self, request: Request) -> tuple[Account, int, int, Report]:
        account = await self._account(request)
        today = self._clock.now_ms() // DAY_MS
        last = day_of(codec.parameter(request, "to"), "to", today)
        first = day_of(codec.parameter(request, "from"), "from", last - DAYS_DEFAULT + 1)
        if not first <= last < first + DAYS_MAX:
            raise InvalidParam(f"'from' comes before 'to', by at most {DAYS_MAX} days.")
        return account, first, last, await self._reports.account(account, first, last)

    async def _post(self, request: Request) -> tuple[PostFigures, list[Hour]]:
        account = await self._account(request)
        return await self._reports.post(Ref(account.account_no, number(request)))

    async def _account(self, request: Request) -> Account:
        """The account of the path, for those who may see its figures; raises Forbidden for others."""
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "analyst")
        return account


def day_of(text: str | None, name: str, default: int) -> int:
    """A day as days since 1970; raises InvalidParam."""
    if text is None:
        return default
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        raise InvalidParam(f"'{name}' is a day such as 2026-01-31.") from None


def text_of(day: int) -> str:
    """A day as ISO 8601 writes it."""
    return (EPOCH + timedelta(days=day)).isoformat()


def moment(ms: int) -> str:
    """A time as ISO 8601 writes it, to the second."""
    return datetime.fromtimestamp(ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def counts(of: Day | Hour | PostFigures) -> CountsReply:
    """Counts with small ones hidden."""
    return CountsReply(*cells(of))


def cells(of: Day | Hour | PostFigures) -> tuple[Figure, Figure, Figure]:
    """The same as cells of a table."""
    totals = of.totals
    return figure(totals.impressions), figure(totals.opens), figure(totals.visits)


def day_reply(day: Day) -> DayReply:
    """A day as staff see it."""
    return DayReply(text_of(day.day), day.followers, figure(day.came), figure(day.left), counts(day))


def post_reply(post: PostFigures) -> PostFiguresReply:
    """A post as staff see it."""
    return PostFiguresReply(
        post.ref.number, post.kind, post.title, post.created_ms, counts(post), post.open_percent, post.likes,
        post.reposts, post.comments,
    )  # fmt: skip


def as_table(text: str) -> Response:
    """A table as a response."""
    return Response(200, text.encode(), f"{CSV}; charset=utf-8", [(b"content-disposition", b"attachment")])
