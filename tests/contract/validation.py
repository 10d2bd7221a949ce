"""Whether one recorded answer is what the specification promises for its operation and status.

`Verdicts.judge` returns every mismatch with operation, status, JSON path and message. Errors known to be the
specification's own are in KNOWN_ERRORS, each with its reason; nothing else is forgiven.
"""

import base64
import binascii
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from tests.contract.recording import Exchange
from tests.contract.specification import Operation, Response, Specification

ERRCODE = re.compile(r"M_[A-Z0-9_]+|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+")  # the specification's own, or namespaced
SIGNED_OUT = frozenset({"M_MISSING_TOKEN", "M_UNKNOWN_TOKEN"})


@dataclass(frozen=True)
class KnownError:
    """An error of the specification's schema: mismatches of this operation at `path` (a pattern) with this keyword."""

    operation_id: str
    path: str
    keyword: str
    reason: str

    def covers(self, operation: Operation, error: ValidationError) -> bool:
        named = self.operation_id in {"*", operation.operation_id}
        return named and error.validator == self.keyword and bool(re.fullmatch(self.path, error.json_path))


KNOWN_ERRORS = (
    KnownError(
        "getRoomStateWithKey",
        r"\$",
        "oneOf",
        "the bare content is described as any object, which the whole event of format=event is as well: both fit",
    ),
)


@dataclass(frozen=True)
class Mismatch:
    """One thing that is not as the specification says. `path` is a JSON path such as $.rooms.join."""

    operation_id: str
    status: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.operation_id} {self.status} {self.path}: {self.message}"


class Verdicts:
    """Judges exchanges against one specification; validators are compiled once and kept."""

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self._validators: dict[tuple[str, int], Draft202012Validator] = {}
        self._error = _validator(specification.error)
        self._interactive_auth = _validator(specification.interactive_auth)

    def operation(self, exchange: Exchange) -> Operation | None:
        """The operation this exchange belongs to, or None if it is none of the specification's."""
        return self.specification.find(
            exchange.method, exchange.path, frozenset(exchange.query_names), frozenset(exchange.body_names)
        )

    def judge(self, operation: Operation, exchange: Exchange) -> list[Mismatch]:
        """Every mismatch of this answer; empty if it keeps the contract."""
        status = exchange.status
        response = operation.responses.get(status)
        if not exchange.whole:
            return []
        if status < 400 and response is None:
            return [Mismatch(operation.operation_id, status, "$", "the specification knows no such status here")]
        if status >= 400:
            return self._judge_refusal(operation, exchange, response)
        assert response is not None
        if response.schema is None:
            return self._judge_media_type(operation, exchange, response)
        return self._judge_json(operation, exchange, self._validator_of(operation, response))

    def _judge_refusal(self, operation: Operation, exchange: Exchange, response: Response | None) -> list[Mismatch]:
        body = exchange.body
        if exchange.status == 401 and isinstance(body, Mapping) and "flows" in body:
            # User-interactive authentication; many operations that ask for it do not list its 401.
            return self._judge_json(operation, exchange, self._interactive_auth)
        mismatches = self._judge_json(operation, exchange, self._error)
        if isinstance(body, Mapping) and not mismatches:
            mismatches = [
                Mismatch(operation.operation_id, exchange.status, path, message)
                for path, message in _faults_of_refusal(body)
            ]
        if response is not None and response.schema is not None and not mismatches:
            # A 401 without flows is a lost or missing token, whatever the operation documents its 401 to be.
            if exchange.status == 401 and body["errcode"] in SIGNED_OUT:
                return []
            return self._judge_json(operation, exchange, self._validator_of(operation, response))
        return mismatches

    def _judge_media_type(self, operation: Operation, exchange: Exchange, response: Response) -> list[Mismatch]:
        if exchange.status >= 300 or not exchange.media_type or response.media_types == ("application/octet-stream",):
            return []
        if exchange.media_type.partition(";")[0].strip() in response.media_types:
            return []
        message = f"{exchange.media_type} is none of {', '.join(response.media_types)}"
        return [Mismatch(operation.operation_id, exchange.status, "$", message)]

    def _judge_json(self, operation: Operation, exchange: Exchange, validator: Draft202012Validator) -> list[Mismatch]:
        if exchange.media_type.partition(";")[0].strip() != "application/json":
            message = f"JSON is promised, {exchange.media_type or 'nothing'} was sent"
            return [Mismatch(operation.operation_id, exchange.status, "$", message)]
        errors = (leaf for error in validator.iter_errors(exchange.body) for leaf in _leaves(error))
        return [
            Mismatch(operation.operation_id, exchange.status, error.json_path, error.message[:300])
            for error in errors
            if not any(known.covers(operation, error) for known in KNOWN_ERRORS)
        ]

    def _validator_of(self, operation: Operation, response: Response) -> Draft202012Validator:
        key = (operation.operation_id, response.status)
        if key not in self._validators:
            assert response.schema is not None
            self._validators[key] = _validator(response.schema)
        return self._validators[key]


def _faults_of_refusal(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a refusal beyond the schema: the specification's text asks for both, and for the form."""
    faults = []
    if not ERRCODE.fullmatch(str(body.get("errcode"))):
        faults.append(("$.errcode", f"{body.get('errcode')!r} is not in the form of an error code"))
    if not isinstance(body.get("error"), str) or not body["error"]:
        faults.append(("$.error", "a text for people is missing"))
    return faults


def _leaves(error: ValidationError) -> list[ValidationError]:
    """The innermost errors: "not valid under any of the given schemas" says nothing to the reader."""
    if error.validator == "allOf" and error.context:
        return [leaf for inner in error.context for leaf in _leaves(inner)]
    return [error]


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=_formats())


@functools.cache
def _formats() -> FormatChecker:
    """The formats of string-formats.yaml, by the grammar the specification's appendices give."""
    checker = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name)(check)
    return checker


def _matches(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda value: not isinstance(value, str) or bool(compiled.fullmatch(value))


def _is_base64(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False
    return not value.endswith("=")


def _fits_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


SERVER_NAME = r"[A-Za-z0-9.\-\[\]:]{1,230}"
FORMATS: Mapping[str, Callable[[object], bool]] = {
    "mx-user-id": _matches(rf"@[^:\0]*:{SERVER_NAME}"),
    # Room version 4 and later: no server part. Room version 12: room ids have none either.
    "mx-event-id": _matches(rf"\$[^:\0]+(:{SERVER_NAME})?"),
    "mx-room-id": _matches(rf"![^:\0]+(:{SERVER_NAME})?"),
    "mx-room-alias": _matches(rf"#[^:\0]*:{SERVER_NAME}"),
    "mx-server-name": _matches(SERVER_NAME),
    # An empty one clears an avatar, and profiles keep what clients wrote there.
    "mx-mxc-uri": _matches(rf"(mxc://{SERVER_NAME}/[A-Za-z0-9_\-]+)?"),
    "mx-unpadded-base64": _is_base64,
    "int64": _fits_int64,
}
