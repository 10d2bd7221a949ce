"""Teahouse's own API held to the document that it serves: every answer that a test gets from it is checked here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from teahouse.http.openapi import PATH, Operation, document

PREFIX = "/_teahouse/v1/"
Json = Mapping[str, Any]


class Described:
    """What a document says, made ready once: thousands of answers are held to it."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._patterns = [
            (template.count("{"), re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))), methods)
            for template, methods in document["paths"].items()
        ]
        # A schema refers to others, and may refer to itself: they stand below it where it looks for them.
        self._components = {"schemas": {name: strict(each) for name, each in document["components"]["schemas"].items()}}
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Any:
        """The document's entry of a request, the one with the fewest parameters when several fit; None for none."""
        fitting = [
            (parameters, methods[method.lower()])
            for parameters, pattern, methods in self._patterns
            if method.lower() in methods and pattern.fullmatch(path)
        ]
        return min(fitting, key=lambda each: each[0])[1] if fitting else None

    def faults(self, method: str, path: str, query: Collection[str], status: int, body: Any) -> list[str]:
        """What of an answer is not as described. `path` may have its parameters filled in or not."""
        operation = self.operation(method, path)
        if path == PATH:
            return []
        if operation is None:
            unknown = isinstance(body, dict) and body.get("errcode") == "M_UNRECOGNIZED"
            return [] if unknown else [f"{method} {path} is not in the document"]
        if status < 400 and str(status) not in operation["responses"]:
            return [f"{method} {path} is not said to answer {status}"]
        found = [f"{method} {path} {status} {error.json_path}: {error.message}"
                 for error in self._validator(operation, status).iter_errors(body)]  # fmt: skip
        known = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        if status < 300:
            found += [f"{method} {path} took the undocumented parameter {name}" for name in query if name not in known]
        return found

    def _validator(self, operation: Any, status: int) -> Draft202012Validator:
        code = str(status) if str(status) in operation["responses"] else "default"
        key = operation["operationId"], code
        if key not in self._validators:
            schema = strict(next(iter(operation["responses"][code]["content"].values()))["schema"])
            self._validators[key] = Draft202012Validator({**schema, "components": self._components})
        return self._validators[key]


_described: dict[Any, Described] = {}


def described(operations: Sequence[Operation]) -> Described:
    """What the document of some operations says. Every server of a test run declares the same ones."""
    key = tuple(
        (each.route.method, each.route.template, each.reply, each.body, tuple(each.query), tuple(each.refusals))
        for each in operations
    )
    if key not in _described:
        _described[key] = Described(document(operations))
    return _described[key]


def strict(schema: Any) -> Any:
    """The same schema for answers: an object has the properties that are described and no others."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(value) for name, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made
