"""Teahouse's own API describes itself: an OpenAPI document made from the same declarations that route it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from teahouse import __version__
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route

PATH = "/_teahouse/v1/openapi.json"
_PARAMETER = re.compile(r"\{(\w+)\*?\}")
JSON, CSV = "application/json", "text/csv"
DONE = {200: "Done.", 202: "Taken in; the answer says where to ask what became of it."}
_REF = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter: its name and what it is for."""

    name: str
    description: str
    type: str = "string"


class ErrorReply(msgspec.Struct):
    """What every refusal answers; one of too much (429) says besides when to come back."""

    errcode: str
    error: str
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint of `/_teahouse/v1`: its route, one sentence, and the shapes of its body and its answer."""

    route: Route
    summary: str
    reply: type
    body: type | None = None
    query: Sequence[Query] = field(default_factory=tuple)
    refusals: Sequence[int] = (400, 401, 404)
    produces: str = JSON
    status: int = 200


def route(operations: Sequence[Operation]) -> Route:
    """Where the document of some operations is served."""

    @cache
    def written() -> Response:
        return codec.reply(document(operations))  # when first asked for: a start need not wait for it

    async def get_document(request: Request) -> Response:
        return written()

    return Route("GET", PATH, get_document, Auth.NONE)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some operations."""
    kinds = [ErrorReply, *(kind for each in operations for kind in (each.reply, each.body) if kind is not None)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        path = _PARAMETER.sub(r"{\1}", each.route.template)
        paths.setdefault(path, {})[each.route.method.lower()] = described(each, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Teahouse API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer"}},
        },
    }


def described(operation: Operation, schemas: dict[type, Any]) -> dict[str, Any]:
    """One operation as OpenAPI has it."""
    route = operation.route
    done = answer(DONE[operation.status], schemas[operation.reply], operation.produces)
    shape: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(route.template)
        ]
        + [
            {"name": each.name, "in": "query", "description": each.description, "schema": {"type": each.type}}
            for each in operation.query
        ],
        "responses": {str(operation.status): done}
        | {str(status): answer(HTTPStatus(status).phrase, schemas[ErrorReply]) for status in operation.refusals}
        | {"default": answer("Any other refusal, such as too many requests.", schemas[ErrorReply])},
    }
    if route.scope:
        shape["description"] = f"A posting token of the account with the scope `{route.scope}` opens it too."
    if operation.body is not None:
        shape["requestBody"] = {"content": {"application/json": {"schema": schemas[operation.body]}}}
    if route.auth is not Auth.NONE:
        shape["security"] = [{"accessToken": []}]
    return shape


def answer(description: str, schema: Any, produces: str = JSON) -> dict[str, Any]:
    """One response."""
    return {"description": description, "content": {produces: {"schema": schema}}}
