"""Teahouse from this source tree, on its embedded database."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from bench.products import SERVER_NAME, Verified

COMMAND_LIMIT_S = 300.0  # `verify` rereads everything
NO_LIMIT = "1000000000"
SOURCE = Path(__file__).parents[2]


class Teahouse:
    name = "teahouse"

    def install(self) -> None:
        """It runs from the environment that runs the bench."""

    def version(self) -> str:
        return f"{metadata.version('teahouse')}, Python {platform.python_version()}"

    def prepare(self, data: Path, port: int) -> None:
        """It creates what it needs."""

    def command(self, data: Path, port: int) -> Sequence[str]:
        return [*_teahouse("serve", data), "--host", "127.0.0.1", "--port", str(port)]

    def builder(self, data: Path, port: int) -> Sequence[str]:
        script = SOURCE / "bench" / "products" / "building.py"
        # -P: not with the folder of the script first, where this file would stand for the product
        return [sys.executable, "-P", str(script), *self.command(data, port)[3:]]

    def environment(self) -> Mapping[str, str]:
        return os.environ | {
            "TEAHOUSE_SERVER_NAME": SERVER_NAME,
            "TEAHOUSE_REGISTRATION": "open",
            "TEAHOUSE_RATE_LIMITS_ENABLED": "false",
            "TEAHOUSE_GREETINGS_REQUIRED": "false",
            "TEAHOUSE_PUBLIC_ACCOUNTS_OWNED_MAX": NO_LIMIT,
            "TEAHOUSE_PUBLIC_ACCOUNTS_MEDIA_POSTS_PER_DAY": NO_LIMIT,
        }

    def durability(self, data: Path) -> Mapping[str, str]:
        status = self._run("status", data)
        status.check_returncode()
        return {name: str(value) for name, value in json.loads(status.stdout)["durability"].items()}

    def settings(self) -> str:
        return "embedded SQLite; rate limits, greetings and quotas of public accounts off, registration open"

    def load_followers(self, data: Path, handle: str, count: int) -> None:
        """By the documented command, into the tables that following fills."""
        done = self._run("accounts", data, "load-followers", handle, "--synthetic", str(count))
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or done.stdout.strip())

    def verify_accounts(self, data: Path) -> None:
        """Into the tables that verdicts fill, by the code that guards a verified name."""
        module = "bench.products.verified"
        subprocess.run([sys.executable, "-m", module, str(data)], cwd=SOURCE, check=True, timeout=COMMAND_LIMIT_S)

    def verify(self, data: Path) -> Verified | None:
        """`teahouse verify` must exit 0; its count is `messages` of the JSON object it ends with."""
        done = self._run("verify", data)
        lines = done.stdout.strip().splitlines()
        try:
            found = json.loads(lines[-1]) if lines else {}
        except json.JSONDecodeError:
            found = {}
        return Verified(done.returncode == 0, found.get("messages"), (done.stdout + done.stderr).strip()[-500:])

    def _run(self, verb: str, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            _teahouse(verb, data, *words),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_LIMIT_S,
        )


def _teahouse(verb: str, data: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "teahouse", verb, *words, "--data", str(data)]
