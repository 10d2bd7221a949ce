"""The owners of access tokens in memory."""

from teahouse.http.messages import Requester
from teahouse.users.requesters import Requesters


def requester(user_no: int, device_id: str, token_hash: bytes) -> Requester:
    return Requester(f"@u{user_no}:tea.test", user_no, device_id, False, token_hash)


def test_the_tokens_used_last_are_kept() -> None:
    kept = Requesters(tokens_max=2)
    kept.put(requester(1, "A", b"1"), None, 0)
    kept.put(requester(2, "A", b"2"), None, 0)
    assert kept.get(b"1") is not None
    kept.put(requester(3, "A", b"3"), 99, 0)
    assert kept.get(b"2") is None
    assert kept.get(b"1") == (requester(1, "A", b"1"), None)
    assert kept.get(b"3") == (requester(3, "A", b"3"), 99)
    assert len(kept) == 2


def test_forgetting_a_device_leaves_the_others() -> None:
    kept = Requesters()
    kept.put(requester(1, "A", b"1"), None, 0)
    kept.put(requester(1, "B", b"2"), None, 0)
    kept.put(requester(2, "A", b"3"), None, 0)
    kept.forget(1, ["A"])
    assert kept.get(b"1") is None
    assert kept.get(b"2") is not None
    assert kept.get(b"3") is not None


def test_a_load_overtaken_by_a_sign_out_is_not_kept() -> None:
    kept = Requesters()
    before = kept.forgettings
    kept.forget(1, ["A"])
    kept.put(requester(1, "A", b"1"), None, before)
    assert kept.get(b"1") is None
    assert len(kept) == 0
