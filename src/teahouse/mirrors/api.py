"""`/_teahouse/v1/accounts/{handle}/mirror` and `/imports`: bringing along what an account published elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.mirrors.imports import ARCHIVE_MAX_BYTES, Imports
from teahouse.mirrors.service import Mirrors
from teahouse.mirrors.types import Import, Mirror
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.types import Account

MIRROR = f"{ACCOUNT}/mirror"
IMPORTS = f"{ACCOUNT}/imports"
IMPORT = f"{IMPORTS}/{{importId}}"


class MirrorBody(msgspec.Struct):
    """The address of the account's own RSS or Atom feed."""

    url: str


class MirrorReply(msgspec.Struct):
    """A mirrored feed. `state` is waiting (for its first poll), good, failing or stopped; times of 0 have not come.

    `failures` counts failed polls in a row; `failure` says what the last poll came to.
    """

    url: str
    state: str
    set_ts: int
    polled_ts: int
    good_ts: int
    next_ts: int
    failures: int
    failure: str


class ProblemReply(msgspec.Struct):
    """Why a line of the archive did not become a post."""

    line: int
    error: str


class ImportReply(msgspec.Struct):
    """What came of an archive so far. `state` is waiting, running, done or failed (`failure` says why); 0: not ended.

    `known` lines were imported before; of the `failed` ones the first are described when the import has ended.
    """

    import_id: str
    state: str
    sent_ts: int
    ended_ts: int
    lines: int
    added: int
    known: int
    failed: int
    problems: list[ProblemReply]
    failure: str


class ImportsReply(msgspec.Struct):
    """An account's newest imports, the newest first."""

    imports: list[ImportReply]


class MirrorsApi:
    """Mirrored feeds and imports over HTTP."""

    def __init__(self, mirrors: Mirrors, imports: Imports, accounts: Accounts) -> None:
        self._mirrors = mirrors
        self._imports = imports
        self._accounts = accounts

    def operations(self) -> Sequence[Operation]:
        """The endpoints with their descriptions."""
        refusals = (400, 401, 403, 404)
        bringing = Route(
            "POST", IMPORTS, self.import_archive, limit="create", body_max_bytes=ARCHIVE_MAX_BYTES, streamed=True
        )
        return [
            Operation(Route("PUT", MIRROR, self.set_mirror, limit="create"),
                      "Mirror the account's own feed; the same address again goes on after a stop (owners).",
                      MirrorReply, MirrorBody, refusals=refusals),
            Operation(Route("GET", MIRROR, self.get_mirror), "See how the mirrored feed fares (staff).", MirrorReply,
                      refusals=refusals),
            Operation(Route("DELETE", MIRROR, self.drop_mirror), "Mirror the feed no more; its posts stay (owners).",
                      Done, refusals=refusals),
            Operation(bringing, "Import an archive of older posts: JSON Lines, or a zip file with posts.jsonl and "
                      "media. It is read after the answer, which says where to ask. Importing it again adds nothing "
                      "(owners).", ImportReply, refusals=(*refusals, 409, 413, 503), status=202),
            Operation(Route("GET", IMPORTS, self.list_imports), "List the newest imports (staff).", ImportsReply,
                      refusals=refusals),
            Operation(Route("GET", IMPORT, self.get_import), "See what came of an import (staff).", ImportReply,
                      refusals=refusals),
        ]  # fmt: skip

    async def set_mirror(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        url = codec.body(request, MirrorBody).url
        return codec.reply(shown(await self._mirrors.set(account, request.requester.user_no, url)))

    async def get_mirror(self, request: Request) -> Response:
        return codec.reply(shown(await self._mirrors.find(await self._account(request, "analyst"))))

    async def drop_mirror(self, request: Request) -> Response:
        await self._mirrors.drop(await self._account(request, "owner"))
        return codec.reply(Done())

    async def import_archive(self, request: Request) -> Response:
        account = await self._account(request, "owner")
        job = await self._imports.take_in(account, request.requester, request.stream())
        response = codec.reply(told(job), 202)
        place = IMPORT.format(handle=account.handle, importId=job.import_no)
        response.headers.append((b"location", place.encode()))
        return response

    async def list_imports(self, request: Request) -> Response:
        jobs = await self._imports.newest(await self._account(request, "analyst"))
        return codec.reply(ImportsReply([told(job) for job in jobs]))

    async def get_import(self, request: Request) -> Response:
        account = await self._account(request, "analyst")
        return codec.reply(told(await self._imports.find(account, codec.path_id(request, "importId"))))

    async def _account(self, request: Request, role: str) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, role)
        return account


def told(job: Import) -> ImportReply:
    """An import as staff see it."""
    problems = [ProblemReply(each.line, each.text) for each in job.problems]
    return ImportReply(
        str(job.import_no), job.state, job.sent_ms, job.ended_ms, job.lines, job.added, job.known, job.failed, problems,
        job.failure,
    )  # fmt: skip


def shown(mirror: Mirror) -> MirrorReply:
    """A mirror as its owner sees it."""
    if not mirror.due_ms:
        state = "stopped"
    elif mirror.failures:
        state = "failing"
    else:
        state = "good" if mirror.good_ms else "waiting"
    return MirrorReply(
        mirror.url, state, mirror.set_ms, mirror.polled_ms, mirror.good_ms, mirror.due_ms, mirror.failures,
        mirror.failure,
    )  # fmt: skip
