"""Teahouse's own API held to the document that it serves: every answer that a test gets from it is checked here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from teahouse.http.openapi import PATH

PREFIX = "/_teahouse/v1/"
Json = Mapping[str, Any]


def faults(document: Json, method: str, path: str, query: Collection[str], status: int, body: Any) -> list[str]:
    """What of an answer is not as the document describes it. `path` may have its parameters filled in or not."""
    operation = described(document, method, path)
    if path == PATH:
        return []
    if operation is None:
        unknown = isinstance(body, dict) and body.get("errcode") == "M_UNRECOGNIZED"
        return [] if unknown else [f"{method} {path} is not in the document"]
    response = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if status < 400 and str(status) not in operation["responses"]:
        return [f"{method} {path} is not said to answer {status}"]
    # A schema refers to others, and may refer to itself: they stand below it where it looks for them.
    schema = {
        **strict(next(iter(response["content"].values()))["schema"]),
        "components": {"schemas": {name: strict(each) for name, each in document["components"]["schemas"].items()}},
    }
    found = [f"{method} {path} {status} {error.json_path}: {error.message}"
             for error in Draft202012Validator(schema).iter_errors(body)]  # fmt: skip
    known = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    if status == 200:
        found += [f"{method} {path} took the undocumented parameter {name}" for name in query if name not in known]
    return found


def described(document: Json, method: str, path: str) -> Any:
    """The document's entry of a request, the one with the fewest parameters when several fit; None for none."""
    fitting = [
        (template.count("{"), methods[method.lower()])
        for template, methods in document["paths"].items()
        if method.lower() in methods and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    return min(fitting, key=lambda each: each[0])[1] if fitting else None


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
