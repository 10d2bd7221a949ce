"""The stage on which the plays are played: a served Teahouse, the people on it, and rooms for them.

Everything goes through the Client-Server API as a client would, in the order Teahouse asks of strangers: a direct
chat first, which makes two people contacts, then groups. Each answer is judged by the specification at once.
"""

import functools
import itertools
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from tests.contract.recording import Exchange, Recording, describe, folder_of_this_run, record_client
from tests.contract.specification import Operation, Specification
from tests.contract.validation import Verdicts

REQUEST_SECONDS = 10.0  # no request here asks the server to wait, so none may take longer
PASSWORD = "correct horse battery staple"
# What the specification offers for a body of the wrong shape; it leaves the choice among them to the server.
BAD_BODY = frozenset({"M_BAD_JSON", "M_MISSING_PARAM", "M_INVALID_PARAM"})
HIDDEN = frozenset({"M_FORBIDDEN", "M_NOT_FOUND"})
PROBE = "probe"  # fills every path parameter when only the router's knowledge of the path is asked for


class Served(Protocol):
    """A running server, as the `teahouse_server` fixture yields it."""

    @property
    def url(self) -> str: ...
    @property
    def server_name(self) -> str: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def recorded(self) -> bool:
        """Whether the server's process records its answers itself."""

    @property
    def registration_token(self) -> str | None: ...
    def register(self, localpart: str, password: str) -> None: ...


