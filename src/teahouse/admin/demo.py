"""`teahouse demo`: the small town of `town.py` moves into a fresh instance, through the services that people use."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from teahouse.admin import pictures
from teahouse.admin.town import Group, Moment, Picture, Post, Publisher, story
from teahouse.app import App
from teahouse.clock import SystemClock
from teahouse.errors import Conflict
from teahouse.http.messages import Requester
from teahouse.media.types import Upload
from teahouse.moments.audience import Audience, Scope
from teahouse.moments.types import MomentContent
from teahouse.posts.types import Article, Media, Poll, PostContent, Ref, Repost
from teahouse.posts.types import Post as Published
from teahouse.public_accounts.accounts import publisher
from teahouse.public_accounts.types import About, Account
from teahouse.rooms.creation import CreateRoom
from teahouse.rooms.types import Reader

SCHEDULED_MS = 86_400_000  # how far ahead the scheduled post lies: there is time to look at it
HOUR_MS = 3_600_000
TOWN_MS = 6 * 24 * HOUR_MS  # how long the town has stood: its posts are spread over these days
PASSWORD_BYTES = 9  # of randomness: the town is for looking at, and may stand in the open


class Town:
    """One town, while it is being built."""

    def __init__(self, app: App, password: str) -> None:
        self._app = app
        self.password = password
        self._story = story()
        self._chance = random.Random(1874)  # the same likes and followers every time
        self.people: dict[str, Reader] = {}
        self.accounts: dict[str, Account] = {}
        self._posts: dict[str, list[Published]] = {}
        self._behind_ms = 0

    async def build(self) -> None:
        """Everything, in the order in which it came to be."""
        self._ago(TOWN_MS)
        for name, display_name in self._story.people.items():
            await self._arrive(name, display_name)
        for greeting in self._story.greetings:
            await self._greet(greeting.sender, greeting.other, greeting.text)
        for group in self._story.groups:
            await self._group(group)
        moments = self._story.moments
        for place, moment in enumerate(moments):
            self._ago(TOWN_MS * (len(moments) - place) // (len(moments) + 1))
            await self._show(moment)
        self._ago(TOWN_MS)
        publishers = self._story.publishers
        for each in publishers:
            await self._open(each)
        turns = range(max(len(each.posts) for each in publishers))
        posts = [(each, each.posts[turn]) for turn in turns for each in publishers if turn < len(each.posts)]
        for place, (each, post) in enumerate(posts):
            # The last one is two hours old, so that what was said of it had its time.
            self._ago(2 * HOUR_MS + (TOWN_MS - 2 * HOUR_MS) * (len(posts) - 1 - place) // len(posts))
            await self._publish(each, post)

    def now(self) -> None:
        """The past is over."""
        self._ago(0)

    def _ago(self, ms: int) -> None:
        """What comes now happened so long ago."""
        if isinstance(self._app.clock, SystemClock):
            self._app.clock.behind_ms = self._behind_ms = ms

    async def _arrive(self, name: str, display_name: str) -> None:
        app = self._app
        account = await app.accounts.register(name, self.password, admin=name in self._story.staff)
        user_id = app.people.full_id(name)
        async with app.database.transaction() as tx:
            await app.people.set_field(tx, account.user_no, "displayname", display_name)
        self.people[name] = Reader(account.user_no, user_id)

    async def _greet(self, sender: str, other: str, text: str) -> None:
        """Two people become contacts, in a chat of their own."""
        first, second = self.people[sender], self.people[other]
        wish = CreateRoom(invite=[second.user_id], is_direct=True, preset="trusted_private_chat")
        room_id = await self._app.creation.create(first, wish)
        await self._app.membership.join(second, room_id)
        await self._say(first, room_id, text)

    async def _group(self, group: Group) -> None:
        first, *others = (self.people[each] for each in group.members)
        wish = CreateRoom(name=group.name, invite=[each.user_id for each in others], preset="private_chat")
        room_id = await self._app.creation.create(first, wish)
        for each in others:
            await self._app.membership.join(each, room_id)
        for speaker, text in group.talk:
            await self._say(self.people[speaker], room_id, text)

    async def _say(self, reader: Reader, room_id: str, text: str) -> None:
        content = {"msgtype": "m.text", "body": text}
        await self._app.rooms.send(reader, room_id, "m.room.message", secrets.token_hex(8), content)

    async def _show(self, moment: Moment) -> None:
        """A moment for friends, and what they say of it."""
        author, slice_ = self.people[moment.author], self._app.moments
        content = MomentContent(moment.text, [await self._drawn(author, one) for one in moment.pictures])
        named = frozenset(self.people[name].user_no for name in moment.named)
        made = await slice_.moments.publish(author, content, Audience(Scope[moment.scope.upper()], named))
        for name in moment.likes:
            await slice_.deeds.like(self.people[name], made)
        for name, text in moment.comments:
            await slice_.deeds.comment(self.people[name], made, text)

    async def _open(self, each: Publisher) -> None:
        """A public account, with its pictures, its staff and those who follow it."""
        app, owner = self._app, self.people[each.owner]
        sign = await asyncio.to_thread(pictures.emblem, each.emblem.shape, each.emblem.ground, each.emblem.ink)
        cover = await self._drawn(owner, each.cover, 1500, 500)
        about = About(
            each.description, list(each.links), await self._upload(owner, sign, "image/png", "sign.png"), cover.url,
            each.language,
        )  # fmt: skip
        account = await app.public_accounts.open(owner, each.handle, each.kind, each.name, about, admin=True)
        for name in each.editors:
            await app.public_accounts.set_role(account, self.people[name].user_no, "editor")
        room_id = await app.directory.room_id(account.room_no)
        for name, reader in self.people.items():
            if name != each.owner and self._chance.random() < (0.9 if each.verified else 0.5):
                await app.followers.follow(reader, account, room_id, source="page")
        if each.verified:
            await self._verify(account, owner)
        self.accounts[each.handle] = await app.public_accounts.require(each.handle)
        self._posts[each.handle] = []

    async def _verify(self, account: Account, owner: Reader) -> None:
        """A badge: documents, and the word of two of the staff who do not work for the account."""
        app = self._app
        wish = await app.badges.ask(account, owner.user_no, "evidence", "")
        await app.badges.send_document(account, "register.txt", f"{account.name}, town register".encode())
        others = [self.people[name].user_no for name in self._story.staff]
        free = [user_no for user_no in others if not await app.public_accounts.role(user_no, account.account_no)]
        for user_no in free[:2]:
            await app.badges.decide(user_no, wish.request_no, True, "")

    async def _publish(self, each: Publisher, post: Post) -> None:
        app, account, owner = self._app, self.accounts[each.handle], self.people[each.owner]
        content = await self._content(each, post)
        if post.scheduled:
            due_ms = app.clock.now_ms() + self._behind_ms + SCHEDULED_MS
            await app.schedule.drafts.create(publisher(account), owner.user_no, content, due_ms)
            return
        made = await app.posts.publish(publisher(account), owner.user_no, content)
        self._posts[each.handle].append(made)
        if post.deleted:
            await app.posts.delete(publisher(account), made.ref)
            return
        self._ago(self._behind_ms - HOUR_MS)
        if post.edited:
            await app.posts.edit(
                publisher(account), made.ref, PostContent(post.edited, language=each.language), post.correction
            )
        if post.pinned:
            await app.public_accounts.pin(account, made.number)
        await self._react(each, post, made.ref)

    async def _react(self, each: Publisher, post: Post, ref: Ref) -> None:
        """What readers do with it."""
        readers = [reader for name, reader in self.people.items() if name != each.owner]
        for reader in readers:
            if self._chance.random() < 0.45:
                await self._app.interactions.like(reader, ref)
        for reader, answer in zip(readers, post.votes, strict=False):
            await self._app.interactions.vote(reader, ref, [answer])
        parent = 0
        for name, text in post.comments:
            answers = text.startswith("> ")
            said = text.removeprefix("> ")
            made = await self._app.comments.write(self.people[name], ref, said, parent if answers else 0)
            parent = parent if answers else made.comment_no

    async def _content(self, each: Publisher, post: Post) -> PostContent:
        """A post as it is published."""
        owner = self.people[each.owner]
        drawn = [await self._drawn(owner, one) for one in post.pictures]
        language = each.language
        if post.title:
            html = post.html.replace("{picture}", drawn[-1].url)
            return PostContent(post.text, article=Article(post.title, html, drawn[0]), language=language)
        if post.question:
            return PostContent(post.text, poll=Poll(post.question, list(post.answers)), language=language)
        repost = None
        if post.reposts is not None:
            handle, place = post.reposts
            repost = Repost(handle, self._posts[handle][place - 1].number)
        return PostContent(
            post.text, drawn, repost=repost, link=post.link, warning=post.warning, language=language
        )  # fmt: skip

    async def _drawn(self, owner: Reader, one: Picture, width: int = 1200, height: int = 800) -> Media:
        """A landscape, drawn and uploaded."""
        file = await asyncio.to_thread(pictures.landscape, one.hour, one.seed, width, height, river=one.river)
        url = await self._upload(owner, file, "image/jpeg", f"{one.hour}.jpg")
        return Media(url, "image/jpeg", one.description, f"{one.hour}.jpg", width=width, height=height)

    async def _upload(self, owner: Reader, file: bytes, mimetype: str, name: str) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            yield file

        requester = Requester(owner.user_id, owner.user_no, "")
        return await self._app.media.upload(requester, Upload(pieces(), mimetype, name))


async def settle(app: App, request: Mapping[str, Any]) -> dict[str, Any]:
    """Fill a fresh instance; what was made. Raises Conflict where anybody lives already."""
    if await app.accounts.page("", 1):
        raise Conflict("Somebody lives here already: the demo fills only an instance without users.")
    town = Town(app, secrets.token_urlsafe(PASSWORD_BYTES))
    try:
        await town.build()
    finally:
        town.now()
    return {
        "password": town.password,
        "admins": [town.people[name].user_id for name in story().staff],
        "people": [reader.user_id for reader in town.people.values()],
        "groups": [group.name for group in story().groups],
        "moments": len(story().moments),
        "accounts": [account.handle for account in town.accounts.values()],
        "public_url": app.config.public_url,
    }
