"""Every way out of the server there is, taken from the router, gone through by somebody who looks for moments."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from teahouse.http.messages import Route
from tests.world import SERVER, Person

MARK = re.compile(r"mark-\d+-")
FIXED: Mapping[str, Sequence[str]] = {
    "eventType": ("m.room.name", "m.room.topic", "m.room.member", "io.teahouse.moments", "m.room.message"),
    "stateKey": ("",), "relType": ("m.annotation", "m.replace"), "list": ("hidden", "unwanted"),
    "serverName": (SERVER,), "fileName": ("x",), "type": ("m.push_rules", "m.direct"), "kind": ("override", "atom"),
    "keyName": ("displayname",), "roomAlias": (f"#x:{SERVER}",), "authType": ("m.login.dummy",), "page": ("1",),
    "number": ("1",), "handle": ("x",), "tag": ("x",), "name": ("x",), "ruleId": (".m.rule.master",),
    "filterId": ("0",), "deviceId": ("FIRST",), "version": ("1",), "sessionId": ("x",),
    "requestId": ("1",), "documentId": ("1",), "draftId": ("1",), "importId": ("1",),
}  # fmt: skip
PAGES = ({"dir": "b", "limit": "200"}, {"dir": "f", "limit": "200"})
SEARCHES = ("search", "publicRooms", "query", "context")  # endpoints that are asked with a body and show something


@dataclass
class Looking:
    """Somebody who looks for moments: with every id that could name one, and the tokens of earlier syncs."""

    person: Person
    rooms: Sequence[str]
    event_ids: Sequence[str]
    authors: Sequence[str]
    media_ids: Sequence[str] = ()
    tokens: Sequence[str] = field(default_factory=list)

    def values(self, name: str) -> Sequence[str]:
        """What to put in a path for a parameter. Raises KeyError for one that nobody has thought of."""
        given = {
            "roomId": self.rooms, "roomIdOrAlias": self.rooms, "eventId": self.event_ids, "momentId": self.event_ids,
            "userId": [*self.authors, self.person.user_id], "mediaId": [*self.media_ids, "x"],
        }  # fmt: skip
        return given[name] if name in given else FIXED[name]

    def queries(self, template: str) -> Sequence[Mapping[str, str]]:
        """With which queries to ask."""
        if template.endswith("/messages"):
            return PAGES
        if template.endswith("/sync"):
            wide = json.dumps({"room": {"timeline": {"limit": 200}, "include_leave": True}})
            some = json.dumps({"room": {"timeline": {"limit": 2}, "state": {"lazy_load_members": True}}})
            return [
                {"filter": chosen, **({} if since is None else {"since": since}), **more}
                for since in (None, *self.tokens)
                for chosen, more in ((wide, {}), (some, {"full_state": "true"}))
            ]
        if template.endswith("/thumbnail/{serverName}/{mediaId}"):
            return [{"width": "32", "height": "32"}]
        return [{"limit": "20"}] if template.endswith("/context/{eventId}") else [{}]


async def ask(person: Person, method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> tuple[int, str]:
    """One request and what comes back, whatever it is."""
    headers = {"authorization": f"Bearer {person.token}"}
    answer = await person.world.exchange(method, path, urlencode(query), headers, body)
    return answer.status, answer.body.decode(errors="replace")


def doors(routes: Sequence[Route]) -> list[Route]:
    """The endpoints that show something: all that are read, and those that are asked with a body."""
    return [
        route for route in routes
        if route.method == "GET" or (route.method == "POST" and any(word in route.template for word in SEARCHES))
    ]  # fmt: skip


async def through(looking: Looking, route: Route) -> AsyncIterator[str]:
    """What comes out of one door; refusals speak of the request alone."""
    names = re.findall(r"\{(\w+)\*?\}", route.template)
    for values in itertools.product(*(looking.values(name) for name in names)):
        path = route.template
        for name, value in zip(names, values, strict=True):
            path = re.sub(rf"\{{{name}\*?\}}", lambda _, value=value: quote(value, safe=""), path)  # type: ignore[misc]
        body = b"" if route.method == "GET" else b"{}"
        for query in looking.queries(route.template):
            status, shown = await ask(looking.person, route.method, path, query, body)
            assert status < 500, (route.template, shown)
            yield shown if status == 200 else ""
