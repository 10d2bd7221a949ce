"""The document of Teahouse's own API: whole, true, and served to everybody."""

import pytest
from jsonschema import Draft202012Validator

from teahouse.http import openapi
from tests.own_api import PREFIX, Described
from tests.world import World


async def test_the_document_is_served_to_strangers_and_has_every_endpoint(tea: World) -> None:
    served = await tea.ask(None, "GET", openapi.PATH)
    assert served.json == tea.described.document
    seen = Described(served.json)
    routes = [route for route in tea.app.http.router.routes if route.template.startswith(PREFIX)]
    assert len(routes) > 1
    for route in routes:
        if route.template != openapi.PATH:
            assert seen.operation(route.method, route.template), f"{route.method} {route.template}"


async def test_every_operation_of_the_document_is_routed_named_once_and_well_formed(tea: World) -> None:
    names = []
    for path, methods in tea.described.document["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            filled = path.replace("{", "").replace("}", "")
            answer = await tea.ask(None, method.upper(), filled)
            assert answer.errcode != "M_UNRECOGNIZED", f"{method} {path}"
            assert operation["summary"].endswith(".")
            for response in operation["responses"].values():
                for content in response["content"].values():
                    Draft202012Validator.check_schema(content["schema"])
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("path", "query", "status", "body"),
    [
        ("/_teahouse/v1/contacts", [], 200, {"contacts": [{"user_id": 7, "since_ts": 1, "remark": ""}]}),
        ("/_teahouse/v1/contacts", [], 200, {"contacts": [{"user_id": "@a:b", "since_ts": 1}]}),
        ("/_teahouse/v1/contacts", [], 200, {"contacts": [], "more": True}),
        ("/_teahouse/v1/contacts", ["sort"], 200, {"contacts": []}),
        ("/_teahouse/v1/contacts", [], 201, {"contacts": []}),
        ("/_teahouse/v1/contacts", [], 403, {"error": "No."}),
        ("/_teahouse/v1/no/such/thing", [], 200, {}),
    ],
)
async def test_an_answer_that_the_document_does_not_describe_is_noticed(
    tea: World, path: str, query: list[str], status: int, body: object
) -> None:
    assert tea.described.faults("GET", path, query, status, body) != []


async def test_an_answer_as_described_is_let_pass(tea: World) -> None:
    contact = {"user_id": "@a:b", "since_ts": 1, "remark": "tea"}
    path = "/_teahouse/v1/contacts"
    assert tea.described.faults("GET", path, ["limit"], 200, {"contacts": [contact], "next_batch": "1"}) == []
    assert tea.described.faults("GET", path, [], 429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Later."}) == []
