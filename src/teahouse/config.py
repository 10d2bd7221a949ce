"""Every setting: declared once, with its default, unit and reason. A bad one is refused at start, by name."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar, cast

from teahouse.errors import TeahouseError
from teahouse.matrix.identifiers import SERVER_NAME

PREFIX = "TEAHOUSE_"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^/\s]*@")  # user:password@ of an address
DNS_SERVER = re.compile(r"|[0-9.]+(:\d{1,5})?|[0-9a-fA-F:]+|\[[0-9a-fA-F:]+\](:\d{1,5})?")
SMTP_URL = re.compile(r"smtps?://([^@/\s]+@)?([\w.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/?", re.ASCII)
SENDER = re.compile(r"[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+")


class BadSetting(TeahouseError):
    """A setting that cannot be used; the message names it."""


def setting(default: Any, about: str, unit: str = "") -> Any:
    """A setting with its default, what it is for, and its unit."""
    return field(default=default, metadata={"about": about, "unit": unit})


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """[database]"""

    url: str = setting("", "PostgreSQL address, postgresql://…; empty keeps everything in SQLite in the data folder")


@dataclass(frozen=True, slots=True)
class RateLimitsConfig:
    """[rate_limits]: how often one user, or one address without a token, may ask. Bursts are ten times a second's."""

    enabled: bool = setting(True, "off for tests and benchmarks only")
    default_per_second: int = setting(50, "requests without a limit of their own", "/s")
    send_per_second: int = setting(10, "messages, state and redactions: faster than anybody types", "/s")
    sync_per_second: int = setting(20, "long polls: a busy room wakes a client often", "/s")
    receipts_per_second: int = setting(20, "receipts and typing notices", "/s")
    join_per_minute: int = setting(60, "joins, knocks and leaves", "/min")
    create_per_minute: int = setting(20, "new rooms and upgrades", "/min")
    invite_per_minute: int = setting(60, "invitations, greetings included", "/min")
    login_per_minute: int = setting(20, "logins and proofs of a password", "/min")
    register_per_minute: int = setting(20, "steps of a registration; one sign-up takes three or four", "/min")
    media_per_minute: int = setting(120, "uploads: an album sent at once", "/min")
    mail_per_minute: int = setting(5, "wishes to follow by e-mail: each sends a mail", "/min")


@dataclass(frozen=True, slots=True)
class GreetingsConfig:
    """[greetings]"""

    required: bool = setting(True, "strangers may send a direct invite only; false gives plain Matrix invites")
    pending_max: int = setting(20, "greetings of one sender that may wait for an answer", "greetings")
    per_day_max: int = setting(10, "greetings of one sender in 24 hours", "greetings")


@dataclass(frozen=True, slots=True)
class RoomsConfig:
    """[rooms]"""

    group_members_max: int = setting(500, "members of a room that is not public, invitations included", "members")
    public_members_max: int = setting(20_000, "members of a public room; more readers belong to a channel", "members")
    default_version: str = setting("12", "room version of new rooms: 10, 11 or 12")
    encrypt_private: bool = setting(
        False, "encrypt private rooms also when the client that makes them does not ask; shuts out simple bots"
    )


@dataclass(frozen=True, slots=True)
class AccountsConfig:
    """[accounts]"""

    password_min_characters: int = setting(6, "shortest password taken; guesses are slowed besides", "characters")
    access_token_minutes: int = setting(60, "life of an access token whose client can refresh it", "min")
    terms_url: str = setting("", "terms of service that people accept when they register; empty for none")


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """[media]"""

    upload_bytes: int = setting(104_857_600, "largest upload: a few minutes of phone video", "bytes")
    user_bytes: int = setting(21_474_836_480, "all uploads of one user together", "bytes")
    thumbnail_pixels: int = setting(64_000_000, "largest picture that gets a thumbnail: 256 MB decoded", "pixels")


@dataclass(frozen=True, slots=True)
class PublicAccountsConfig:
    """[public_accounts]"""

    opening: str = setting("everyone", "who may open an account other than their own: everyone or staff")
    owned_max: int = setting(20, "accounts that one person owns", "accounts")
    person_posts_per_day: int = setting(100, "posts of a personal account in 24 hours, reposts and all", "posts")
    company_posts_per_day: int = setting(100, "the same of a company", "posts")
    media_posts_per_day: int = setting(300, "the same of a newspaper, station or agency", "posts")
    government_posts_per_day: int = setting(100, "the same of an authority", "posts")
    organisation_posts_per_day: int = setting(100, "the same of another organisation", "posts")


