"""The grammar of identifiers."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import InvalidParam
from teahouse.matrix import identifiers

LONG = "a" * 250


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (identifiers.user_id, "@alice:tea.test"),
        (identifiers.user_id, "@Alice:tea.test"),
        (identifiers.user_id, "@a!b#c:tea.test"),
        (identifiers.user_id, "@a:[::1]:8448"),
        (identifiers.room_alias, "#tea house:tea.test"),
        (identifiers.room_alias, "#茶:tea.test"),
        (identifiers.room_id, "!abc"),
        (identifiers.room_id, "!abc:tea.test"),
        (identifiers.server_name, "tea.test:8008"),
        (identifiers.server_name, "127.0.0.1"),
        (identifiers.device_id, "ABC/def+1"),
    ],
)
def test_good_identifiers_pass_unchanged(parse: Callable[[str], str], text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (identifiers.user_id, "alice:tea.test"),
        (identifiers.user_id, "@alice"),
        (identifiers.user_id, "@:tea.test"),
        (identifiers.user_id, "@al ice:tea.test"),
        (identifiers.user_id, "@ali\x00ce:tea.test"),
        (identifiers.user_id, "@älice:tea.test"),
        (identifiers.user_id, "@alice:tea test"),
        (identifiers.user_id, f"@{LONG}:tea.test"),
        (identifiers.user_id, ""),
        (identifiers.room_alias, "#tea"),
        (identifiers.room_alias, "#te\na:tea.test"),
        (identifiers.room_alias, f"#{LONG}:tea.test"),
        (identifiers.room_id, "!"),
        (identifiers.room_id, "#abc"),
        (identifiers.room_id, f"!{LONG}aaaaaa"),
        (identifiers.server_name, ""),
        (identifiers.server_name, "tea_test/"),
        (identifiers.server_name, "tea.test:port"),
        (identifiers.device_id, ""),
        (identifiers.device_id, "A B"),
        (identifiers.device_id, "A\x00"),
        (identifiers.device_id, LONG + "aaaaaa"),
    ],
)
def test_bad_identifiers_are_refused(parse: Callable[[str], str], text: str) -> None:
    with pytest.raises(InvalidParam):
        parse(text)


@pytest.mark.parametrize("text", ["Alice", "al ice", "", "älice", "a:b", "a" * 300])
def test_new_user_names_keep_to_the_narrow_grammar(text: str) -> None:
    with pytest.raises(InvalidParam):
        identifiers.localpart(text, "tea.test")
    assert identifiers.localpart("alice._=-/+1", "tea.test") == "alice._=-/+1"


@given(st.text(max_size=300))
def test_any_text_is_taken_or_refused_and_never_fails(text: str) -> None:
    for parse in (
        identifiers.user_id, identifiers.room_id, identifiers.room_alias, identifiers.server_name,
        identifiers.device_id,
    ):  # fmt: skip
        with contextlib.suppress(InvalidParam):
            assert len(parse(text).encode()) <= identifiers.ID_SIZE_MAX_BYTES
