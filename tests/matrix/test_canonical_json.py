"""What event content may hold, and its one encoding."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import BadJson
from teahouse.matrix.canonical_json import INTEGER_MAX, JSON_DEPTH_MAX, check_json, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_good_json_passes_and_its_encoding_reads_back_the_same(value: object) -> None:
    check_json(value)
    assert json.loads(encode(value)) == value


@given(st.dictionaries(TEXT, JSON, max_size=5), st.randoms())
def test_the_encoding_does_not_depend_on_the_order_of_keys(value: dict[str, object], dice: object) -> None:
    keys = list(value)
    dice.shuffle(keys)  # type: ignore[attr-defined]
    assert encode({key: value[key] for key in keys}) == encode(value)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({}, "{}"),
        ({"one": 1, "two": "Two"}, '{"one":1,"two":"Two"}'),
        ({"b": "2", "a": "1"}, '{"a":"1","b":"2"}'),
        ({"本": 2, "日": 1}, '{"日":1,"本":2}'),
        ({"a": "日"}, '{"a":"日"}'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_the_examples_of_the_appendix(value: object, encoded: str) -> None:
    assert encode(value) == encoded.encode()


@pytest.mark.parametrize("bad", [1.0, 0.5, float("nan"), INTEGER_MAX + 1, -INTEGER_MAX - 1, "\ud800", 10**400])
def test_bad_values_are_refused_wherever_they_stand(bad: object) -> None:
    for value in (bad, {"a": bad}, [[bad]], {"a": [{"b": bad}]}):
        with pytest.raises(BadJson):
            check_json(value)


def test_a_bad_key_is_refused() -> None:
    with pytest.raises(BadJson):
        check_json({"a": {"\udfff": 1}})


@pytest.mark.parametrize("bracket", ["list", "object"])
def test_nesting_is_bounded(bracket: str) -> None:
    def nested(depth: int) -> object:
        value: object = "tea"
        for _ in range(depth):
            value = [value] if bracket == "list" else {"a": value}
        return value

    check_json(nested(JSON_DEPTH_MAX))
    with pytest.raises(BadJson):
        check_json(nested(JSON_DEPTH_MAX + 1))
    with pytest.raises(BadJson):
        check_json(nested(100_000))
