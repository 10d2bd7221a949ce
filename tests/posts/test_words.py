"""Texts are cut into terms so that what people type finds what people wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.posts.words import TERM_MAX_CHARACTERS, TERMS_MAX, wanted, words


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The Daily Leaf", "daily LEAF"),
        ("Café Zürich", "cafe zurich"),
        ("cafe zurich", "Café Zürich"),
        ("Straße", "STRASSE"),
        ("Łódź, Øresund, Ærø", "lodz oresund aero"),
        ("ＦＵＬＬ ｗｉｄｔｈ", "full width"),
        ("ﬁnance", "finance"),
        ("l’eau", "eau"),
        ("#green-tea", "green tea"),
        ("Ёлка", "елка"),
        ("Άθήνα", "αθηνα"),
        ("كِتَاب", "كتاب"),
        ("می‌روم", "میروم"),
        ("co\u00adoperate", "cooperate"),
        ("欢迎来到茶馆", "茶馆"),
        ("欢迎来到茶馆", "茶"),
        ("欢迎来到茶馆", "馆"),
        ("お茶ガイド", "ガイド"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("서울특별시청", "특별시"),
        ("น้ำชายามบ่าย", "น้ำชา"),
        ("हिन्दी समाचार", "समाचार"),
        ("喝tea吧", "tea"),
        ("喝tea吧", "喝"),
        ("2026年春茶", "2026 春茶"),
    ],
)  # fmt: skip
def test_a_text_answers_a_question_however_it_is_spelled(text: str, question: str) -> None:
    assert wanted(question)
    assert set(wanted(question)) <= words(text)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("茶色的馆", "茶馆"),
        ("馆茶", "茶馆"),
        ("dailyleaf", "daily"),
        ("हिन्दी", "हिन्दू"),
        ("か", "が"),
        ("two words", "twowords"),
    ],
)
def test_a_text_does_not_answer_what_it_does_not_say(text: str, question: str) -> None:
    assert not set(wanted(question)) <= words(text)


@pytest.mark.parametrize("text", ["", "  …!? ", "✓🍵", "\u0301\u0301", "\u200b"])
def test_what_holds_no_letters_has_no_terms(text: str) -> None:
    assert words(text) == set()
    assert wanted(text) == []


def test_long_words_and_long_texts_are_cut() -> None:
    assert words("a" * 1_000) == {"a" * TERM_MAX_CHARACTERS} == set(wanted("a" * 900))
    assert len(words(" ".join(map(str, range(TERMS_MAX * 2))))) == TERMS_MAX
    assert "0" in words(" ".join(map(str, range(TERMS_MAX * 2))))
    assert words("one two three", 2) == {"one", "two"}


@given(st.text(max_size=60))
def test_every_text_answers_itself(text: str) -> None:
    assert set(wanted(text)) <= words(text)
