"""Bodies and query parameters: decoded once, strictly, at the edge."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from teahouse.errors import BadJson, InvalidParam, MissingParam, NotJson
from teahouse.http.messages import Request, Response
from teahouse.matrix.canonical_json import check_json

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()
_typed: dict[Any, msgspec.json.Decoder[Any]] = {}


def body(request: Request, kind: type[T]) -> T:
    """The body as a msgspec Struct (or other type). An empty body counts as `{}`.

    Raises NotJson for what does not parse, BadJson for the wrong shape.
    """
    decoder = _typed.get(kind)
    if decoder is None:
        decoder = _typed[kind] = msgspec.json.Decoder(kind)
    try:
        decoded: T = decoder.decode(request.body or b"{}")
        if not request.body.isascii():
            request.body.decode()  # what no field takes is skipped by the decoder unread
    except msgspec.ValidationError as error:
        raise BadJson(f"The body has the wrong shape: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotJson("The body is not valid JSON.") from None
    return decoded


def json_object(request: Request) -> dict[str, Any]:
    """The body as an object of free content, checked to be canonical JSON of bounded depth."""
    value = unchecked_object(request)
    check_json(value)
    return value


def content(request: Request) -> dict[str, Any]:
    """The same for the content of an event, which must be there."""
    require_body(request)
    return json_object(request)


def require_body(request: Request) -> None:
    """Raises NotJson for an empty body, where it does not stand for `{}`."""
    if not request.body:
        raise NotJson("The body is not valid JSON.")


def data_object(request: Request) -> dict[str, Any]:
    """The body as a checked object for what is kept for a client and no event, where numbers may have fractions."""
    value = unchecked_object(request)
    check_json(value, fractions=True)
    return value


def tag_object(request: Request) -> dict[str, Any]:
    """The body of a tag: an object whose `order` is a number from 0 to 1, with a fraction or not."""
    value = unchecked_object(request)
    order = value.get("order", 0)
    if isinstance(order, bool) or not isinstance(order, int | float) or not 0 <= order <= 1:
        raise BadJson("'order' must be a number from 0 to 1.")
    check_json({key: item for key, item in value.items() if key != "order"})
    return value


def unchecked_object(request: Request) -> dict[str, Any]:
    """The body as an object of whatever JSON has, such as fractions."""
    try:
        value = _decoder.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotJson("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise BadJson("The body must be a JSON object.")
    return value


def encode(value: Any) -> bytes:
    """JSON bytes of a value (msgspec types included)."""
    return _encoder.encode(value)


def reply(value: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(status, _encoder.encode(value))


def parameter(request: Request, name: str, default: str | None = None) -> str | None:
    """A query parameter's first value."""
    values = request.query.get(name)
    return values[0] if values else default


def required(request: Request, name: str) -> str:
    """A query parameter that must be there; raises MissingParam."""
    value = parameter(request, name)
    if value is None:
        raise MissingParam(f"The query parameter '{name}' is required.")
    return value


def integer(request: Request, name: str, default: int, *, low: int = 0, high: int) -> int:
    """A whole number from the query, held to at most `high`; raises InvalidParam below `low` or when not a number."""
    value = parameter(request, name)
    if value is None:
        return default
    if not (value.isascii() and value.lstrip("-").isdigit() and len(value) < 20) or int(value) < low:
        raise InvalidParam(f"The query parameter '{name}' must be a whole number of at least {low}.")
    return min(int(value), high)


def whole(text: str, what: str, *, low: int = 0) -> int:
    """A whole number in a path, body or token; raises InvalidParam, which calls it `what`, also below `low`."""
    if not is_whole(text) or int(text) < low:
        raise InvalidParam(f"{what} is a whole number{f' of at least {low}' if low else ''}.")
    return int(text)


def path_id(request: Request, name: str) -> int:
    """A number that stands for something, in the path; raises InvalidParam."""
    return whole(request.path[name], f"'{name}'", low=1)


def pair(token: str | None, first: tuple[int, int]) -> tuple[int, int]:
    """The two numbers in the token of a page; `first` for none, and for one that is no such token."""
    one, _, other = (token or "").partition("_")
    return (int(one), int(other)) if is_whole(one) and is_whole(other) else first


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that a database holds."""
    return text.isascii() and text.isdigit() and len(text) < 19


def boolean(request: Request, name: str, default: bool = False) -> bool:
    """`true` or `false` from the query; raises InvalidParam for anything else."""
    value = parameter(request, name)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise InvalidParam(f"The query parameter '{name}' must be true or false.")
    return value == "true"
