"""A post alone: with corrections and comments, in each of its wordings, or what is said where it was."""

from __future__ import annotations

from markupsafe import Markup

from teahouse.pages.frame import Site, empty, timed
from teahouse.pages.post_html import body, counts, in_language, pager, path_of, said, warned, who
from teahouse.pages.text import linked, upright
from teahouse.pages.types import HistoryPage, PostPage, ShownComment
from teahouse.posts.types import Fate, Post, PostContent
from teahouse.public_accounts.types import Account


def single(site: Site, page: PostPage, now_ms: int, answers_to: int) -> Markup:
    """A post alone on its page, with what is said of it."""
    shown, words = page.shown, site.words
    post, account = shown.post, shown.account
    content = post.content or PostContent()
    if content.article is not None:
        language = in_language(site, content, account)
        heading = Markup('<h1 dir="auto"{}>{}</h1>').format(language, content.article.title)
    else:
        heading = Markup('<h1 class="unseen">{}</h1>').format(words.text("post_by", name=upright(account.name)))
    history = Markup("")
    if post.version:
        edited = words.html("edited_when", time=timed(words, post.edited_ms))
        history = Markup('<p class="soft small">{} · <a href="{}">{}</a></p>').format(
            edited, site.link(f"{path_of(account, post.number)}/history"), words.text("history")
        )
    return Markup(
        '<article class="post single">{}<header>{}{}</header>{}<div{}>{}</div>{}{}</article>'
        '<section id="comments"><h2>{}</h2>{}</section>'
    ).format(
        heading, who(site, account, now_ms),
        Markup('<span class="when">{}</span>').format(timed(words, post.created_ms)), corrections(site, page),
        in_language(site, content, account), body(site, shown, now_ms, whole=True), history,
        counts(site, post, every=True), words.text("comments"), comments(site, page, answers_to),
    )  # fmt: skip


def corrections(site: Site, page: PostPage) -> Markup:
    """What was put right, above what it was put right in."""
    if not page.corrections:
        return Markup("")
    notes = [
        Markup(
            '<p><span class="corrected">{}</span> <span class="soft small">{}</span><br><span dir="auto">{}</span></p>'
        ).format(
            site.words.text("correction"), timed(site.words, each.written_ms), each.correction
        )
        for each in page.corrections
    ]  # fmt: skip
    return Markup('<div class="notice">{}</div>').format(Markup("").join(notes))


def comments(site: Site, page: PostPage, answers_to: int) -> Markup:
    """What is said of a post, oldest first."""
    words, post = site.words, page.shown.post
    path = path_of(page.shown.account, post.number)
    pieces = []
    if page.comments:
        items = [comment(site, path, each) for each in page.comments]
        pieces.append(Markup('<ul class="comments">{}</ul>').format(Markup("").join(items)))
    elif not answers_to:
        pieces.append(Markup('<p class="soft">{}</p>').format(words.text("no_comments")))
    note = {"nobody": "comments_closed", "followers": "comments_followers"}.get(post.comments_by, "comments_how")
    pieces.append(Markup('<p class="soft small">{}</p>').format(words.text(note)))
    links = []
    if page.after:
        query = {"after": str(page.after), "answers_to": str(answers_to or "")}
        links.append((f"{site.link(path, **query)}#comments", words.text("more_comments")))
    if answers_to:
        links.append((f"{site.link(path)}#comments", words.text("comments")))
    return Markup("").join(pieces) + pager(links)


def comment(site: Site, path: str, shown: ShownComment) -> Markup:
    """One comment with the first answers to it."""
    of = shown.comment
    answers = Markup("")
    if shown.answers:
        items = [comment(site, path, each) for each in shown.answers]
        answers = Markup('<ul class="comments">{}</ul>').format(Markup("").join(items))
    if of.answers > len(shown.answers):
        href = site.link(path, answers_to=str(of.comment_no)) + "#comments"
        answers += Markup('<p class="small"><a href="{}">{}</a></p>').format(href, site.words.text("more_answers"))
    return Markup(
        '<li id="c{}"><header><b dir="auto">{}</b> <span class="soft small">{} · {}</span></header>'
        '<p dir="auto">{}</p>{}</li>'
    ).format(
        of.comment_no, upright(shown.name), shown.user_id if shown.name != shown.user_id else "",
        timed(site.words, of.written_ms), linked(of.body, (), site.suffix), answers,
    )  # fmt: skip


def gone(site: Site, account: Account, post: Post) -> tuple[str, Markup]:
    """The heading, and what is said where a post was. Deleted and removed are never the same words."""
    key = "removed" if post.fate is Fate.REMOVED else "deleted"
    words = site.words
    about = words.text(f"{key}_about", handle=account.handle, number=post.number, day=words.day(post.fate_ms))
    back = Markup('<p><a href="{}">{}</a></p>').format(
        site.link(path_of(account)), words.html("back_to", name=Markup("<bdi>{}</bdi>").format(upright(account.name)))
    )
    return words.text(key), Markup("<h1>{}</h1><p>{}</p>{}").format(words.text(key), about, back)


def history(site: Site, page: HistoryPage, now_ms: int) -> Markup:
    """Every wording of a post."""
    words, account, post = site.words, page.shown.account, page.shown.post
    pieces = []
    for version in page.versions:
        content = version.content
        name = words.text("wording", number=version.version + 1)
        correction = Markup("")
        if version.correction:
            correction = Markup(
                '<p class="notice"><span class="corrected">{}</span> <span dir="auto">{}</span></p>'
            ).format(words.text("correction"), version.correction)
        title = "" if content.article is None else Markup('<h3 dir="auto">{}</h3>').format(content.article.title)
        inside = warned(site, content, said(site, account, post, content, page.shown.handles, None, whole=True))
        pieces.append(
            Markup(
                '<article class="card post"><h2>{}</h2><p class="soft small">{}</p>{}<div{}>{}{}</div></article>'
            ).format(
                name, timed(words, version.written_ms), correction, in_language(site, content, account), title, inside
            )
        )
    back = site.link(path_of(account, post.number))
    return Markup('<h1>{}</h1><p class="soft">{}</p><p><a href="{}">{}</a></p>{}').format(
        words.text("history_of"), words.text("history_about"), back,
        words.text("post_by", name=upright(account.name)), Markup("").join(pieces) or empty(words.text("deleted")),
    )  # fmt: skip
