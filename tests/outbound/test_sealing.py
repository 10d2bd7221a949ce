"""Addresses at rest, and the key that keeps them."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import InvalidParam
from teahouse.outbound.letters import normal, sender
from teahouse.outbound.sealing import AddressBook, Unreadable
from teahouse.secrets import FILE, load_or_make
from tests.serving import ServedTeahouse

BOOK = AddressBook(b"k" * 32)


@given(st.text(max_size=300))
def test_what_was_sealed_opens_to_the_same_and_looks_different_each_time(text: str) -> None:
    if text.isprintable():
        assert BOOK.open(BOOK.seal(text)) == text
        assert BOOK.seal(text) != BOOK.seal(text)


def test_another_key_opens_nothing_and_hashes_otherwise() -> None:
    other = AddressBook(b"o" * 32)
    with pytest.raises(Unreadable):
        other.open(BOOK.seal("guest@example.org"))
    assert other.hash("guest@example.org") != BOOK.hash("guest@example.org")


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    sealed = bytearray(BOOK.seal("guest@example.org"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Unreadable):
        BOOK.open(bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(200)])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        BOOK.open(sealed)


def test_an_address_is_found_whatever_its_capitals() -> None:
    assert BOOK.hash("Guest@Example.ORG") == BOOK.hash(" guest@example.org ")
    assert BOOK.hash("guest@bücher.example") == BOOK.hash("guest@xn--bcher-kva.example")
    assert BOOK.hash("guest@example.org") != BOOK.hash("guests@example.org")
    assert len(BOOK.hash("guest@example.org")) == 32


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("you@example.org", "you@example.org"), ("You+tea@Example.ORG", "You+tea@example.org"),
        ("o'neill@sub.example.co.uk", "o'neill@sub.example.co.uk"), ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)  # fmt: skip
def test_good_addresses_are_kept_in_one_form(written: str, kept: str) -> None:
    assert normal(written) == kept


@pytest.mark.parametrize(
    "address",
    [
        "", "you", "@example.org", "you@", "you@example", "you@localhost", "a@b@example.org", "you@exa mple.org",
        "y ou@example.org", "you@example.org, me@example.org", "you@example.org\nBcc: me@example.org",
        "<you@example.org>", "you@[127.0.0.1]", "you@127.0.0.1", '"you"@example.org', ".you@example.org",
        "y..ou@example.org", "жду@example.org", "x" * 65 + "@example.org", "you@" + "a." * 125 + "org",
        "you@-example.org", "you@example..org", "you\0@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidParam):
        normal(address)


def test_a_sender_has_a_name_or_none() -> None:
    assert sender("Teahouse <post@example.org>") == ("Teahouse", "post@example.org")
    assert sender("post@example.org") == ("", "post@example.org")
    with pytest.raises(InvalidParam):
        sender("Teahouse")


def test_an_older_data_folder_gets_the_new_key_and_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(json.dumps({"id_key": "30" * 16}))
    made = load_or_make(tmp_path)
    assert made.id_key == b"0" * 16
    assert len(made.address_key) == 32
    assert load_or_make(tmp_path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert load_or_make(tmp_path / "other").address_key != made.address_key


def test_a_restored_backup_opens_what_was_sealed(tmp_path: Path) -> None:
    server = ServedTeahouse(tmp_path / "data")
    server.start(recorded=False)
    server.stop()
    sealed = AddressBook(load_or_make(server.data_dir).address_key).seal("guest@example.org")
    assert server.command("backup", str(tmp_path / "kept")).returncode == 0
    restored = ServedTeahouse(tmp_path / "again")
    assert restored.command("restore", str(tmp_path / "kept")).returncode == 0
    restored.start(recorded=False)
    restored.stop()
    assert AddressBook(load_or_make(restored.data_dir).address_key).open(sealed) == "guest@example.org"
