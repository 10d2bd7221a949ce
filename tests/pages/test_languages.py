"""The pages in four languages."""

import json
import re
from importlib.resources import files

import pytest

from teahouse.http.words import LANGUAGES, negotiated, plural, words
from tests.posts.studio import fetch
from tests.public_accounts.newsroom import newsroom
from tests.world import World

PACKAGES = ("teahouse.pages", "teahouse.users", "teahouse.mailings")
FORMS = {"en": {"one", "other"}, "id": {"other"}, "fr": {"one", "many", "other"}, "zh-Hans": {"other"}}
FORM = re.compile(r"_(one|many|other)$")


def catalogue(package: str, language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(files(package).joinpath("locales", f"{language}.json").read_text())
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_catalogue_says_the_same_things_in_the_forms_of_its_language(package: str) -> None:
    keys = {language: {FORM.sub("", key) for key in catalogue(package, language)} for language in LANGUAGES}
    for language in LANGUAGES:
        assert keys[language] == keys["en"]
        counted: dict[str, set[str]] = {}
        for key in catalogue(package, language):
            form = FORM.search(key)
            if form:
                counted.setdefault(FORM.sub("", key), set()).add(form[1])
        for key, forms in counted.items():
            # One answer each is never said of a language that has no form for it.
            assert forms == FORMS[language], (language, key)


@pytest.mark.parametrize("package", PACKAGES)
def test_texts_have_the_same_places_to_fill_in_every_language(package: str) -> None:
    english = catalogue(package, "en")
    for language in LANGUAGES:
        for key, text in catalogue(package, language).items():
            if not FORM.search(key):
                assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), (language, key)


@pytest.mark.parametrize("package", PACKAGES)
def test_french_has_its_thin_spaces(package: str) -> None:
    for key, text in catalogue(package, "fr").items():
        assert not re.search(r" [;:!?%»]|« ", text), key


@pytest.mark.parametrize(
    ("language", "number", "form"),
    [
        ("en", 0, "other"), ("en", 1, "one"), ("en", 2, "other"), ("fr", 0, "one"), ("fr", 1, "one"),
        ("fr", 2, "other"), ("fr", 1_000_000, "many"), ("fr", 1_000_001, "other"), ("id", 1, "other"),
        ("zh-Hans", 1, "other"),
    ],
)  # fmt: skip
def test_numbers_take_the_plural_form_of_the_language(language: str, number: int, form: str) -> None:
    assert plural(language, number) == form


def test_numbers_are_grouped_and_days_written_as_people_do() -> None:
    spoken = {language: words(PACKAGES[0], language) for language in LANGUAGES}
    shown = {language: (each.number(1234567), each.day(0)) for language, each in spoken.items()}
    assert shown == {
        "en": ("1,234,567", "1 January 1970"),
        "id": ("1.234.567", "1 Januari 1970"),
        "fr": ("1\u202f234\u202f567", "1 janvier 1970"),
        "zh-Hans": ("1,234,567", "1970年1月1日"),
    }


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"), (None, "fr", "fr"), (None, "de,fr;q=0.8,en;q=0.9", "en"), (None, "zh-TW,zh;q=0.9", "zh-Hans"),
        (None, "zh-CN", "zh-Hans"), (None, "id-ID,en;q=0.5", "id"), (None, "in", "id"), (None, "de", "en"),
        (None, "fr;q=0,id;q=0.1", "id"), (None, "fr;q=x", "en"), (None, "," * 10_000 + "fr", "en"),
        ("zh-Hans", "fr", "zh-Hans"), ("xx", "fr", "fr"), ("", "fr", "fr"), ("FR", "", "fr"),
    ],
)  # fmt: skip
def test_a_reader_gets_the_language_they_ask_for(asked: str | None, accepted: str, language: str) -> None:
    assert negotiated(asked, accepted) == language


async def test_a_chosen_language_goes_on_from_link_to_link(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("One #tea")
    chosen = (await fetch(tea, "/@daily", "lang=id", accept_language="fr")).body.decode()
    assert '<html lang="id">' in chosen
    assert "0 pengikut" in chosen
    for link in ("/@daily/follow?lang=id", "/tag/tea?lang=id", "/@daily/1?lang=id", "/explore?lang=id"):
        assert f'href="{link}"' in chosen
    negotiated_ = await fetch(tea, "/@daily", accept_language="fr")
    assert '<html lang="fr">' in negotiated_.body.decode()
    assert 'href="/tag/tea"' in negotiated_.body.decode()
    assert "Accept-Language" in negotiated_.headers["vary"]


async def test_setup_and_its_refusals_are_in_the_language_of_whoever_opens_them(tea: World) -> None:
    token = "leaf"
    await tea.app.accounts.make_token(token, 1, None, makes_admin=True)
    for accepted, language, heading in (("fr", "fr", "Créer le premier compte"), ("de", "en", "Make the first")):
        answer = await fetch(tea, "/setup", f"token={token}", accept_language=accepted)
        assert (answer.status, answer.headers["vary"]) == (200, "Accept-Language")
        assert f'<html lang="{language}">' in answer.body.decode()
        assert heading in answer.body.decode()
    spent = await fetch(tea, "/setup", "token=none&lang=zh-Hans", accept_language="fr")
    assert (spent.status, "此链接已打不开" in spent.body.decode()) == (404, True)


async def test_steps_of_signing_in_and_following_by_mail_speak_the_readers_language(tea: World) -> None:
    await newsroom(tea)
    page = "/_matrix/client/v3/auth/m.login.dummy/fallback/web"
    gone = await fetch(tea, page, "session=none", accept_language="id-ID,en;q=0.5")
    assert (gone.status, "Halaman ini sudah kedaluwarsa" in gone.body.decode()) == (404, True)
    missing = await fetch(tea, "/mail/nobody", accept_language="fr")
    assert (missing.status, "Aucun compte public" in missing.body.decode()) == (404, True)
