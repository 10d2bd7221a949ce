"""`/_teahouse/v1/contacts`."""

from __future__ import annotations

import msgspec

from teahouse.contacts.service import Contacts
from teahouse.contacts.types import Contact, Greeting
from teahouse.errors import InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation, Query
from teahouse.rooms import Directory, Users

CONTACTS = "/_teahouse/v1/contacts"
PAGE_MAX = 500  # contacts of one page


class ContactReply(msgspec.Struct):
    """A contact."""

    user_id: str
    since_ts: int
    remark: str


class ContactsReply(msgspec.Struct, omit_defaults=True):
    """A page of contacts."""

    contacts: list[ContactReply]
    next_batch: str | None = None


class RequestReply(msgspec.Struct):
    """A greeting that waits."""

    user_id: str
    room_id: str
    sent_ts: int
    reason: str


class RequestsReply(msgspec.Struct):
    """Greetings in both directions, newest first."""

    incoming: list[RequestReply]
    outgoing: list[RequestReply]


class RemarkBody(msgspec.Struct):
    """A private remark on a contact."""

    remark: str


class Done(msgspec.Struct):
    """Nothing more to say."""


class ContactsApi:
    """Contacts over HTTP."""

    def __init__(self, contacts: Contacts, users: Users, directory: Directory) -> None:
        self._contacts = contacts
        self._users = users
        self._directory = directory

    def operations(self) -> list[Operation]:
        """The endpoints with their descriptions."""
        paging = (Query("from", "next_batch of the page before"), Query("limit", f"at most {PAGE_MAX}", "integer"))
        one = f"{CONTACTS}/{{userId}}"
        return [
            Operation(Route("GET", CONTACTS, self.list_contacts), "List one's contacts.", ContactsReply, query=paging),
            Operation(Route("GET", f"{CONTACTS}/requests", self.list_requests),
                      "List greetings that wait for an answer, in and out.", RequestsReply),
            Operation(Route("PUT", one, self.set_remark), "Set a private remark on a contact.", Done, RemarkBody),
            Operation(Route("DELETE", one, self.remove_contact), "End a contact, for both.", Done),
            Operation(Route("POST", f"{one}/block", self.block_user),
                      "End a contact and ignore the user: messages, invites and greetings vanish.", Done),
        ]  # fmt: skip

    async def list_contacts(self, request: Request) -> Response:
        limit = codec.integer(request, "limit", 100, low=1, high=PAGE_MAX)
        after = codec.integer(request, "from", 0, high=1 << 62)
        page = await self._contacts.page(request.requester.user_no, after, limit)
        following = str(page[-1].other_no) if len(page) == limit else None
        return codec.reply(ContactsReply([await self._contact(each) for each in page], following))

    async def list_requests(self, request: Request) -> Response:
        incoming, outgoing = await self._contacts.requests(request.requester.user_no)
        ignored = await self._users.ignored(request.requester.user_no)
        shown = [await self._greeting(each) for each in incoming]
        waiting = [await self._greeting(each) for each in outgoing]
        return codec.reply(RequestsReply([each for each in shown if each.user_id not in ignored], waiting))

    async def set_remark(self, request: Request) -> Response:
        body = codec.body(request, RemarkBody)
        await self._contacts.remark(request.requester.user_no, await self._other(request), body.remark)
        return codec.reply(Done())

    async def remove_contact(self, request: Request) -> Response:
        await self._contacts.remove(request.requester.user_no, await self._other(request))
        return codec.reply(Done())

    async def block_user(self, request: Request) -> Response:
        user_id = request.path["userId"]
        if user_id == request.requester.user_id:
            raise InvalidParam("You cannot block yourself.")
        await self._contacts.block(request.requester.user_no, await self._other(request), user_id)
        return codec.reply(Done())

    async def _other(self, request: Request) -> int:
        number = await self._users.number(request.path["userId"])
        if number is None:
            raise NotFound("There is no such user.")
        return number

    async def _contact(self, contact: Contact) -> ContactReply:
        return ContactReply(await self._users.user_id(contact.other_no), contact.since_ms, contact.remark)

    async def _greeting(self, greeting: Greeting) -> RequestReply:
        return RequestReply(
            await self._users.user_id(greeting.other_no), await self._directory.room_id(greeting.room_no),
            greeting.sent_ms, greeting.reason,
        )  # fmt: skip
