"""`/_teahouse/v1/accounts/{handle}/topics`: what an account writes about, and what its followers want of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.errors import InvalidParam
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.posts.store import mask_of
from teahouse.posts.topics import TOPICS_EVER_MAX, Choice, Topic, Topics, places_of, told
from teahouse.posts.types import Place
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.types import Account
from teahouse.rooms import Directory
from teahouse.rooms.api import reader_of

TOPICS = f"{ACCOUNT}/topics"
TOPIC = f"{TOPICS}/{{place}}"
CHOICE = f"{ACCOUNT}/follow/topics"


class TopicReply(msgspec.Struct, omit_defaults=True):
    """A topic. `place` is what posts carry. `alerts` and `shown` tell the account's staff how many followers chose it
    for alerts and for their feed; "<5" for a few.
    """

    place: int
    name: str
    alerts: str = ""
    shown: str = ""


class TopicsReply(msgspec.Struct):
    """What an account writes about."""

    topics: list[TopicReply]


class TopicBody(msgspec.Struct):
    """What a topic is called."""

    name: str


class ChoiceBody(msgspec.Struct):
    """The places of topics that a follower wants: of which posts alert, if any do, and of which they appear in the
    merged feed. Empty: of all, those without topics too.
    """

    alerts: list[Place] = []
    shown: list[Place] = []


class TopicsApi:
    """Topics over HTTP."""

    def __init__(self, accounts: Accounts, topics: Topics, followers: Followers, directory: Directory) -> None:
        self._accounts = accounts
        self._topics = topics
        self._followers = followers
        self._directory = directory

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        all_ = (400, 401, 403, 404)
        return [
            Operation(Route("GET", TOPICS, self.list_topics, Auth.OPTIONAL),
                      "List what an account writes about.", TopicsReply),
            Operation(Route("POST", TOPICS, self.declare_topic), "Declare a topic (editors).", TopicReply, TopicBody,
                      refusals=(*all_, 409, 413)),
            Operation(Route("PUT", TOPIC, self.rename_topic), "Call a topic something else (editors).", Done, TopicBody,
                      refusals=(*all_, 409, 413)),
            Operation(Route("DELETE", TOPIC, self.take_back_topic),
                      "Declare a topic no more; posts that carry it stand (editors).", Done, refusals=all_),
            Operation(Route("GET", CHOICE, self.get_choice), "Look at what one chose of an account's topics.",
                      ChoiceBody),
            Operation(Route("PUT", CHOICE, self.choose_topics), "Choose of an account's topics (its followers).",
                      Done, ChoiceBody, refusals=all_),
        ]  # fmt: skip

    async def list_topics(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        requester = request.requester_or_none
        staff = requester is not None and bool(await self._accounts.role(requester.user_no, account.account_no))
        topics = await self._topics.of_account(account.account_no)
        return codec.reply(TopicsReply([shown(each, staff=staff) for each in topics]))

    async def declare_topic(self, request: Request) -> Response:
        account = await self._editable(request)
        name = codec.body(request, TopicBody).name
        return codec.reply(shown(await self._topics.declare(account.account_no, name), staff=True))

    async def rename_topic(self, request: Request) -> Response:
        account = await self._editable(request)
        await self._topics.rename(account.account_no, place(request), codec.body(request, TopicBody).name)
        return codec.reply(Done())

    async def take_back_topic(self, request: Request) -> Response:
        account = await self._editable(request)
        await self._topics.take_back(account.account_no, place(request))
        return codec.reply(Done())

    async def get_choice(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        choice = await self._topics.topics_of(request.requester.user_no, account.account_no)
        return codec.reply(ChoiceBody(places_of(choice.alerts), places_of(choice.shown)))

    async def choose_topics(self, request: Request) -> Response:
        account = await self._accounts.require(request.path["handle"])
        body = codec.body(request, ChoiceBody)
        room_id = await self._directory.room_id(account.room_no)
        choice = Choice(mask_of(body.alerts), mask_of(body.shown))
        await self._followers.choose(reader_of(request), account, room_id, choice)
        return codec.reply(Done())

    async def _editable(self, request: Request) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, "editor")
        return account


def shown(topic: Topic, *, staff: bool) -> TopicReply:
    """A topic as it is told."""
    reply = TopicReply(topic.place, topic.name)
    if staff:
        reply.alerts, reply.shown = told(topic.alerts), told(topic.shown)
    return reply


def place(request: Request) -> int:
    """The topic's place in the path; raises InvalidParam."""
    text = request.path["place"]
    if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) < TOPICS_EVER_MAX):
        raise InvalidParam("A topic's place is a small whole number.")
    return int(text)
