"""The public pages over HTTP: accounts, posts, hashtags, the directory, the latest. For everybody, without a script."""

from __future__ import annotations

from teahouse.clock import Clock
from teahouse.errors import InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.pages import account_html, list_html, single_html
from teahouse.pages.answering import HTML, Answering, Make, Missing, segment
from teahouse.pages.cache import Rendered
from teahouse.pages.frame import Head, Site, document
from teahouse.pages.post_html import path_of, picture_of, summary
from teahouse.pages.service import Showing
from teahouse.pages.text import media_address, upright
from teahouse.pages.types import PostList, ShownPost
from teahouse.pages.views import Views, Visitors
from teahouse.posts import hashtags
from teahouse.posts.types import Fate, PostContent, Ref
from teahouse.public_accounts.types import Account

GONE = 410  # of posts deleted or removed: there was one, and the page says what became of it
PARAMETER_MAX_CHARACTERS = 300  # of the query: a search, or a handle with a number
TAG_MAX_CHARACTERS = 100  # of a hashtag; longer ones were never found as such


class PublicPagesApi:
    """Public pages."""

    def __init__(
        self, answering: Answering, showing: Showing, clock: Clock, views: Views | None, *, by_mail: bool
    ) -> None:
        """`by_mail`: accounts can be followed by e-mail here."""
        self._answering = answering
        self._showing = showing
        self._clock = clock
        self._views = views
        self._by_mail = by_mail
        self._visitors = Visitors(clock)

    def routes(self) -> list[Route]:
        """The endpoints."""
        pages = {
            "/@{handle}": self.account,
            "/@{handle}/follow": self.follow,
            "/@{handle}/{number}": self.post,
            "/@{handle}/{number}/history": self.history,
            "/tag/{tag}": self.tag,
            "/explore": self.explore,
            "/latest": self.latest,
        }
        return [Route("GET", template, handler, Auth.NONE) for template, handler in pages.items()]

    async def account(self, request: Request) -> Response:
        handle, before = handle_of(request), given(request, "before")

        async def make(site: Site) -> Rendered:
            page = await self._showing.account_page(await self._handle(site, handle), whole(before) if before else 0)
            shown = page.account
            posts = [*page.posts, *([page.pinned] if page.pinned else [])]
            path = path_of(shown)
            head = Head(
                f"{upright(shown.name)} (@{shown.handle})", shown.about.description, "profile",
                media_address(shown.about.picture, site.server_name, "picture"), "",
                [(f"{upright(shown.name)} ({kind.title()})", f"{path}/feed.{kind}") for kind in ("atom", "rss")],
            )  # fmt: skip
            body = document(site, head, account_html.account(site, page, self._clock.now_ms()))
            return Rendered(200, HTML, body, accounts_of(shown, *posts))

        return await self._answer(request, f"/@{segment(handle)}", make, before=before)

    async def follow(self, request: Request) -> Response:
        handle = handle_of(request)

        async def make(site: Site) -> Rendered:
            shown = await self._showing.account(await self._handle(site, handle))
            title = site.words.text("follow_title", name=upright(shown.name))
            head = Head(title, site.words.text("follow_about"))
            body = document(site, head, account_html.follow(site, shown, by_mail=self._by_mail))
            return Rendered(200, HTML, body, [shown])

        return await self._answer(request, f"/@{segment(handle)}/follow", make)

    async def post(self, request: Request) -> Response:
        handle, number = handle_of(request), request.path["number"]
        after, parent = given(request, "after"), given(request, "answers_to")

        async def make(site: Site) -> Rendered:
            try:
                page = await self._showing.post_page(
                    await self._handle(site, handle), whole(number), whole(after or "0"), whole(parent or "0")
                )
            except (InvalidParam, NotFound) as refusal:
                raise missing_post(site, handle, refusal) from None
            shown, account = page.shown, page.shown.account
            if shown.post.fate is not Fate.STANDS:
                return self._gone(site, shown)
            content = shown.post.content or PostContent()
            title, description = summary(shown)
            image, described = picture_of(site, content)
            name = upright(account.name)
            head = Head(
                f"{title} · {name}" if title else site.words.text("post_by", name=name), description or title,
                "article", image, described, [(name, f"{path_of(account)}/feed.atom")], shown.post.created_ms,
                shown.post.edited_ms, embedded=True,
            )  # fmt: skip
            inside = single_html.single(site, page, self._clock.now_ms(), whole(parent or "0"))
            return Rendered(200, HTML, document(site, head, inside), accounts_of(account, shown))

        path = f"/@{segment(handle)}/{segment(number)}"
        answer = await self._answer(request, path, make, after=after, answers_to=parent)
        if self._views is not None and request.method == "GET" and answer.status in (200, 304):
            account_no = (await self._showing.account(handle)).account_no
            self._views.viewed(Ref(account_no, int(number)), self._visitors.visitor(request.client_ip))
        return answer

    async def history(self, request: Request) -> Response:
        handle, number = handle_of(request), request.path["number"]

        async def make(site: Site) -> Rendered:
            try:
                page = await self._showing.history_page(await self._handle(site, handle), whole(number))
            except (InvalidParam, NotFound) as refusal:
                raise missing_post(site, handle, refusal) from None
            shown = page.shown
            if shown.post.fate is not Fate.STANDS:
                return self._gone(site, shown)
            title = f"{site.words.text('history')} · {upright(shown.account.name)}"
            inside = single_html.history(site, page, self._clock.now_ms())
            body = document(site, Head(title, indexed=False), inside)
            return Rendered(200, HTML, body, accounts_of(shown.account, shown))

        return await self._answer(request, f"/@{segment(handle)}/{segment(number)}/history", make)

    async def tag(self, request: Request) -> Response:
        name, before = hashtags.fold(request.path["tag"]), given(request, "before")
        path = f"/tag/{segment(name)}"

        async def make(site: Site) -> Rendered:
            if not name or len(name) > TAG_MAX_CHARACTERS:
                raise NotFound("No hashtag is like this.")
            found = await self._showing.tag(name, whole(before or "0"))
            feeds = [(f"#{name} ({kind.title()})", f"{path}/feed.{kind}") for kind in ("atom", "rss")]
            head = Head(
                f"#{name}", site.words.text("tag_about", tag=f"#{name}"), feeds=feeds, indexed=bool(found.posts)
            )
            body = document(site, head, list_html.tag(site, name, found, self._clock.now_ms()))
            return Rendered(200 if found.posts else 404, HTML, body, accounts_of(None, *found.posts), every=True)

        return await self._answer(request, path, make, before=before)

    async def latest(self, request: Request) -> Response:
        search, before = " ".join(given(request, "q").split()), given(request, "before")

        async def make(site: Site) -> Rendered:
            found = await self._found(search, whole(before or "0"))
            words = site.words
            feeds = [(f"{words.text('latest_title')} ({kind.title()})", f"/feed.{kind}") for kind in ("atom", "rss")]
            about = words.text("latest_about", server=site.server_name)
            head = Head(words.text("latest_title"), about, feeds=feeds, current="latest", indexed=not search)
            body = document(site, head, list_html.latest(site, found, search, self._clock.now_ms()))
            shown = () if found is None else found.posts
            return Rendered(400 if found is None else 200, HTML, body, accounts_of(None, *shown), every=True)

        return await self._answer(request, "/latest", make, q=search, before=before)

    async def _found(self, search: str, before: int) -> PostList | None:
        """The latest, or what a search finds; None for one that makes no sense."""
        if not search:
            return await self._showing.latest(before)
        try:
            return await self._showing.search(search, before)
        except InvalidParam:
            return None

    async def explore(self, request: Request) -> Response:
        search, kind = " ".join(given(request, "q").split()), given(request, "kind")
        after = given(request, "after")

        async def make(site: Site) -> Rendered:
            found = await self._showing.directory(search, kind, after)
            about = site.words.text("explore_about", server=site.server_name)
            head = Head(site.words.text("explore_title"), about, current="explore", indexed=not search)
            inside = account_html.explore(site, found, search, kind, self._clock.now_ms())
            return Rendered(200, HTML, document(site, head, inside), found.accounts)

        return await self._answer(request, "/explore", make, q=search, kind=kind, after=after)

    async def _answer(self, request: Request, path: str, make: Make, **query: str) -> Response:
        return await self._answering.page(request, self._answering.site(request, path, query), make)

    async def _handle(self, site: Site, handle: str) -> str:
        """A handle that an account has; raises Missing."""
        try:
            return (await self._showing.account(handle)).handle
        except NotFound:
            raise Missing(site.words.text("not_found_account", handle=handle)) from None

    def _gone(self, site: Site, shown: ShownPost) -> Rendered:
        title, inside = single_html.gone(site, shown.account, shown.post)
        return Rendered(GONE, HTML, document(site, Head(title, indexed=False), inside), [shown.account])


def handle_of(request: Request) -> str:
    """The handle in the path. All are in small letters, but people write them as they please."""
    return request.path["handle"].lower()


def given(request: Request, name: str) -> str:
    """A query parameter, cut to what any of ours may hold."""
    return (codec.parameter(request, name, "") or "")[:PARAMETER_MAX_CHARACTERS]


def missing_post(site: Site, handle: str, refusal: InvalidParam | NotFound) -> Missing:
    """What is said of a number that no post has."""
    return refusal if isinstance(refusal, Missing) else Missing(site.words.text("not_found_post", handle=handle))


def accounts_of(first: Account | None, *shown: ShownPost) -> list[Account]:
    """Every account that a page shows something of, each once."""
    found = {} if first is None else {first.account_no: first}
    for each in shown:
        found[each.account.account_no] = each.account
        carried = each.original
        while carried is not None:
            if carried.account is not None:
                found[carried.account.account_no] = carried.account
            carried = carried.below
    return list(found.values())


def whole(text: str) -> int:
    """A whole number from an address; raises InvalidParam."""
    return codec.whole(text, "What stands for a number in the address")
