"""Every operation that is built answers right and wrong requests as the specification says.

The plays bring the traffic, `python -m tests.contract.report --check` says afterwards what it proves. Which operations
are built is asked here of the router itself, so that an operation without a play is found.
"""

from collections.abc import Callable

import pytest

from tests.contract.plays import (
    account,
    account_data,
    devices,
    discovery,
    key_backup,
    keys,
    media,
    membership,
    messages,
    profile,
    push_rules,
    receipts,
    relations,
    rooms,
    syncing,
    to_device,
)
from tests.contract.specification import SpecificationAbsent, load
from tests.contract.stage import Cast, Stage

SUBJECTS = (
    discovery,
    account,
    devices,
    profile,
    account_data,
    rooms,
    membership,
    messages,
    relations,
    receipts,
    syncing,
    push_rules,
    keys,
    key_backup,
    to_device,
    media,
)
PLAYS = [
    pytest.param(play, id=f"{subject.__name__.rpartition('.')[2]}-{play.__name__}")
    for subject in SUBJECTS
    for play in subject.PLAYS
]


def _operation_ids() -> list[str]:
    try:
        return list(load().operations)
    except SpecificationAbsent:
        return []  # the `specification` fixture says so, or fails


@pytest.mark.parametrize("play", PLAYS)
def test_right_and_wrong_requests_are_answered_as_specified(cast: Cast, play: Callable[[Cast], None]) -> None:
    play(cast)


@pytest.mark.parametrize("operation_id", _operation_ids())
def test_a_stranger_gets_an_answer_in_the_form_of_the_specification(stage: Stage, operation_id: str) -> None:
    operation = stage.specification.operations[operation_id]
    answer = stage.exchange(operation, stage.path(operation, {}), None, None, None, {"Origin": "https://app.example"})
    assert answer.status < 500
    assert answer.headers["access-control-allow-origin"] == "*"
    if answer.status >= 400 and "flows" not in (answer.body or {}):
        assert answer.body["errcode"]


@pytest.mark.parametrize("path", ["/_matrix/client/v3/no/such/thing", "/_matrix/client/v0/sync", "/_matrix/nothing"])
def test_an_unknown_path_is_not_recognized(stage: Stage, path: str) -> None:
    response = stage.client.get(path)
    assert (response.status_code, response.json()["errcode"]) == (404, "M_UNRECOGNIZED")
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("operation_id", ["sync", "createRoom", "sendMessage", "uploadContent", "getVersions"])
def test_a_browser_may_ask_from_anywhere(stage: Stage, operation_id: str) -> None:
    operation = stage.specification.operations[operation_id]
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": operation.method}
    response = stage.client.options(stage.path(operation, {}), headers=headers)
    assert response.status_code in {200, 204}
    assert response.headers["access-control-allow-origin"] == "*"
    assert operation.method in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
