"""The Client-Server API as the specification's OpenAPI documents describe it.

Promise: `load` gives every operation with its references resolved, so that a schema can be handed to a
JSON Schema validator as it is. Knows nothing of any server, and carries no list of operations of its own.
"""

import functools
import hashlib
import os
import pickle
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SPECIFICATION_ENVIRONMENT = "MATRIX_SPEC"
SPECIFICATION_DEFAULT = REPOSITORY.parent / "shared" / "matrix-spec"
CACHE = REPOSITORY / ".cache" / "contract"
CACHE_FORMAT = 1  # raised whenever the dataclasses below change shape, so that an old pickle is never read

OWN = "teahouse."
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
ERROR_SCHEMA = "api/client-server/definitions/errors/error.yaml"
INTERACTIVE_AUTH_SCHEMA = "api/client-server/definitions/auth_response.yaml"

Json = Any  # a decoded document: its shape is what this module finds out


class SpecificationAbsent(Exception):
    """The specification's documents are not where they were looked for."""


@dataclass(frozen=True)
class Parameter:
    """One path, query or header parameter, with its JSON schema."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Json]


@dataclass(frozen=True)
class Response:
    """One documented response. `schema` is None where the document describes no JSON body."""

    status: int
    schema: Mapping[str, Json] | None
    media_types: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One operation. `path` is the whole template, such as /_matrix/client/v3/rooms/{roomId}/leave."""

    operation_id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Json] | None
    body_example: Json
    body_media_types: tuple[str, ...]
    authenticated: bool
    deprecated: bool
    responses: Mapping[int, Response]

    @property
    def takes_input(self) -> bool:
        """Whether anything in a request can be wrong besides its method and its token."""
        return bool(self.parameters) or self.body is not None

    @property
    def body_required(self) -> frozenset[str]:
        """The names the JSON body must have at its top."""
        return frozenset((self.body or {}).get("required", ()))

    @property
    def query_required(self) -> frozenset[str]:
        return frozenset(p.name for p in self.parameters if p.place == "query" and p.required)


@dataclass(frozen=True)
class Specification:
    """Every Client-Server operation by its id, and the two bodies a refusal may have."""

    operations: Mapping[str, Operation]
    error: Mapping[str, Json]
    interactive_auth: Mapping[str, Json]

    @functools.cached_property
    def _templates(self) -> list[tuple[str, re.Pattern[str], Operation]]:
        templates = [(o.method, _pattern(o.path), o) for o in self.operations.values()]
        # The most literal template decides, as in a router: /report/{eventId} must not take what /report answers.
        return sorted(templates, key=lambda entry: entry[2].path.count("{"))

    def find(self, method: str, raw_path: str, query: frozenset[str], body: frozenset[str]) -> Operation | None:
        """The operation a request is for, or None. `query` and `body` are the names the request carries.

        Two operations may share method and path (invite by user id and by third-party id): of these the one
        that requires most names, all of them present, is meant; failing that, the one that requires least.
        """
        candidates = [o for m, pattern, o in self._templates if m == method and pattern.fullmatch(raw_path)]
        if not candidates:
            return None
        same = [o for o in candidates if o.path == candidates[0].path]
        demands = [(len(o.query_required) + len(o.body_required), o) for o in same]
        met = [(n, o) for n, o in demands if o.query_required <= query and o.body_required <= body]
        if met:
            return max(met, key=lambda entry: entry[0])[1]
        return min(demands, key=lambda entry: entry[0])[1]

    def is_variant(self, operation: Operation) -> bool:
        """Whether another operation with the same method and path asks for less, and so owns that door."""
        weight = len(operation.query_required) + len(operation.body_required)
        return any(
            (o.method, o.path) == (operation.method, operation.path)
            and len(o.query_required) + len(o.body_required) < weight
            for o in self.operations.values()
        )

    def knows_path(self, raw_path: str) -> list[Operation]:
        """Every operation, of whatever method, whose path this is."""
        return [o for _, pattern, o in self._templates if pattern.fullmatch(raw_path)]


def own_operations(document: Mapping[str, Json]) -> dict[str, Operation]:
    """The operations of the document that Teahouse serves of its own API; their ids begin with OWN."""
    operations = {}
    for template, methods in document["paths"].items():
        for method, description in methods.items():
            described = _resolved(document, description)
            described["responses"] = {status: r for status, r in described["responses"].items() if status.isdecimal()}
            operation = _operation(method.upper(), template, described)
            operations[OWN + operation.operation_id] = replace(operation, operation_id=OWN + operation.operation_id)
    return operations


