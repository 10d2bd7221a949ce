"""The command line: what each command takes, does and prints."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from teahouse.admin.socket import ask
from teahouse.config import Config, settings, without_password

Run = Callable[[argparse.Namespace, Config], int]


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Declare every command."""
    one = commands.add_parser("serve", parents=[common], help="run the server")
    one.add_argument("--host", help="address to serve on")
    one.add_argument("--port", help="port to serve on; 0 takes any")
    one.add_argument("--server-name", help="the server's name, at the first start")
    one.set_defaults(run=run_serve)
    add_users(commands.add_parser("user", help="accounts").add_subparsers(required=True, metavar="ACTION"), common)
    add_tokens(
        commands.add_parser("token", help="registration tokens").add_subparsers(required=True, metavar="ACTION"), common
    )
    accounts = commands.add_parser("accounts", help="public accounts")
    add_accounts(accounts.add_subparsers(required=True, metavar="ACTION"), common)
    one = commands.add_parser("status", parents=[common], help="what the running server says of itself, as JSON")
    one.set_defaults(run=run_status)
    one = commands.add_parser("verify", parents=[common], help="reread the stored data and prove that it fits together")
    one.set_defaults(run=run_verify)
    one = commands.add_parser(
        "backup", parents=[common], help="copy everything into a new folder, beside a running server"
    )
    one.add_argument("target", help="the folder to make")
    one.set_defaults(run=run_backup)
    one = commands.add_parser("restore", parents=[common], help="put a backup into an empty data folder")
    one.add_argument("source", help="the folder of the backup")
    one.set_defaults(run=run_restore)
    one = commands.add_parser(
        "demo", parents=[common], help="fill an instance that has no users with a small town, to look around in"
    )
    one.set_defaults(run=run_demo)
    one = commands.add_parser("config", parents=[common], help="every setting with its value, default, unit and reason")
    one.set_defaults(run=run_config)


def add_users(users: Any, common: argparse.ArgumentParser) -> None:
    """`teahouse user …`."""
    one = users.add_parser("add", parents=[common], help="make an account; asks for the password")
    one.add_argument("name")
    one.add_argument("--admin", action="store_true", help="make it an administrator")
    one.set_defaults(run=run_user_add)
    one = users.add_parser("password", parents=[common], help="set a password; signs the account out everywhere")
    one.add_argument("name")
    one.set_defaults(run=run_user_password)
    one = users.add_parser("deactivate", parents=[common], help="close an account; its owner is told why")
    one.add_argument("name")
    one.add_argument("--reason", help="told to the owner, and written into the register")
    one.set_defaults(run=run_user_deactivate)
    one = users.add_parser("list", parents=[common], help="every account")
    one.set_defaults(run=run_user_list)


def add_tokens(tokens: Any, common: argparse.ArgumentParser) -> None:
    """`teahouse token …`."""
    one = tokens.add_parser("create", parents=[common], help="make a registration token")
    one.add_argument("--token", help="the word itself; random without")
    one.add_argument("--uses", type=int, help="how often it can be used; any number without")
    one.add_argument("--days", type=int, help="how long it is valid; for ever without")
    one.set_defaults(run=run_token_create)
    one = tokens.add_parser("list", parents=[common], help="every registration token")
    one.set_defaults(run=run_token_list)


def add_accounts(accounts: Any, common: argparse.ArgumentParser) -> None:
    """`teahouse accounts …`."""
    one = accounts.add_parser("load-followers", parents=[common], help="let many users follow a public account")
    one.add_argument("handle", help="the account")
    whom = one.add_mutually_exclusive_group(required=True)
    whom.add_argument("file", nargs="?", help="a list: one user name or id a line")
    whom.add_argument("--synthetic", type=int, metavar="N", help="make N users whom nobody signs in as, to measure")
    one.set_defaults(run=run_load_followers)


def run_serve(given: argparse.Namespace, config: Config) -> int:
    """Run the server."""
    from teahouse.admin.serve import serve

    return serve(config)


def run_user_add(given: argparse.Namespace, config: Config) -> int:
    """Make an account."""
    done = perform(config, {"command": "user add", "name": given.name, "password": password(), "admin": given.admin})
    print(f"Made {done['user_id']}.")
    return 0


def run_user_password(given: argparse.Namespace, config: Config) -> int:
    """Set a password."""
    done = perform(config, {"command": "user password", "name": given.name, "password": password()})
    print(f"{done['user_id']} has a new password and was signed out everywhere.")
    return 0


def run_user_deactivate(given: argparse.Namespace, config: Config) -> int:
    """Close an account."""
    reason = given.reason
    if reason is None and sys.stdin.isatty():
        reason = input("Reason, as its owner will read it: ")
    done = perform(config, {"command": "user deactivate", "name": given.name, "reason": reason or ""})
    print(f"{done['user_id']} is closed; whoever signs in to it reads the reason.")
    return 0


