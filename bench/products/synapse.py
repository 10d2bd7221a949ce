"""The peer: Synapse from its package, in its own environment, on its default SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.products import SERVER_NAME, Verified

VERSION = "1.163.2"  # the release whose figures the design quotes
INSTALL_LIMIT_S = 900.0
UNLIMITED = {"per_second": 1_000_000, "burst_count": 1_000_000}
LIMITS = (
    "message", "registration", "registration_token_validity", "admin_redaction", "joins_per_room", "key_requests",
    "3pid_validation", "third_party_invite", "media_create", "delayed_event_mgmt", "room_creation", "reports",
    "user_directory", "profile",
)  # fmt: skip
LOGGING = {
    "version": 1,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"file": {"class": "logging.FileHandler", "formatter": "plain"}},
    "root": {"level": "ERROR", "handlers": ["file"]},
    "disable_existing_loggers": False,
}


class Synapse:
    name = "synapse"

    def __init__(self, cache: Path) -> None:
        self._environment = cache / "synapse"
        self._python = self._environment / "bin" / "python"

    def install(self) -> None:
        if self._python.exists() and self._installed() == VERSION:
            return
        venv.create(self._environment, with_pip=True)
        subprocess.run(
            [self._python, "-m", "pip", "install", "--quiet", f"matrix-synapse=={VERSION}"],
            check=True,
            timeout=INSTALL_LIMIT_S,
        )

    def version(self) -> str:
        return f"{self._installed()}, Python {self._ask('import platform; print(platform.python_version())')}"

    def prepare(self, data: Path, port: int) -> None:
        logging: dict[str, Any] = json.loads(json.dumps(LOGGING))
        logging["handlers"]["file"]["filename"] = str(data / "homeserver.log")
        (data / "logging.yaml").write_text(json.dumps(logging))  # JSON is YAML
        (data / "homeserver.yaml").write_text(json.dumps(configuration(data, port), indent=1))
        if not (data / "signing.key").exists():
            make_key = [
                str(self._python),
                "-m",
                "synapse._scripts.generate_signing_key",
                "-o",
                str(data / "signing.key"),
            ]
            subprocess.run(make_key, check=True, timeout=60)

    def command(self, data: Path, port: int) -> Sequence[str]:
        return [str(self._python), "-m", "synapse.app.homeserver", "-c", str(data / "homeserver.yaml")]

    def builder(self, data: Path, port: int) -> Sequence[str]:
        return self.command(data, port)

    def environment(self) -> Mapping[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def durability(self, data: Path) -> Mapping[str, str]:
        """`journal_mode` is in the file; `synchronous` belongs to the connection, and Synapse leaves SQLite's default.

        That default is asked of the SQLite that Synapse's Python is linked to.
        """
        with sqlite3.connect(f"file:{data / 'homeserver.db'}?mode=ro", uri=True) as connection:
            journal_mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        connection.close()
        default = self._ask("import sqlite3; print(sqlite3.connect('').execute('PRAGMA synchronous').fetchone()[0])")
        names = {"0": "OFF", "1": "NORMAL", "2": "FULL", "3": "EXTRA"}
        return {"engine": "sqlite", "journal_mode": journal_mode, "synchronous": f"{names[default]} (its default)"}

    def settings(self) -> str:
        return (
            "default SQLite and caches; rate limits, presence, URL previews and federation off, "
            "bcrypt at its fewest rounds, log at ERROR"
        )

    def load_followers(self, data: Path, handle: str, count: int) -> None:
        """It has no public accounts."""
        raise NotImplementedError

    def verify(self, data: Path) -> Verified | None:
        return None

    def _installed(self) -> str:
        return self._ask("import importlib.metadata as m; print(m.version('matrix-synapse'))")

    def _ask(self, program: str) -> str:
        done = subprocess.run([self._python, "-c", program], capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip()


def configuration(data: Path, port: int) -> dict[str, Any]:
    """Defaults, save for what would refuse the load or slow it beside the question."""
    limits: dict[str, Any] = {f"rc_{name}": UNLIMITED for name in LIMITS}
    limits["rc_login"] = {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED}
    limits["rc_joins"] = {"local": UNLIMITED, "remote": UNLIMITED}
    limits["rc_invites"] = {"per_room": UNLIMITED, "per_user": UNLIMITED, "per_issuer": UNLIMITED}
    limits["rc_presence"] = {"per_user": UNLIMITED}
    listener = {
        "port": port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": ["client"], "compress": False}],
    }  # fmt: skip
    return limits | {
        "server_name": SERVER_NAME,
        "pid_file": str(data / "homeserver.pid"),
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(data / "homeserver.db")}},
        "log_config": str(data / "logging.yaml"),
        "media_store_path": str(data / "media"),
        "signing_key_path": str(data / "signing.key"),
        "macaroon_secret_key": "bench",
        "form_secret": "bench",
        "report_stats": False,
        "trusted_key_servers": [],
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
    }
