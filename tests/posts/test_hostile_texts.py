"""Texts made to keep the server busy, or to show otherwise than they were checked, are cut or refused before they are
looked at closely: what is asserted here took minutes otherwise.
"""

from __future__ import annotations

import pytest

from teahouse.errors import InvalidParam
from teahouse.mirrors.types import Entry
from teahouse.mirrors.wording import content_of
from teahouse.outbound.letters import normal
from teahouse.posts import checking, hashtags, wording
from teahouse.posts.forms import MARKS_MAX
from teahouse.posts.types import LINK_MAX_CHARACTERS
from teahouse.posts.words import words

PILE = "\u0300\u0316" * 250_000  # marks above and below in turn, whose sorting takes the square of their number


def test_marks_piled_on_one_letter_are_cut_before_they_are_sorted() -> None:
    assert len(wording.tidy(f"tea{PILE}")) <= len("tea") + MARKS_MAX
    assert words(f"tea{PILE}") == {"tea"}
    assert len(hashtags.fold(f"#tea{PILE}")) <= len("tea") + MARKS_MAX
    entities = "&#768;&#790;" * 5_000
    assert len(checking.sanitised(f"<p>tea{entities}</p>")) <= len("<p>tea</p>") + MARKS_MAX


def test_people_s_own_marks_stay() -> None:
    for text in ("Việt Nam", "שָׁלוֹם", "מִבְּרֵאשִׁ֖ית", "हिन्दी", "ཧཱུྃ", "Z̴̡̤̪̠̈́a̷l̶g̸o̵"):
        assert len(wording.tidy(text)) == len(wording.normal("NFC", text))


def test_links_and_addresses_that_are_too_long_are_not_looked_at() -> None:
    for link in (f"https://tea{PILE}.example/", f"https://tea.example/{'a' * LINK_MAX_CHARACTERS}"):
        with pytest.raises(InvalidParam):
            wording.check_link(link)
    with pytest.raises(InvalidParam):
        normal(f"guest@tea{PILE}.example")


@pytest.mark.parametrize("unit", ["<div>", "<ul><li>", "<dl><dd>", "<b><!--</b>-->", "<b><!x </b>"])
def test_html_too_deep_to_be_parsed_is_refused(unit: str) -> None:
    html = unit * (100_000 // len(unit))
    with pytest.raises(InvalidParam):
        checking.sanitised(html)
    found = content_of(Entry("1", "Deep tea", "https://tea.example/1", html, 0, ""))
    assert found is not None
    assert (found.text, found.link, found.article) == ("Deep tea", "https://tea.example/1", None)


def test_elements_left_open_as_people_leave_them_are_not_deep() -> None:
    assert checking.sanitised("<ul>" + "<li>tea<br>" * 2_000 + "</ul>").count("</li>") == 2_000


def test_what_turns_a_text_around_is_taken_out_however_it_is_written() -> None:
    assert checking.sanitised("<p>te&#x202E;a\u202e&#7;&#xFEFF;</p>") == "<p>tea</p>"
