"""Coming, going and coming back: registration, login, refresh, password, deactivation."""

from typing import Any

from tests.contract.stage import BAD_BODY, PASSWORD, Cast, Person, Stage


def registering_takes_the_stages_of_one_flow(cast: Cast) -> None:
    stage, name = cast.stage, cast.stage.name("newcomer")
    assert stage.stranger.good("checkUsernameAvailability", query={"username": name})["available"]
    person = _register(stage, name)
    assert person.good("getTokenOwner")["user_id"] == person.user_id
    stage.stranger.bad("register", 400, "M_USER_IN_USE", body={"username": name, "password": PASSWORD})
    stage.stranger.bad("checkUsernameAvailability", 400, "M_USER_IN_USE", query={"username": name})
    stage.stranger.bad("checkUsernameAvailability", 400, "M_INVALID_USERNAME", query={"username": "a b"})


def a_registration_token_can_be_checked(cast: Cast) -> None:
    validity = cast.stage.stranger.good("registrationTokenValidity", query={"token": "no-such-token"})
    assert validity == {"valid": False}
    if cast.stage.served.registration_token is not None:
        token = cast.stage.served.registration_token
        assert cast.stage.stranger.good("registrationTokenValidity", query={"token": token}) == {"valid": True}
    cast.stage.stranger.bad("registrationTokenValidity", 400, BAD_BODY)


def login_needs_the_right_password(cast: Cast) -> None:
    identifier = {"type": "m.id.user", "user": cast.alice.user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": "guessed"}
    cast.stage.stranger.bad("login", 403, "M_FORBIDDEN", body=body)
    assert cast.stage.signed_in(cast.alice.localpart).user_id == cast.alice.user_id
    cast.stage.stranger.bad("login", 400, BAD_BODY | {"M_UNKNOWN", "M_UNRECOGNIZED"}, body={"type": "m.login.tea"})


def a_login_token_brings_in_a_second_device_once(cast: Cast) -> None:
    token = cast.alice.proven("generateLoginToken")["login_token"]
    body = {"type": "m.login.token", "token": token}
    assert cast.stage.stranger.good("login", body=body)["user_id"] == cast.alice.user_id
    cast.stage.stranger.bad("login", 403, "M_FORBIDDEN", body=body)


def a_refresh_token_gives_a_new_access_token(cast: Cast) -> None:
    identifier = {"type": "m.id.user", "user": cast.bob.localpart}
    login = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD, "refresh_token": True}
    session = cast.stage.stranger.good("login", body=login)
    fresh = cast.stage.stranger.good("refresh", body={"refresh_token": session["refresh_token"]})
    device = Person(cast.stage, session["user_id"], session["device_id"], fresh["access_token"])
    assert device.good("getTokenOwner")["device_id"] == session["device_id"]
    cast.stage.stranger.bad("refresh", 401, "M_UNKNOWN_TOKEN", body={"refresh_token": "never-given"})
    cast.stage.stranger.bad("refresh", 400, BAD_BODY)


def logging_out_ends_this_session_or_all_of_them(cast: Cast) -> None:
    person = cast.stage.person("passing")
    second, third = (cast.stage.signed_in(person.localpart) for _ in range(2))
    second.good("logout")
    second.bad("getTokenOwner", 401, "M_UNKNOWN_TOKEN")
    person.signed_out("logout")
    person.good("logout_all")
    third.bad("logout_all", 401, "M_UNKNOWN_TOKEN")


def who_am_i_names_user_and_device(cast: Cast) -> None:
    owner = cast.alice.good("getTokenOwner")
    assert (owner["user_id"], owner["device_id"]) == (cast.alice.user_id, cast.alice.device_id)
    cast.alice.signed_out("getTokenOwner")


def changing_the_password_needs_the_old_one(cast: Cast) -> None:
    person = cast.stage.person("forgetful")
    new = "a different kettle of fish"
    person.proven("changePassword", {"new_password": new, "logout_devices": False})
    assert cast.stage.signed_in(person.localpart, new).user_id == person.user_id
    person.bad("changePassword", 400, BAD_BODY, body={"new_password": 1})


def deactivating_needs_the_password_and_is_final(cast: Cast) -> None:
    person = cast.stage.person("leaver")
    person.proven("deactivateAccount", {"erase": False})
    identifier = {"type": "m.id.user", "user": person.localpart}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    cast.stage.stranger.bad("login", 403, {"M_FORBIDDEN", "M_USER_DEACTIVATED"}, body=body)


def _register(stage: Stage, name: str) -> Person:
    """Register through the API, by whatever stages of dummy, terms and registration token the server asks for."""
    body: dict[str, Any] = {"username": name, "password": PASSWORD}
    answer = stage.stranger.ask("register", body=body)
    assert answer.status == 401, f"registering asked for no stage: {answer.status} {answer.body}"
    flow = min(answer.body["flows"], key=lambda f: len(f["stages"]))
    for step in flow["stages"]:
        proof = {"type": step, "session": answer.body["session"]}
        if step == "m.login.registration_token":
            proof["token"] = stage.served.registration_token
        answer = stage.stranger.ask("register", body={**body, "auth": proof})
    assert answer.status == 200, f"the stages {flow['stages']} were not enough: {answer.body}"
    return Person(stage, answer.body["user_id"], answer.body["device_id"], answer.body["access_token"])


PLAYS = (
    registering_takes_the_stages_of_one_flow,
    a_registration_token_can_be_checked,
    login_needs_the_right_password,
    a_login_token_brings_in_a_second_device_once,
    a_refresh_token_gives_a_new_access_token,
    logging_out_ends_this_session_or_all_of_them,
    who_am_i_names_user_and_device,
    changing_the_password_needs_the_old_one,
    deactivating_needs_the_password_and_is_final,
)
