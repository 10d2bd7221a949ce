"""What a client asks before it knows the server."""

from tests.contract.stage import Cast


def versions_and_well_known_answer_strangers(cast: Cast) -> None:
    versions = cast.stage.stranger.good("getVersions")["versions"]
    assert "v1.11" in versions, "without it clients fall back to unauthenticated media"
    cast.stage.stranger.wrong_method("getVersions")
    homeserver = cast.stage.stranger.good("getWellknown")["m.homeserver"]
    assert homeserver["base_url"].startswith("http")
    cast.stage.stranger.wrong_method("getWellknown")


def login_flows_include_the_password(cast: Cast) -> None:
    flows = cast.stage.stranger.good("getLoginFlows")["flows"]
    assert "m.login.password" in [flow["type"] for flow in flows]
    cast.stage.stranger.wrong_method("getLoginFlows")


def capabilities_name_the_default_room_version(cast: Cast) -> None:
    versions = cast.alice.good("getCapabilities")["capabilities"]["m.room_versions"]
    assert versions["default"] in versions["available"]
    cast.alice.signed_out("getCapabilities")


def what_clients_poll_answers_if_it_is_there(cast: Cast) -> None:
    for operation_id in ("getTurnServer", "getProtocols", "getPushers"):
        if cast.stage.is_built(operation_id):
            cast.alice.good(operation_id)
            cast.alice.signed_out(operation_id)


def support_contacts_answer_if_they_are_there(cast: Cast) -> None:
    if cast.stage.is_built("getWellknownSupport"):
        answer = cast.stage.stranger.ask("getWellknownSupport")
        assert answer.status in {200, 404}
        cast.stage.stranger.wrong_method("getWellknownSupport")


PLAYS = (
    versions_and_well_known_answer_strangers,
    login_flows_include_the_password,
    capabilities_name_the_default_room_version,
    what_clients_poll_answers_if_it_is_there,
    support_contacts_answer_if_they_are_there,
)
