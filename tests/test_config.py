"""Settings: where they come from, and what is refused."""

from pathlib import Path

import pytest

from teahouse.config import BadSetting, Config, load, settings, without_password


def test_without_anything_the_defaults_hold() -> None:
    assert load(None, {}, {}) == Config()


def test_variables_go_before_the_file_and_flags_before_both(tmp_path: Path) -> None:
    path = tmp_path / "teahouse.toml"
    path.write_text('registration = "open"\nlisten = "0.0.0.0:80"\n[rooms]\ngroup_members_max = 100\n')
    config = load(path, {"TEAHOUSE_LISTEN": "127.0.0.1:81", "TEAHOUSE_ROOMS_PUBLIC_MEMBERS_MAX": "9"}, {})
    assert (config.registration, config.listen) == ("open", "127.0.0.1:81")
    assert (config.rooms.group_members_max, config.rooms.public_members_max) == (100, 9)
    assert load(path, {"TEAHOUSE_LISTEN": "127.0.0.1:81"}, {"listen": "[::1]:82"}).port == 82


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("registration", "everybody"),
        ("listen", "8008"),
        ("listen", "127.0.0.1:99999"),
        ("public_url", "chat.example.org"),
        ("database.url", "mysql://localhost/tea"),
        ("rate_limits.enabled", "yes"),
        ("rooms.group_members_max", "-1"),
        ("rooms.group_members_max", "many"),
        ("rooms.group_members_max", "1"),
        ("rooms.default_version", "9"),
        ("trusted_proxies", "the-proxy"),
        ("server_name", "not a name"),
        ("outbound.allowed_networks", "intranet"),
        ("outbound.allowed_ports", "http"),
        ("outbound.allowed_ports", "70000"),
        ("outbound.dns_server", "a name server"),
        ("mail.smtp_url", "mail.example.org"),
        ("mail.smtp_url", "http://mail.example.org"),
        ("mail.smtp_url", "smtp://"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(name: str, value: str) -> None:
    variable = "TEAHOUSE_" + name.replace(".", "_").upper()
    with pytest.raises(BadSetting, match=name.replace(".", r"\.")):
        load(None, {variable: value}, {})


def test_a_mail_server_needs_a_sender() -> None:
    settings = {"TEAHOUSE_MAIL_SMTP_URL": "smtps://post:secret@mail.example.org:465"}
    for sender in ("", "Teahouse", "post@localhost", "Teahouse <post@example.org>\r\nBcc: all@example.org"):
        with pytest.raises(BadSetting, match=r"mail\.sender"):
            load(None, settings | {"TEAHOUSE_MAIL_SENDER": sender}, {})
    for sender in ("post@example.org", "Teahouse <post@example.org>"):
        assert load(None, settings | {"TEAHOUSE_MAIL_SENDER": sender}, {}).mail.sender == sender


def test_the_refusal_of_a_mail_server_does_not_show_its_password() -> None:
    with pytest.raises(BadSetting) as refusal:
        load(None, {"TEAHOUSE_MAIL_SMTP_URL": "smtp://post:secret@"}, {})
    assert "secret" not in str(refusal.value)


def test_an_unknown_setting_is_refused_with_the_nearest_known(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="Did you mean TEAHOUSE_REGISTRATION"):
        load(None, {"TEAHOUSE_REGISTRATON": "open"}, {})
    path = tmp_path / "teahouse.toml"
    path.write_text("[rooms]\ngroup_member_max = 5\n")
    with pytest.raises(BadSetting, match=r"rooms\.group_members_max"):
        load(path, {}, {})


def test_a_file_that_cannot_be_read_or_parsed_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", {}, {})
    path = tmp_path / "broken.toml"
    path.write_text("registration = ")
    with pytest.raises(BadSetting, match=r"broken\.toml"):
        load(path, {}, {})


def test_every_setting_says_what_it_is_for() -> None:
    for setting in settings(Config()):
        assert len(setting.about) > 20, setting.name
        if isinstance(setting.default, int) and not isinstance(setting.default, bool):
            assert setting.unit, setting.name


def test_passwords_in_addresses_are_not_shown() -> None:
    assert without_password("postgresql://tea:p@ss:word@db/tea") == "postgresql://tea:…@db/tea"
    assert without_password("smtps://tea@mail.example:465") == "smtps://tea@mail.example:465"
    assert without_password("127.0.0.1:8008") == "127.0.0.1:8008"
