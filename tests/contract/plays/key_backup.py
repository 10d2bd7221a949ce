"""The backup of room keys: versions, and keys by session, by room and whole."""

from typing import Any

from tests.contract.stage import BAD_BODY, Cast, Person

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
AUTH_DATA = {"public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", "signatures": {}}
SESSION_DATA = {"ephemeral": "hSDwCYkwp1R0i33ctD73Wg2", "ciphertext": "aGVsbG8", "mac": "bWFj"}
KEY = {"first_message_index": 1, "forwarded_count": 0, "is_verified": False, "session_data": SESSION_DATA}
ROOM = {"roomId": "!tea:example.org"}
SESSION = {**ROOM, "sessionId": "session/1+2"}


def a_backup_has_versions(cast: Cast) -> None:
    person = cast.stage.person("keeper")
    person.bad("getRoomKeysVersionCurrent", 404, "M_NOT_FOUND")
    version = _new_version(person)
    assert person.good("getRoomKeysVersionCurrent")["version"] == version
    assert person.good("getRoomKeysVersion", version=version)["algorithm"] == ALGORITHM
    person.good("putRoomKeysVersion", version=version, body={"algorithm": ALGORITHM, "auth_data": AUTH_DATA})
    person.bad("putRoomKeysVersion", 400, BAD_BODY, version=version, body={"algorithm": "tea", "auth_data": AUTH_DATA})
    person.bad("postRoomKeysVersion", 400, BAD_BODY, body={"algorithm": 1})
    person.bad("getRoomKeysVersion", 404, "M_NOT_FOUND", version="999")
    person.good("deleteRoomKeysVersion", version=version)
    person.good("deleteRoomKeysVersion", version=version)
    person.bad("deleteRoomKeysVersion", 404, "M_NOT_FOUND", version="999")


def keys_are_backed_up_by_session_room_and_whole(cast: Cast) -> None:
    person = cast.stage.person("keeper")
    version = {"version": _new_version(person)}
    person.good("putRoomKeyBySessionId", **SESSION, query=version, body=KEY)
    stored = person.good("getRoomKeyBySessionId", **SESSION, query=version)
    assert stored["session_data"] == SESSION_DATA
    person.good("putRoomKeysByRoomId", **ROOM, query=version, body={"sessions": {"other": KEY}})
    assert set(person.good("getRoomKeysByRoomId", **ROOM, query=version)["sessions"]) == {"session/1+2", "other"}
    rooms = {"!leaf:example.org": {"sessions": {"third": KEY}}}
    assert person.good("putRoomKeys", query=version, body={"rooms": rooms})["count"] == 3
    assert set(person.good("getRoomKeys", query=version)["rooms"]) == {"!tea:example.org", "!leaf:example.org"}
    assert person.good("deleteRoomKeyBySessionId", **SESSION, query=version)["count"] == 2
    person.bad("getRoomKeyBySessionId", 404, "M_NOT_FOUND", **SESSION, query=version)
    person.good("deleteRoomKeysByRoomId", **ROOM, query=version)
    assert person.good("deleteRoomKeys", query=version)["count"] == 0


def keys_of_a_version_that_is_not_current_are_refused(cast: Cast) -> None:
    person = cast.stage.person("keeper")
    old = {"version": _new_version(person)}
    _new_version(person)
    wrong = (403, "M_WRONG_ROOM_KEYS_VERSION")
    person.bad("putRoomKeyBySessionId", *wrong, **SESSION, query=old, body=KEY)
    person.bad("putRoomKeysByRoomId", *wrong, **ROOM, query=old, body={"sessions": {"s": KEY}})
    person.bad("putRoomKeys", *wrong, query=old, body={"rooms": {"!tea:example.org": {"sessions": {"s": KEY}}}})
    nowhere = {"version": "999"}
    for operation_id, place in (
        ("getRoomKeysByRoomId", ROOM),
        ("getRoomKeys", {}),
        ("deleteRoomKeyBySessionId", SESSION),
        ("deleteRoomKeysByRoomId", ROOM),
        ("deleteRoomKeys", {}),
    ):
        person.bad(operation_id, 404, "M_NOT_FOUND", **place, query=nowhere)


def _new_version(person: Person) -> str:
    answer: dict[str, Any] = person.good("postRoomKeysVersion", body={"algorithm": ALGORITHM, "auth_data": AUTH_DATA})
    return str(answer["version"])


PLAYS = (
    a_backup_has_versions,
    keys_are_backed_up_by_session_room_and_whole,
    keys_of_a_version_that_is_not_current_are_refused,
)
