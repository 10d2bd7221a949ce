"""A small live world for the fuzzer, and the sending of its requests.

`World` keeps ids that exist (rooms, events, devices, filters, media) and makes new ones from time to time, for a
fuzzer leaves rooms, spoils power levels and redacts. Every answer is counted, and for each operation the shortest
request that met a 5xx or a hang is kept.
"""

import itertools
import json
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tests.contract.specification import OWN, Operation
from tests.contract.stage import REQUEST_SECONDS, Cast, Person
from tests.fuzz.generation import Live, Request

RENEWED_EVERY = 100  # requests; by then a good part of the rooms has been left or locked by the fuzzer itself
FOREIGN_TOKEN = "syt_Zm9yZWlnbg_notATokenOfThisServer_0000000"
# These end the session they are asked with, or all of its person: each gets a new one, of a person for it alone.
ENDING = frozenset({"logout", "logout_all"})
# These would wait for news: the fuzzer always asks for what is there.
WAITING = frozenset({"sync", "getEvents", "peekEvents"})


HANGS_MAX = 3  # then the run stops: each costs REQUEST_SECONDS, and more of them say nothing new


class NoAnswer(AssertionError):
    """A request was not answered in REQUEST_SECONDS."""


class World:
    """Live ids by kind, and the counts of what was answered."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.alice = cast.stage.signed_in(cast.alice.localpart)
        self._passing = cast.stage.person("passing")
        self.statuses: Counter[int] = Counter()
        self.failures: dict[str, str] = {}
        self.hangs = 0
        self.sent = 0
        self.past_the_door = 0
        self._txn = itertools.count(1)
        self._published = _published(self.alice)
        self.ids = self._live_ids()

    def send(self, request: Request) -> None:
        """Send one request and count its answer; a 5xx and a hang are kept in `failures`."""
        self.sent += 1
        if self.sent % RENEWED_EVERY == 0:
            self.ids = self._live_ids()
        operation = self.cast.stage.specification.operations[request.operation_id]
        target = self._path(operation, request) + self._query(operation, request)
        content, media_type = self._content(request.body)
        try:
            response = self.raw(operation.method, target, content, self._token(request), media_type)
        except NoAnswer as hang:
            self.hangs += 1
            self._keep(operation, f"{operation.method} {target[:300]} {content[:400]!r}: {hang}")
            if self.hangs >= HANGS_MAX:
                raise
        else:
            if response.status_code >= 500:
                shown = f"{response.status_code} {response.text[:200]}"
                self._keep(operation, f"{operation.method} {target[:300]} {content[:400]!r}: {shown}")
            elif response.is_success and operation.operation_id.startswith(OWN):
                # The specification's operations are judged from the recorded traffic, which is complete.
                for mismatch in self.cast.stage.mismatches(operation, response):
                    self._keep(operation, f"{operation.method} {target[:300]} {content[:400]!r}: {mismatch}")

    def _keep(self, operation: Operation, shown: str) -> None:
        # The shortest tells most, and one for each operation: one fault answers many requests.
        kept = self.failures.setdefault(operation.operation_id, shown)
        self.failures[operation.operation_id] = min(kept, shown, key=len)

    def raw(
        self, method: str, target: str, content: bytes = b"", token: str = "", media_type: str = "application/json"
    ) -> httpx.Response:
        """Send these bytes as they are, and count the answer. Raises NoAnswer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if content:
            headers["Content-Type"] = media_type
        url = httpx.URL(self.cast.stage.served.url).copy_with(raw_path=target.encode("ascii"))
        try:
            response = self.cast.stage.client.request(method, url, content=content, headers=headers)
        except httpx.TimeoutException as late:
            raise NoAnswer(f"{method} {target[:300]}: no answer in {REQUEST_SECONDS} s") from late
        self.statuses[response.status_code] += 1
        self.past_the_door += _is_past_the_door(response)
        return response

    def histogram(self) -> str:
        """Statuses with their counts, one line each."""
        total = self.statuses.total()
        lines = [
            f"{status}  {count:>7}  {'#' * (count * 60 // total)}" for status, count in sorted(self.statuses.items())
        ]
        share = self.past_the_door / total
        return "\n".join([*lines, f"{total} requests, {share:.0%} past authentication and routing"])

    def _token(self, request: Request) -> str:
        if request.operation_id in ENDING and request.token in {"alice", "bob"}:
            return self.cast.stage.signed_in(self._passing.localpart).token
        return {"alice": self.alice.token, "bob": self.cast.bob.token, "foreign": FOREIGN_TOKEN, "none": ""}[
            request.token
        ]

    def _path(self, operation: Operation, request: Request) -> str:
        path = operation.path
        for name, value in request.path.items():
            text = str(self.resolve(value))
            path = path.replace("{" + name + "}", quote(text, safe="", errors="surrogatepass"))
        return path

    def _query(self, operation: Operation, request: Request) -> str:
        query = {name: self.resolve(value) for name, value in request.query.items()}
        if operation.operation_id in WAITING:
            query["timeout"] = 0
        if not query:
            return ""
        return "?" + urlencode(query, doseq=True, errors="surrogatepass", encoding="utf-8")

    def _content(self, body: Any) -> tuple[bytes, str]:
        if body is None:
            return b"", ""
        if isinstance(body, bytes):
            return body, "application/octet-stream"
        return json.dumps(self.resolve(body)).encode(), "application/json"

    def resolve(self, value: Any) -> Any:
        """Put the live ids in, in values and in names."""
        if isinstance(value, Live):
            if value.kind == "txn":
                return f"fuzz-{next(self._txn)}"
            ids = self.ids[value.kind]
            return ids[value.index % len(ids)]
        if isinstance(value, dict):
            return {str(self.resolve(name)): self.resolve(inner) for name, inner in value.items()}
        return [self.resolve(inner) for inner in value] if isinstance(value, list) else value

    def _live_ids(self) -> dict[str, list[str]]:
        stage, alice, bob = self.cast.stage, self.alice, self.cast.bob
        if bob.user_id not in str(alice.good(f"{OWN}list_contacts", query={"limit": 500})):
            stage.befriend(alice, bob)  # the fuzzer ended that
        rooms = [stage.room(alice, bob), stage.room(alice, preset="public_chat")]
        aliases = [f"#{stage.name('fuzz')}:{stage.served.server_name}"]
        alice.good("setRoomAlias", roomAlias=aliases[0], body={"room_id": rooms[0]})
        content_uri = alice.good("uploadContent", content=b"tea", media_type="text/plain")["content_uri"]
        wanted = {"room": {"timeline": {"limit": 3}}}
        return {
            "room": rooms,
            # Of the first room only: an event is live together with its room, and hypothesis likes small indices.
            "event": [alice.say(rooms[0]), bob.say(rooms[0])],
            "me": [alice.user_id, alice.user_id, alice.user_id, bob.user_id],
            "user": [bob.user_id, alice.user_id, self.cast.carol.user_id, self.cast.mallory.user_id],
            "device": [alice.device_id, bob.device_id],
            "filter": [alice.good("defineFilter", userId=alice.user_id, body=wanted)["filter_id"]],
            "alias": aliases,
            "server": [stage.served.server_name],
            "mxc": [content_uri],
            "media": [content_uri.rpartition("/")[2]],
            "token": [_newest(alice)],
            "backup": [_backup(alice)],
            "rule": [".m.rule.master", ".m.rule.message", "tea"],
            **self._published,
        }


def _published(person: Person) -> dict[str, list[str]]:
    """A public account of the person's, with a post and a comment on it."""
    handle = person.stage.name("fuzz").replace("-", "")
    person.good(f"{OWN}open_account", body={"handle": handle, "kind": "company", "name": "Tea"})
    post = person.good(f"{OWN}publish_post", handle=handle, body={"content": {"text": "tea"}})
    number = str(post["number"])
    comment = person.good(f"{OWN}comment", handle=handle, number=number, body={"body": "more tea"})
    return {"account": [handle], "post": [number], "comment": [str(comment["comment_id"])]}


def _newest(person: Person) -> str:
    return str(person.good("sync", query={"timeout": 0, "filter": json.dumps({"room": {"rooms": []}})})["next_batch"])


def _backup(person: Person) -> str:
    auth_data = {"public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", "signatures": {}}
    body = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data}
    return str(person.good("postRoomKeysVersion", body=body)["version"])


def _is_past_the_door(response: httpx.Response) -> bool:
    if response.status_code in {401, 405}:
        return False
    return response.status_code != 404 or "M_UNRECOGNIZED" not in response.text