def _resolved(document: Mapping[str, Json], node: Json, above: tuple[str, ...] = ()) -> Json:
    """A part of Teahouse's document with what it refers to put in; inside itself, a schema is any value."""
    if isinstance(node, list):
        return [_resolved(document, each, above) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {name: _resolved(document, value, above) for name, value in node.items()}
    name = node["$ref"].rpartition("/")[2]
    return {} if name in above else _resolved(document, document["components"]["schemas"][name], (*above, name))


def location() -> Path:
    """Where the documents lie. Raises SpecificationAbsent."""
    root = Path(os.environ.get(SPECIFICATION_ENVIRONMENT) or SPECIFICATION_DEFAULT)
    if not (root / "api" / "client-server").is_dir():
        raise SpecificationAbsent(
            f"no Matrix specification at {root}: set {SPECIFICATION_ENVIRONMENT} to a folder with api/client-server"
        )
    return root


def load() -> Specification:
    """Read the specification, from the cache if no document has changed. Raises SpecificationAbsent."""
    root = location()
    documents = {path: path.read_bytes() for part in ("api", "event-schemas") for path in _documents(root / part)}
    digest = hashlib.blake2b(str(CACHE_FORMAT).encode(), digest_size=16)
    for path, content in sorted(documents.items()):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + content + b"\0")
    cached = CACHE / f"specification-{digest.hexdigest()}.pickle"
    if cached.is_file():
        loaded = pickle.loads(cached.read_bytes())
        assert isinstance(loaded, Specification)
        return loaded
    specification = _Resolver(root, documents).specification()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
        file.write(pickle.dumps(specification))
    # Renamed into place: test processes start together, and none may read half a pickle.
    os.replace(file.name, cached)
    return specification


def _documents(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.suffix in {".yaml", ".json"})


def _pattern(template: str) -> re.Pattern[str]:
    """Match raw (still percent-encoded) paths. An empty last parameter is allowed, and its slash with it:
    the specification lets `state/{eventType}/{stateKey}` and `pushrules/` be asked for without it."""
    parts = []
    pieces = template.rstrip("/").split("/")[1:]
    for position, piece in enumerate(pieces):
        is_state_key = piece == "{stateKey}" and position == len(pieces) - 1
        if is_state_key:
            parts.append("(?:/[^/]*)?")
        elif piece.startswith("{"):
            parts.append("/[^/]+")
        else:
            parts.append("/" + re.escape(piece))
    return re.compile("".join(parts) + "/?")


@dataclass
class _Resolver:
    root: Path
    documents: Mapping[Path, bytes]
    parsed: dict[Path, Json] = field(default_factory=dict)
    resolved: dict[tuple[Path, str], Json] = field(default_factory=dict)

    def specification(self) -> Specification:
        operations: dict[str, Operation] = {}
        for path in sorted((self.root / "api" / "client-server").glob("*.yaml")):
            for operation in self._operations(path):
                assert operation.operation_id not in operations, f"{operation.operation_id} is described twice"
                operations[operation.operation_id] = operation
        return Specification(
            operations,
            error=self._reference(self.root / ERROR_SCHEMA, "", ()),
            interactive_auth=self._reference(self.root / INTERACTIVE_AUTH_SCHEMA, "", ()),
        )

    def _operations(self, path: Path) -> Iterator[Operation]:
        document = self._parse(path)
        base = document["servers"][0]["variables"]["basePath"]["default"].rstrip("/")
        for template, methods in document.get("paths", {}).items():
            for method, description in methods.items():
                if method in METHODS:
                    described = self._resolve(description, path, ())
                    yield _operation(method.upper(), base + template.strip(), described)

    def _parse(self, path: Path) -> Json:
        if path not in self.parsed:
            # The C loader reads the 400 documents in a tenth of the time; PyYAML's wheels all carry it.
            self.parsed[path] = yaml.load(self.documents[path], yaml.CSafeLoader)
        return self.parsed[path]

    def _resolve(self, node: Json, path: Path, above: tuple[tuple[Path, str], ...]) -> Json:
        if isinstance(node, list):
            return [self._resolve(item, path, above) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {key: self._resolve(value, path, above) for key, value in node.items()}
        file, _, pointer = reference.strip().partition("#")
        target = Path(os.path.normpath(path.parent / file)) if file else path
        beside = {key: self._resolve(value, path, above) for key, value in node.items() if key != "$ref"}
        found = self._reference(target, pointer, above)
        return {**found, **beside} if beside else found

    def _reference(self, path: Path, pointer: str, above: tuple[tuple[Path, str], ...]) -> Json:
        place = (path, pointer)
        assert place not in above, f"{path}#{pointer} refers to itself"
        if place not in self.resolved:
            node = self._parse(path)
            for piece in filter(None, pointer.split("/")):
                node = node[piece.replace("~1", "/").replace("~0", "~")]
            self.resolved[place] = self._resolve(node, path, (*above, place))
        return self.resolved[place]


def _operation(method: str, path: str, described: Mapping[str, Json]) -> Operation:
    body = described.get("requestBody", {}).get("content", {})
    json_body = body.get("application/json", {})
    return Operation(
        operation_id=described["operationId"],
        method=method,
        path=path,
        parameters=tuple(
            Parameter(p["name"], p["in"], bool(p.get("required")), p.get("schema", {}))
            for p in described.get("parameters", ())
        ),
        body=json_body.get("schema"),
        body_example=_example(json_body),
        body_media_types=tuple(body),
        # An empty alternative means that the token may be left out.
        authenticated=bool(described.get("security")) and {} not in described["security"],
        deprecated=bool(described.get("deprecated")),
        responses={int(status): _response(int(status), r) for status, r in described["responses"].items()},
    )


def _response(status: int, described: Mapping[str, Json]) -> Response:
    content = described.get("content", {})
    return Response(status, content.get("application/json", {}).get("schema"), tuple(content))


def _example(json_body: Mapping[str, Json]) -> Json:
    for example in json_body.get("examples", {}).values():
        return example.get("value")
    return json_body.get("example", json_body.get("schema", {}).get("example"))
