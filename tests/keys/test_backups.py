"""Key backups: versions, the rule of replacement, etags and counts."""

import itertools
import json

import pytest

from teahouse.db import Database
from teahouse.errors import InvalidParam, LimitExceeded, NotFound, TooLarge, WrongBackupVersion
from teahouse.keys.backup_api import rooms_json, sessions_json
from teahouse.keys.backups import is_better
from teahouse.keys.types import BackedUpKey
from tests.keys.people import stage

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
ALICE = 1024


def key(session_id: str = "s", room_id: str = "!r", index: int = 0, forwarded: int = 0, verified: bool = False):
    return BackedUpKey(room_id, session_id, index, forwarded, verified, b'{"n":%d}' % index)


def test_the_better_key_is_verified_then_earlier_then_less_forwarded() -> None:
    ranked = [key(index=i, forwarded=f, verified=v) for v in (True, False) for i in (0, 1) for f in (0, 1)]
    for better, worse in itertools.combinations(ranked, 2):
        assert is_better(better, worse)
        assert not is_better(worse, better)
    assert not is_better(key(), key())


async def test_a_key_stays_until_a_better_one_comes(database: Database) -> None:
    backups = stage(database).keys.backups
    version = await backups.create(ALICE, ALGORITHM, {})
    first = await backups.put(ALICE, version, [key(index=5), key("other", index=7)])
    assert first.count == 2
    worse = await backups.put(ALICE, version, [key(index=6)])
    assert (worse.count, worse.etag) == (2, first.etag)
    better = await backups.put(ALICE, version, [key(index=4)])
    assert better.count == 2
    assert better.etag != first.etag
    assert (await backups.key(ALICE, version, "!r", "s")).first_message_index == 4


async def test_only_the_current_version_takes_keys(database: Database) -> None:
    backups = stage(database).keys.backups
    with pytest.raises(NotFound):
        await backups.put(ALICE, "1", [key()])
    old = await backups.create(ALICE, ALGORITHM, {})
    new = await backups.create(ALICE, ALGORITHM, {})
    with pytest.raises(WrongBackupVersion) as refused:
        await backups.put(ALICE, old, [key()])
    assert refused.value.extra == {"current_version": new}
    await backups.delete(ALICE, new)
    assert (await backups.put(ALICE, old, [key()])).count == 1


async def test_a_deleted_version_is_gone_and_its_number_is_never_given_again(database: Database) -> None:
    backups = stage(database).keys.backups
    version = await backups.create(ALICE, ALGORITHM, {})
    await backups.put(ALICE, version, [key()])
    for _ in range(2):
        await backups.delete(ALICE, version)
    for read in (backups.version(ALICE, version), backups.version(ALICE, None), backups.keys(ALICE, version, None)):
        with pytest.raises(NotFound):
            await read
    with pytest.raises(NotFound):
        await backups.delete(ALICE, "12345")
    assert await database.fetch("SELECT 1 FROM backup_keys LIMIT 1") == []
    assert await backups.create(ALICE, ALGORITHM, {}) != version


async def test_auth_data_may_change_and_the_algorithm_not(database: Database) -> None:
    backups = stage(database).keys.backups
    version = await backups.create(ALICE, ALGORITHM, {"a": 1})
    await backups.update(ALICE, version, ALGORITHM, {"a": 2})
    assert (await backups.version(ALICE, version)).auth_data == b'{"a":2}'
    with pytest.raises(InvalidParam):
        await backups.update(ALICE, version, "other", {})
    for strange in ("", "x", "-1", "٣", "9" * 30, "1.0"):
        with pytest.raises(NotFound):
            await backups.update(ALICE, strange, ALGORITHM, {})


async def test_keys_are_read_and_removed_whole_by_room_and_by_session(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teahouse.keys.backup_store.BACKUP_PAGE_KEYS", 2)
    monkeypatch.setattr("teahouse.keys.backups.BACKUP_PAGE_KEYS", 2)
    backups = stage(database).keys.backups
    version = await backups.create(ALICE, ALGORITHM, {})
    places = [(f"!{room}", f"s{session}") for room in "abc" for session in range(3)]
    await backups.put(ALICE, version, [key(session, room) for room, session in places])
    assert await whole(rooms_json, backups, version, None) == {
        "rooms": {f"!{room}": {"sessions": {f"s{n}": SHOWN for n in range(3)}} for room in "abc"}
    }
    assert await whole(sessions_json, backups, version, "!b") == {"sessions": {f"s{n}": SHOWN for n in range(3)}}
    assert await whole(sessions_json, backups, version, "!none") == {"sessions": {}}
    assert (await backups.delete_keys(ALICE, version, "!a", "s0")).count == 8
    assert (await backups.delete_keys(ALICE, version, "!b", None)).count == 5
    last = await backups.delete_keys(ALICE, version, None, None)
    assert last.count == 0
    assert (await backups.delete_keys(ALICE, version, None, None)).etag == last.etag
    assert await whole(rooms_json, backups, version, None) == {"rooms": {}}


SHOWN = {"first_message_index": 0, "forwarded_count": 0, "is_verified": False, "session_data": {"n": 0}}


async def whole(encode, backups, version, room_id):
    pages = await backups.keys(ALICE, version, room_id)
    return json.loads(b"".join([piece async for piece in encode(pages)]))


async def test_backups_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    backups = stage(database).keys.backups
    monkeypatch.setattr("teahouse.keys.backups.BACKUP_KEYS_MAX", 2)
    monkeypatch.setattr("teahouse.keys.backups.BACKUP_UPLOAD_KEYS_MAX", 3)
    monkeypatch.setattr("teahouse.keys.backups.BACKUP_VERSIONS_MAX", 2)
    version = await backups.create(ALICE, ALGORITHM, {})
    with pytest.raises(TooLarge):
        await backups.put(ALICE, version, [key(str(n)) for n in range(4)])
    with pytest.raises(TooLarge):
        await backups.put(ALICE, version, [key(str(n)) for n in range(3)])
    assert (await backups.put(ALICE, version, [key(str(n)) for n in range(2)])).count == 2
    await backups.create(ALICE, ALGORITHM, {})
    with pytest.raises(LimitExceeded):
        await backups.create(ALICE, ALGORITHM, {})