@dataclass(frozen=True, slots=True)
class PresenceConfig:
    """[presence]"""

    enabled: bool = setting(False, "contacts see who is online; costs a wake-up of every contact at each change")


@dataclass(frozen=True, slots=True)
class OutboundConfig:
    """[outbound]"""

    allowed_networks: tuple[str, ...] = setting(
        (), "networks that may be fetched from although they are not public, such as 10.0.0.0/8"
    )
    allowed_ports: tuple[str, ...] = setting((), "ports that may be fetched from beside 80 and 443")
    dns_server: str = setting("", "name server for what is looked up outside, such as 9.9.9.9; empty for the system's")


@dataclass(frozen=True, slots=True)
class MailConfig:
    """[mail]"""

    smtp_url: str = setting(
        "", "mail server, smtp://user:password@host:587 or smtps://…; empty: this server sends no mail"
    )
    sender: str = setting("", "whom mails come from, such as Teahouse <post@example.org>")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    server_name: str = setting("", "the part of user ids after the colon; asked at the first start, then fixed")
    listen: str = setting("127.0.0.1:8008", "address and port to serve on")
    public_url: str = setting("", "address that clients reach the server by, such as https://chat.example.org")
    trusted_proxies: tuple[str, ...] = setting((), "addresses of reverse proxies whose X-Forwarded-For is believed")
    data_dir: Path = setting(Path("data"), "folder of the database, the media and the keys")
    registration: str = setting("token", "who may make an account: token, open or closed")
    support_email: str = setting("", "address of the operator, shown in /.well-known/matrix/support")
    support_page: str = setting("", "page about the service, shown in /.well-known/matrix/support")
    database: DatabaseConfig = DatabaseConfig()
    rate_limits: RateLimitsConfig = RateLimitsConfig()
    greetings: GreetingsConfig = GreetingsConfig()
    rooms: RoomsConfig = RoomsConfig()
    accounts: AccountsConfig = AccountsConfig()
    media: MediaConfig = MediaConfig()
    presence: PresenceConfig = PresenceConfig()
    public_accounts: PublicAccountsConfig = PublicAccountsConfig()
    outbound: OutboundConfig = OutboundConfig()
    mail: MailConfig = MailConfig()

    @property
    def host(self) -> str:
        """The address to bind to."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to bind to; 0 takes any free one."""
        return int(self.listen.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as `teahouse config` and the documentation show it."""

    name: str
    value: Any
    default: Any
    unit: str
    about: str


def load(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]) -> Config:
    """The configuration: the file, then `TEAHOUSE_…` variables, then the command line. Raises BadSetting."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = flattened(tomllib.loads(path.read_text()))
        except OSError as error:
            raise BadSetting(f"The configuration file {path} cannot be read: {error.strerror}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"The configuration file {path} is not valid TOML: {error}.") from None
    names = {name.replace(".", "_").upper(): name for name in defaults()}
    for variable, text in environment.items():
        if variable.startswith(PREFIX):
            known = names.get(variable.removeprefix(PREFIX))
            if known is None:
                raise unknown(variable, [PREFIX + name for name in names])
            values[known] = text
    values.update(overrides)
    return checked(build(values))


def settings(config: Config) -> list[Setting]:
    """Every setting with its value, default, unit and reason."""
    found: list[Setting] = []
    for each in fields(config):
        value = getattr(config, each.name)
        if hasattr(value, "__dataclass_fields__"):
            for inner in fields(value):
                found.append(described(f"{each.name}.{inner.name}", getattr(value, inner.name), inner))
        else:
            found.append(described(each.name, value, each))
    return found


def without_password(text: str) -> str:
    """A setting's value as it may be shown: an address without the password in it."""
    return _PASSWORD.sub(r"\1…@", text)


def described(name: str, value: Any, declared: Any) -> Setting:
    """One declared field as a setting."""
    return Setting(name, value, declared.default, declared.metadata["unit"], declared.metadata["about"])


def defaults() -> dict[str, Any]:
    """The default of every setting, by its dotted name."""
    return {each.name: each.default for each in settings(Config())}


def build(values: Mapping[str, Any]) -> Config:
    """A configuration from dotted names; raises BadSetting for unknown names and wrong types."""
    known = defaults()
    for name in values:
        if name not in known:
            raise unknown(name, known)
    groups: dict[str, dict[str, Any]] = {}
    plain: dict[str, Any] = {}
    for name, value in values.items():
        converted = convert(name, value, known[name])
        group, dot, key = name.partition(".")
        if dot:
            groups.setdefault(group, {})[key] = converted
        else:
            plain[name] = converted
    empty = Config()
    return Config(**plain, **{name: section(getattr(empty, name), given) for name, given in groups.items()})


T = TypeVar("T")


def section(empty: T, given: Mapping[str, Any]) -> T:
    """A group of settings with the given values."""
    made: T = type(empty)(**given)
    return made


def flattened(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A TOML table by dotted names."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def convert(name: str, value: Any, default: Any) -> Any:
    """A value of the default's type, from TOML's types or from text; raises BadSetting."""
    if isinstance(default, bool):
        return to_boolean(name, value)
    if isinstance(default, int):
        return to_number(name, value)
    if isinstance(default, tuple):
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise BadSetting(f"{name} must be a list of strings.")
        return tuple(item.strip() for item in items if item.strip())
    if not isinstance(value, str | Path):
        raise BadSetting(f"{name} must be a string.")
    return Path(value) if isinstance(default, Path) else str(value)


def to_boolean(name: str, value: Any) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return cast(bool, value == "true")
    raise BadSetting(f"{name} must be true or false, not {value!r}.")


def to_number(name: str, value: Any) -> int:
    """A whole number of at least 0."""
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadSetting(f"{name} must be a whole number of at least 0, not {value!r}.")
    return int(text)


def checked(config: Config) -> Config:
    """The configuration, if its values make sense together; raises BadSetting."""
    host, colon, port = config.listen.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise BadSetting(f"listen must be an address and a port, such as 127.0.0.1:8008, not {config.listen!r}.")
    choices = {
        "registration": (config.registration, ("token", "open", "closed")),
        "public_accounts.opening": (config.public_accounts.opening, ("everyone", "staff")),
        "rooms.default_version": (config.rooms.default_version, ("10", "11", "12")),
    }
    for name, (value, allowed) in choices.items():
        if value not in allowed:
            raise BadSetting(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    if config.server_name and not SERVER_NAME.fullmatch(config.server_name):
        raise BadSetting(f"server_name must be a host name such as example.org, not {config.server_name!r}.")
    for proxy in config.trusted_proxies:
        check_network("trusted_proxies", proxy)
    check_outside(config)
    if config.public_url and not config.public_url.startswith(("https://", "http://")):
        raise BadSetting(f"public_url must begin with https:// or http://, not {config.public_url!r}.")
    if config.database.url and not config.database.url.startswith(("postgresql://", "postgres://")):
        raise BadSetting("database.url must begin with postgresql://")
    for name in ("rooms.group_members_max", "rooms.public_members_max", "media.upload_bytes"):
        group, _, key = name.partition(".")
        if getattr(getattr(config, group), key) < 2:
            raise BadSetting(f"{name} must be at least 2.")
    return config


def check_outside(config: Config) -> None:
    """Raises BadSetting for settings of the outside world that make no sense."""
    for network in config.outbound.allowed_networks:
        check_network("outbound.allowed_networks", network)
    for port in config.outbound.allowed_ports:
        if not port.isdigit() or not 0 < int(port) <= 65_535:
            raise BadSetting(f"outbound.allowed_ports must be numbers from 1 to 65535, not {port!r}.")
    if not DNS_SERVER.fullmatch(config.outbound.dns_server):
        raise BadSetting(f"outbound.dns_server must be an address such as 9.9.9.9, not {config.outbound.dns_server!r}.")
    if config.mail.smtp_url:
        if not SMTP_URL.fullmatch(config.mail.smtp_url):
            # Without the value: it holds a password.
            raise BadSetting("mail.smtp_url must look like smtp://user:password@host:587 or smtps://host.")
        if not SENDER.fullmatch(config.mail.sender):
            raise BadSetting(f"mail.sender must be an address such as post@example.org, not {config.mail.sender!r}.")


def check_network(name: str, text: str) -> None:
    """Raises BadSetting unless this is an address or a network."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise BadSetting(f"{name} must be addresses or networks, such as 127.0.0.1, not {text!r}.") from None


def unknown(name: str, known: Any) -> BadSetting:
    """The refusal of a name that is no setting, with the nearest that is."""
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return BadSetting(f"There is no setting {name}.{hint}")
