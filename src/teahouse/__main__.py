"""The `teahouse` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from teahouse import __version__, config
from teahouse.config import Config
from teahouse.errors import TeahouseError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    given = parser().parse_args(arguments)
    try:
        status = int(given.run(given, load(given)))
        sys.stdout.flush()
    except TeahouseError as error:
        print(f"teahouse: {error.message}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def load(given: argparse.Namespace) -> Config:
    """The configuration of a command: file, environment, flags."""
    overrides: dict[str, str] = {}
    if given.data is not None:
        overrides["data_dir"] = given.data
    if getattr(given, "server_name", None) is not None:
        overrides["server_name"] = given.server_name
    host, port = getattr(given, "host", None), getattr(given, "port", None)
    path = None if given.config is None else Path(given.config)
    if host is not None or port is not None:
        plain = config.load(path, os.environ, overrides)
        shown = host if host is not None else plain.host
        overrides["listen"] = f"{f'[{shown}]' if ':' in shown else shown}:{port if port is not None else plain.port}"
    return config.load(path, os.environ, overrides)


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    from teahouse.admin import commands

    root = argparse.ArgumentParser(prog="teahouse", description="A self-hosted instant-messaging service.")
    root.add_argument("--version", action="version", version=f"teahouse {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    common.add_argument("--data", metavar="DIR", help="data folder; default ./data")
    commands.add(root.add_subparsers(required=True, metavar="COMMAND"), common)
    return root


if __name__ == "__main__":
    sys.exit(main())
