"""`/_teahouse/v1/accounts/{handle}/mirror` and `/import`: bringing along what an account published elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.http.openapi import Operation
from teahouse.mirrors.imports import ARCHIVE_MAX_BYTES, Imports
from teahouse.mirrors.service import Mirrors
from teahouse.mirrors.types import Mirror
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.api import ACCOUNT, Done
from teahouse.public_accounts.types import Account

MIRROR = f"{ACCOUNT}/mirror"
IMPORT = f"{ACCOUNT}/import"


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
    """What came of an archive: `known` lines were imported before; of the `failed` ones the first are described."""

    lines: int
    added: int
    known: int
    failed: int
    problems: list[ProblemReply]


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
            "POST", IMPORT, self.import_archive, limit="create", body_max_bytes=ARCHIVE_MAX_BYTES, streamed=True
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
                      "media. Importing it again adds nothing (owners).", ImportReply,
                      refusals=(*refusals, 409, 413, 503)),
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
        report = await self._imports.bring(account, request.requester, request.stream())
        problems = [ProblemReply(each.line, each.text) for each in report.problems]
        return codec.reply(ImportReply(report.lines, report.added, report.known, report.failed, problems))

    async def _account(self, request: Request, role: str) -> Account:
        account = await self._accounts.require(request.path["handle"])
        await self._accounts.require_role(request.requester.user_no, account, role)
        return account


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
