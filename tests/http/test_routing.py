"""From method and raw path to endpoint."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import InvalidParam, MethodNotAllowed, Unrecognized
from teahouse.http.messages import Request, Response, Route
from teahouse.http.router import PATH_SIZE_MAX_BYTES, Router


async def handler(request: Request) -> Response:
    return Response()


ROUTER = Router(
    [
        Route("GET", "/_matrix/client/v3/rooms/{roomId}/state", handler),
        Route("GET", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", handler),
        Route("PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", handler),
        Route("POST", "/_matrix/client/v3/join/{roomIdOrAlias}", handler),
        Route("GET", "/_matrix/client/v3/pushrules/", handler),
        Route("GET", "/_matrix/client/v3/pushrules/global/", handler),
        Route("GET", "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}", handler),
        Route("GET", "/assets/{path*}", handler),
        Route("GET", "/@{handle}", handler),
        Route("GET", "/@{handle}/{number}", handler),
        Route("GET", "/@{handle}/follow", handler),
    ]
)
segments = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=40)


@given(room_id=segments, event_type=segments, state_key=segments)
def test_any_text_travels_through_a_segment(room_id: str, event_type: str, state_key: str) -> None:
    parts = (quote(part, safe="").encode() for part in (room_id, event_type, state_key))
    route, path = ROUTER.find("GET", b"/_matrix/client/v3/rooms/%s/state/%s/%s" % tuple(parts))
    assert route.template.endswith("/{stateKey}")
    assert path == {"roomId": room_id, "eventType": event_type, "stateKey": state_key}


def test_an_encoded_slash_stays_inside_its_segment() -> None:
    _, path = ROUTER.find("POST", b"/_matrix/client/v3/join/%23a%2F..%2Fb%3Atea.test")
    assert path == {"roomIdOrAlias": "#a/../b:tea.test"}


def test_the_older_names_of_endpoints_lead_to_the_same() -> None:
    route, path = ROUTER.find("POST", b"/_matrix/client/r0/join/%21a%3Atea.test")
    assert (route.template, path["roomIdOrAlias"]) == ("/_matrix/client/v3/join/{roomIdOrAlias}", "!a:tea.test")


def test_an_empty_state_key_is_found_with_its_slash_and_a_rest_takes_everything() -> None:
    _, path = ROUTER.find("GET", b"/_matrix/client/v3/rooms/!r/state/m.room.name/")
    assert path["stateKey"] == ""
    _, path = ROUTER.find("GET", b"/assets/a/b%20c/d")
    assert path == {"path": "a/b c/d"}


def test_a_fixed_segment_goes_before_a_parameter() -> None:
    route, _ = ROUTER.find("GET", b"/_matrix/client/v3/pushrules/global/")
    assert route.template.endswith("/global/")
    route, path = ROUTER.find("GET", b"/_matrix/client/v3/pushrules/global/override/x")
    assert path == {"kind": "override", "ruleId": "x"}


@pytest.mark.parametrize(
    "path", [b"/", b"", b"/_matrix", b"/@", b"/_matrix/client/v3/rooms", b"/_matrix/client/v3/rooms/!r"]
)
def test_an_unknown_path_is_not_recognised(path: bytes) -> None:
    with pytest.raises(Unrecognized):
        ROUTER.find("GET", path)


def test_a_wrong_method_is_told_from_an_unknown_path() -> None:
    with pytest.raises(MethodNotAllowed):
        ROUTER.find("DELETE", b"/_matrix/client/v3/rooms/!r/state")
    assert ROUTER.find("HEAD", b"/_matrix/client/v3/rooms/!r/state")[0].method == "GET"


@pytest.mark.parametrize("segment", [b"%ff", b"%C3%28", b"a%00b", b"\xff"])
def test_what_is_no_text_is_refused(segment: bytes) -> None:
    with pytest.raises(InvalidParam):
        ROUTER.find("POST", b"/_matrix/client/v3/join/" + segment)


def test_a_path_has_a_limit() -> None:
    with pytest.raises(InvalidParam, match=str(PATH_SIZE_MAX_BYTES)):
        ROUTER.find("POST", b"/_matrix/client/v3/join/" + b"x" * PATH_SIZE_MAX_BYTES)


@pytest.mark.parametrize("raw", [b"/@daily/7", b"/%40daily/7"])
def test_a_parameter_may_follow_a_prefix_in_its_segment(raw: bytes) -> None:
    route, path = ROUTER.find("GET", raw)
    assert (route.template, path) == ("/@{handle}/{number}", {"handle": "daily", "number": "7"})
    assert ROUTER.find("GET", raw.replace(b"/7", b"/follow"))[0].template == "/@{handle}/follow"


def test_a_prefix_goes_before_a_whole_segment_and_never_stands_alone() -> None:
    router = Router([*ROUTER.routes, Route("GET", "/{page}", handler)])
    assert router.find("GET", b"/@a%2Fb")[1] == {"handle": "a/b"}
    assert router.find("GET", b"/@")[1] == {"page": "@"}
    assert router.find("GET", b"/a@b")[1] == {"page": "a@b"}


def test_two_endpoints_cannot_have_the_same_place() -> None:
    route = Route("GET", "/a/{b}", handler)
    with pytest.raises(AssertionError):
        Router([route, Route("GET", "/a/{c}", handler)])


PIECES = (
    "_matrix", "client", "v3", "rooms", "state", "pushrules", "global", "assets", "join", "follow", "@anna", "a", "",
)  # fmt: skip


@given(path=st.lists(st.sampled_from(PIECES), max_size=8))
def test_the_straight_way_leads_where_the_whole_tree_does(path: list[str]) -> None:
    segments = [b"", *(piece.encode() for piece in path)]
    straight: list[bytes] = []
    thorough: list[bytes] = []
    found = ROUTER._straight(segments, straight)
    assert found is not None or not straight
    if found is not None:
        assert (ROUTER._walk(ROUTER._root, segments, 1, thorough), thorough) == (found, straight)