@dataclass(frozen=True)
class Answer:
    """One answer: its status, headers and decoded body (None where it is not JSON)."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any


class Stage:
    """One server and the specification, for any number of people."""

    def __init__(self, served: Served, specification: Specification) -> None:
        self.served = served
        self.specification = specification
        self._verdicts = Verdicts(specification)
        self._names = itertools.count(1)
        self._run = secrets.token_hex(3)
        hooks = {} if served.recorded else record_client(Recording(folder_of_this_run()))
        self.client = httpx.Client(base_url=served.url, timeout=REQUEST_SECONDS, event_hooks=hooks)
        self.stranger = Person(self, "", "", "")

    def name(self, kind: str) -> str:
        """A name that no earlier run used."""
        return f"{kind}-{self._run}-{next(self._names)}"

    def person(self, localpart: str) -> "Person":
        """Register a person by the operator's hand, and sign them in."""
        name = self.name(localpart)
        self.served.register(name, PASSWORD)
        return self.signed_in(name)

    def signed_in(self, name: str, password: str = PASSWORD) -> "Person":
        """A new device of the person called `name` (a localpart)."""
        identifier = {"type": "m.id.user", "user": name}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        session = self.stranger.good("login", body=body)
        return Person(self, session["user_id"], session["device_id"], session["access_token"])

    def befriend(self, one: "Person", other: "Person") -> str:
        """Make contacts of two people through a direct chat, and return its room id."""
        room_id: str = one.good(
            "createRoom",
            body={"is_direct": True, "preset": "trusted_private_chat", "invite": [other.user_id]},
        )["room_id"]
        other.good("joinRoomById", roomId=room_id, body={})
        return room_id

    def room(self, owner: "Person", *members: "Person", **fields: Any) -> str:
        """Create a room, invite the members (contacts of the owner) and let them join."""
        body = {"preset": "private_chat", "name": self.name("room"), **fields}
        room_id: str = owner.good("createRoom", body=body)["room_id"]
        for member in members:
            owner.good("inviteUser", roomId=room_id, body={"user_id": member.user_id})
            member.good("joinRoomById", roomId=room_id, body={})
        return room_id

    def is_built(self, operation_id: str) -> bool:
        """Whether the server's router knows the operation's path and method, asked without signing in."""
        operation = self.specification.operations[operation_id]
        answer = self.exchange(operation, self.path(operation, {}), None, None, None, {})
        unrecognized = isinstance(answer.body, dict) and answer.body.get("errcode") == "M_UNRECOGNIZED"
        return not (unrecognized and answer.status in {404, 405})

    def path(self, operation: Operation, values: Mapping[str, str]) -> str:
        """Fill the template, percent-encoding everything; what has no value is filled with PROBE."""
        names = [p.name for p in operation.parameters if p.place == "path"]
        assert set(values) <= set(names), f"{operation.operation_id} has no path parameter among {sorted(values)}"
        path = operation.path
        for name in names:
            path = path.replace("{" + name + "}", quote(values.get(name, PROBE), safe=""))
        return path

    def exchange(
        self,
        operation: Operation,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """Send one request and judge the answer; fails the test with every mismatch."""
        url = httpx.URL(self.served.url).copy_with(raw_path=path.encode())
        sent = {"json": body} if content is None and body is not None else {"content": content}
        asked = url.copy_merge_params(dict(query or {}))
        response = self.client.request(operation.method, asked, headers=headers, **sent)  # type: ignore[arg-type]
        mismatches = self.mismatches(operation, response)
        assert not mismatches, "\n".join(mismatches)
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return Answer(response.status_code, response.headers, response.content, response.json() if is_json else None)

    def mismatches(self, operation: Operation, response: httpx.Response) -> list[str]:
        """What of an answer is not as specified."""
        return [str(mismatch) for mismatch in self._verdicts.judge(operation, self._described(response))]

    @staticmethod
    def _described(response: httpx.Response) -> Exchange:
        media_type = response.headers.get("content-type", "")
        raw_path = response.request.url.raw_path
        return describe(response.request.method, raw_path, None, response.status_code, media_type, response.content)


@dataclass(frozen=True)
class Person:
    """Somebody who speaks to the server: signed in, or a stranger where `token` is empty."""

    stage: Stage
    user_id: str
    device_id: str
    token: str = field(repr=False)

    @functools.cached_property
    def localpart(self) -> str:
        return self.user_id[1:].partition(":")[0]

    def ask(
        self,
        operation_id: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        media_type: str = "application/json",
        **path: str,
    ) -> Answer:
        """Send one request for an operation, path parameters by their names in the specification."""
        operation = self.stage.specification.operations[operation_id]
        if body is None and content is None and operation.body is not None:
            body = {}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if content is not None:
            headers["Content-Type"] = media_type
        return self.stage.exchange(operation, self.stage.path(operation, path), query, body, content, headers)

    def good(self, operation_id: str, **request: Any) -> Any:
        """Send a request that must be accepted, and return the decoded answer (or its bytes)."""
        answer = self.ask(operation_id, **request)
        assert answer.status < 300, f"{operation_id} was refused: {answer.status} {answer.body}"
        return answer.content if answer.body is None else answer.body

    def bad(
        self, operation_id: str, status: int | Collection[int], errcode: str | Collection[str], **request: Any
    ) -> Any:
        """Send a request that must be refused with this status and error code (or one of these)."""
        answer = self.ask(operation_id, **request)
        statuses = {status} if isinstance(status, int) else set(status)
        errcodes = {errcode} if isinstance(errcode, str) else set(errcode)
        given = answer.body.get("errcode") if isinstance(answer.body, dict) else None
        assert answer.status in statuses, f"{operation_id} answered {answer.status} {answer.body}"
        assert given in errcodes, f"{operation_id} answered {answer.status} {answer.body}"
        return answer.body

    def signed_out(self, operation_id: str, **request: Any) -> None:
        """The same request without a token must be refused: for operations in which nothing else can be wrong."""
        self.stage.stranger.bad(operation_id, 401, "M_MISSING_TOKEN", **request)

    def wrong_method(self, operation_id: str) -> None:
        """A method the path does not have: all that can be wrong where neither input nor token is needed."""
        operation = self.stage.specification.operations[operation_id]
        response = self.stage.client.request("PATCH", self.stage.path(operation, {}))
        assert response.status_code == 405
        assert response.json()["errcode"] == "M_UNRECOGNIZED"

    def proven(self, operation_id: str, body: Mapping[str, Any] | None = None, **request: Any) -> Any:
        """Do what asks for the password again: refused with the flows first, then accepted with the password."""
        refusal = self.ask(operation_id, body=dict(body or {}), **request)
        assert refusal.status == 401, f"{operation_id} asked for no proof: {refusal.status} {refusal.body}"
        assert ["m.login.password"] in [flow["stages"] for flow in refusal.body["flows"]]
        proof = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.localpart},
            "password": PASSWORD,
            "session": refusal.body["session"],
        }
        return self.good(operation_id, body={**(body or {}), "auth": proof}, **request)

    def send(self, room_id: str, content: Mapping[str, Any], event_type: str = "m.room.message") -> str:
        """Send an event and return its id."""
        event_id: str = self.good(
            "sendMessage", roomId=room_id, eventType=event_type, txnId=self.stage.name("txn"), body=content
        )["event_id"]
        return event_id

    def say(self, room_id: str, text: str = "two cups of oolong") -> str:
        """Send a text message and return its id."""
        return self.send(room_id, {"msgtype": "m.text", "body": text})


@dataclass(frozen=True)
class Cast:
    """Alice, Bob and Carol are contacts of each other; Mallory is a contact of nobody."""

    stage: Stage
    alice: Person
    bob: Person
    carol: Person
    mallory: Person
    direct_room_id: str


def assemble(stage: Stage) -> Cast:
    """Register the cast and make the contacts."""
    alice, bob, carol, mallory = (stage.person(name) for name in ("alice", "bob", "carol", "mallory"))
    direct_room_id = stage.befriend(alice, bob)
    stage.befriend(alice, carol)
    stage.befriend(bob, carol)
    return Cast(stage, alice, bob, carol, mallory, direct_room_id)
