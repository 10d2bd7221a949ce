"""From method and raw path to a route: a prefix tree over segments.

It works on the raw path, because identifiers carry `%2F`: segments are split first and decoded after. A parameter takes
a segment whole, or what follows a prefix in it, as in `/@{handle}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote_to_bytes

from teahouse.errors import InvalidParam, MethodNotAllowed, Unrecognized
from teahouse.http.messages import Route

# What the endpoints were called before v1.1 of the specification; their shapes are the same, and bots still ask there.
OLDER_PREFIXES = (
    (b"/_matrix/client/r0/", b"/_matrix/client/v3/"),
    (b"/_matrix/media/r0/", b"/_matrix/media/v3/"),
)
OLDER = tuple(older for older, _ in OLDER_PREFIXES)
PATH_SIZE_MAX_BYTES = 8_192  # of a raw path: the longest has two ids of 255 bytes, percent-encoded


class Node:
    """One segment of the tree."""

    __slots__ = ("fixed", "parameter", "prefixed", "rest", "routes")

    def __init__(self) -> None:
        self.fixed: dict[bytes, Node] = {}
        self.prefixed: dict[bytes, Node] = {}  # by the prefix, and by its percent-encoding
        self.parameter: Node | None = None
        self.rest: Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class Router:
    """Every endpoint of the server."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = list(routes)
        self._root = Node()
        for route in self.routes:
            self._add(route)

    def find(self, method: str, raw_path: bytes) -> tuple[Route, Mapping[str, str]]:
        """The route of a request and its path parameters.

        Raises Unrecognized when no endpoint has the path, MethodNotAllowed when none there takes the method.
        """
        if len(raw_path) > PATH_SIZE_MAX_BYTES:
            raise InvalidParam(f"A path has at most {PATH_SIZE_MAX_BYTES} bytes.")
        if raw_path.startswith(OLDER):
            for older, current in OLDER_PREFIXES:
                raw_path = raw_path.replace(older, current, 1) if raw_path.startswith(older) else raw_path
        values: list[bytes] = []
        segments = raw_path.split(b"/")
        node = self._straight(segments, values) or self._walk(self._root, segments, 1, values)
        if node is None:
            raise Unrecognized("There is no such endpoint.")
        found = node.routes.get("GET" if method == "HEAD" else method)
        if found is None:
            raise MethodNotAllowed(f"This endpoint does not take {method}.")
        route, names = found
        return route, {name: decoded(value) for name, value in zip(names, values, strict=True)}

    def _straight(self, segments: list[bytes], values: list[bytes]) -> Node | None:
        """What `_walk` finds first, for the paths in which it never has to turn back: nearly all that are asked for."""
        node: Node = self._root
        for segment in segments[1:]:
            following = node.fixed.get(segment)
            if following is None:
                if node.prefixed or node.parameter is None:
                    values.clear()
                    return None
                values.append(segment)
                following = node.parameter
            node = following
        if not node.routes:
            values.clear()
            return None
        return node

    def _walk(self, node: Node, segments: list[bytes], index: int, values: list[bytes]) -> Node | None:
        """The node a path ends in: a fixed segment goes before a prefix, a parameter and a rest, in this order."""
        if index == len(segments):
            return node if node.routes else None
        segment = segments[index]
        following = node.fixed.get(segment)
        if following is not None:
            found = self._walk(following, segments, index + 1, values)
            if found is not None:
                return found
        for prefix, prefixed in node.prefixed.items():
            if segment.startswith(prefix) and len(segment) > len(prefix):
                values.append(segment[len(prefix) :])
                found = self._walk(prefixed, segments, index + 1, values)
                if found is not None:
                    return found
                values.pop()
        if node.parameter is not None:
            values.append(segment)
            found = self._walk(node.parameter, segments, index + 1, values)
            if found is not None:
                return found
            values.pop()
        if node.rest is not None:
            values.append(b"/".join(segments[index:]))
            return node.rest
        return None

    def _add(self, route: Route) -> None:
        node = self._root
        names: list[str] = []
        for segment in route.template.split("/")[1:]:
            if segment.endswith("*}"):
                names.append(segment[1:-2])
                node.rest = node.rest or Node()
                node = node.rest
            elif segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or Node()
                node = node.parameter
            elif segment.endswith("}"):
                prefix, _, name = segment.partition("{")
                names.append(name[:-1])
                following = node.prefixed.get(prefix.encode()) or Node()
                for spelt in (prefix, quote(prefix, safe="")):
                    node.prefixed[spelt.encode()] = following
                node = following
            else:
                node = node.fixed.setdefault(segment.encode(), Node())
        assert route.method not in node.routes, f"two routes for {route.method} {route.template}"
        node.routes[route.method] = (route, tuple(names))


def decoded(segment: bytes) -> str:
    """A segment without its percent-encoding; raises InvalidParam when it is no text that a database can hold."""
    try:
        text = (unquote_to_bytes(segment) if b"%" in segment else segment).decode()
    except UnicodeDecodeError:
        raise InvalidParam("The path is not valid UTF-8.") from None
    if "\0" in text:
        raise InvalidParam("The path holds a NUL character.")
    return text
