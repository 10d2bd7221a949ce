"""Hashtags in texts of any script."""

import pytest

from teahouse.posts.hashtags import fold, found


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#Tea and #TEA, #Thé!", ["tea", "thé"]),
        ("今天#喝茶#很好 #茶", ["喝茶", "茶"]),
        ("#喝茶##红茶#", ["喝茶", "红茶"]),
        ("爱#喝茶 ok", []),
        ("#हिन्दी भाषा", ["हिन्दी"]),
        ("#می‌خواهم", ["می‌خواهم"]),
        ("＃ティー　#foo-bar", ["ティー", "foo"]),
        ("a#b http://x/#frag &#39; ##x", []),
        ("#1 #2026 #2026tea #_", ["2026tea", "_"]),
        ("#" + "a" * 101, []),
        ("#" + "a" * 100, ["a" * 100]),
        ("#, # #· #́", []),
    ],
)
def test_a_tag_is_letters_digits_and_marks_of_any_script(text: str, tags: list[str]) -> None:
    assert found(text) == tags


@pytest.mark.parametrize(
    ("written", "looked_up"), [("#ＴＥＡ", "tea"), ("喝茶#", "喝茶"), ("STRASSE", "strasse"), ("e\u0301", "\u00e9")]
)
def test_a_tag_is_looked_up_in_one_form(written: str, looked_up: str) -> None:
    assert fold(written) == fold(looked_up) == looked_up
