"""Recorded traffic: one JSON line for each answer the server gave, whoever asked.

Promise: `Recording` appends each exchange whole, in a file of its own process, so several servers may record into
one folder; `exchanges` reads them all back. It refuses to keep request bodies, query values and tokens: of a request
only the names it carried are kept, and secrets in an answer are blanked.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from tests.contract.specification import CACHE

TRAFFIC_ENVIRONMENT = "CONTRACT_TRAFFIC"
TRAFFIC_DEFAULT = CACHE / "traffic"
# Of an answer: a sync of the largest test room is below this, and a run's files stay within a few hundred megabytes.
BODY_MAX_BYTES = 4 * 1024 * 1024
# Of a request, read for the names at its top: the largest body a client may send for an operation with twins.
REQUEST_MAX_BYTES = 64 * 1024
SECRET_NAMES = frozenset({"access_token", "refresh_token", "login_token", "password", "token", "shared_secret"})
BLANK = "blanked"


@dataclass(frozen=True)
class Exchange:
    """One answer. `path` is raw (percent-encoded, no query); `body` is the decoded JSON, None where there is none.

    `whole` is False where the answer was longer than BODY_MAX_BYTES or broke off: then `body` is None and proves
    nothing about its shape.
    """

    method: str
    path: str
    query_names: tuple[str, ...]
    body_names: tuple[str, ...]
    status: int
    media_type: str
    body: Any
    whole: bool = True


class Recording:
    """Appends exchanges to a file of this process in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, exchange: Exchange) -> None:
        line = json.dumps(asdict(exchange), separators=(",", ":"), ensure_ascii=True) + "\n"
        # One write for one line, unbuffered: tests kill servers, and a buffer would die with them.
        os.write(self._file, line.encode())

    def close(self) -> None:
        os.close(self._file)


def folder_of_this_run() -> Path:
    """Where this run records: CONTRACT_TRAFFIC, else .cache/contract/traffic."""
    return Path(os.environ.get(TRAFFIC_ENVIRONMENT) or TRAFFIC_DEFAULT)


def exchanges(folder: Path) -> Iterator[Exchange]:
    """Every exchange recorded in `folder`; a last line cut short by a killed server is passed over."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                fields = json.loads(line)
                fields["query_names"] = tuple(fields["query_names"])
                fields["body_names"] = tuple(fields["body_names"])
                yield Exchange(**fields)


def describe(
    method: str,
    target: bytes,
    request: bytes | None,
    status: int,
    media_type: str,
    answer: bytes | None,
) -> Exchange:
    """Make the exchange to keep from raw parts. `target` is path and query; `answer` None means it was not whole."""
    path, _, query = target.partition(b"?")
    names = {name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}
    body, whole = None, answer is not None
    if answer and media_type.partition(";")[0].strip() == "application/json":
        try:
            body = _blanked(json.loads(answer))
        except ValueError:
            # Kept as what it is, so that validation says it: a JSON answer that cannot be read.
            body = answer.decode("latin-1")
    return Exchange(
        method=method,
        path=path.decode("latin-1"),
        query_names=tuple(sorted(names)),
        body_names=_names(request),
        status=status,
        media_type=media_type,
        body=body,
        whole=whole,
    )


def record_client(recording: Recording) -> dict[str, list[Any]]:
    """Event hooks for a synchronous httpx client, for servers that cannot be started under a recorder."""

    def keep(response: httpx.Response) -> None:
        response.read()
        request = response.request
        sent = request.content[:REQUEST_MAX_BYTES] if hasattr(request, "_content") else b""
        answer = response.content if len(response.content) <= BODY_MAX_BYTES else None
        media_type = response.headers.get("content-type", "")
        recording.add(describe(request.method, request.url.raw_path, sent, response.status_code, media_type, answer))

    return {"response": [keep]}


def _names(request: bytes | None) -> tuple[str, ...]:
    try:
        body = json.loads(request or b"")
    except (ValueError, RecursionError):
        return ()
    return tuple(sorted(name for name in body if name.isascii())) if isinstance(body, dict) else ()


def _blanked(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            name: BLANK if name in SECRET_NAMES and isinstance(value, str) else _blanked(value)
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_blanked(item) for item in node]
    return node