def run_user_list(given: argparse.Namespace, config: Config) -> int:
    """List accounts."""
    for user in perform(config, {"command": "user list"})["users"]:
        notes = ["administrator"] if user["admin"] else []
        if user["closed_ms"] is not None:
            notes.append(f"closed {day(user['closed_ms'])}: {user['closed_reason'] or 'by its owner'}")
        print(f"{user['user_id']}  since {day(user['created_ms'])}  {', '.join(notes)}".rstrip())
    return 0


def run_token_create(given: argparse.Namespace, config: Config) -> int:
    """Make a registration token."""
    request = {"command": "token create", "token": given.token, "uses": given.uses, "days": given.days}
    print(perform(config, request)["token"])
    return 0


def run_token_list(given: argparse.Namespace, config: Config) -> int:
    """List registration tokens."""
    for token in perform(config, {"command": "token list"})["tokens"]:
        uses = "any number" if token["uses_allowed"] is None else token["uses_allowed"]
        until = "for ever" if token["expires_ms"] is None else f"until {day(token['expires_ms'])}"
        state = "valid" if token["valid"] else "used up or expired"
        print(f"{token['token']}  used {token['uses']} of {uses}  {until}  {state}")
    return 0


def run_load_followers(given: argparse.Namespace, config: Config) -> int:
    """Load followers; the exit status says whether every name of the list was a user."""
    request = {"command": "accounts load-followers", "handle": given.handle, "synthetic": given.synthetic}
    if given.file is not None:
        request["file"] = str(Path(given.file).resolve())
    done = perform(config, request)
    others = f"{done['before']:,} did or had left before, {done['full']:,} follow as many as one may"
    print(f"{done['followers']:,} follow now; {others}.")
    for name in done["examples"]:
        print(f"There is no user {name}.", file=sys.stderr)
    if done["unknown"] > len(done["examples"]):
        print(f"{done['unknown']:,} names in all are no users.", file=sys.stderr)
    return 1 if done["unknown"] else 0


def run_status(given: argparse.Namespace, config: Config) -> int:
    """Print what the server says of itself."""
    print(json.dumps(perform(config, {"command": "status"})))
    return 0


def run_verify(given: argparse.Namespace, config: Config) -> int:
    """Reread everything; the exit status says whether all is well. The last line is JSON."""
    found = perform(config, {"command": "verify"})
    for problem in found.pop("found"):
        print(f"PROBLEM: {problem}")
    print(json.dumps(found))
    return 1 if found["problems"] else 0


def run_backup(given: argparse.Namespace, config: Config) -> int:
    """Make a backup."""
    config_file = None if given.config is None else str(Path(given.config).resolve())
    request = {"command": "backup", "target": str(Path(given.target).resolve()), "config_file": config_file}
    about = perform(config, request)
    print(f"Backed up {about['server_name']} with {about['media']} media files to {given.target}.")
    return 0


def run_restore(given: argparse.Namespace, config: Config) -> int:
    """Restore a backup."""
    from teahouse.admin.backup import restore

    about = restore(config, Path(given.source))
    print(f"Restored {about['server_name']} into {config.data_dir}. Start it with `teahouse serve`.")
    return 0


def run_demo(given: argparse.Namespace, config: Config) -> int:
    """Fill a fresh instance."""
    made = perform(config, {"command": "demo"})
    base = made["public_url"].rstrip("/") or f"http://{config.listen}"
    print(f"A small town lives here now: {len(made['people'])} people, {len(made['groups'])} groups,")
    print(f"{made['moments']} moments and {len(made['accounts'])} public accounts.\n")
    print(f"  Look around:  {base}/explore")
    print(f"  Sign in:      at {base} with any Matrix app, as one of")
    for user_id in made["people"]:
        print(f"                {user_id}{'  (administrator)' if user_id in made['admins'] else ''}")
    print(f"  Password:     {made['password']}  (the same for all; it is shown only here)\n")
    print("Before real people come, begin again with an empty data folder.")
    return 0


def run_config(given: argparse.Namespace, config: Config) -> int:
    """Print every setting."""
    for setting in settings(config):
        unit = f" {setting.unit}" if setting.unit else ""
        value = without_password(str(setting.value))
        print(f"{setting.name} = {value}{unit}  (default {setting.default!s})\n    {setting.about}")
    return 0


def perform(config: Config, request: dict[str, Any]) -> dict[str, Any]:
    """Have something done: by the running server, else directly on its data, which is locked meanwhile."""
    answer = ask(config.data_dir, request)
    if answer is not None:
        return answer
    # The whole application takes a second to import, which a command that only asks the server need not wait for.
    from teahouse.admin.direct import perform_directly

    return perform_directly(config, request)


def password() -> str:
    """A password from the terminal, or one line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password: ")


def day(moment_ms: int) -> str:
    """A moment as a date."""
    return datetime.fromtimestamp(moment_ms / 1_000, UTC).strftime("%Y-%m-%d")
