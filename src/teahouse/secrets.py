"""The server's own keys: made once, kept in the data folder, part of every backup."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from teahouse.eventlog.identifiers import ID_KEY_BYTES

FILE = "secrets.json"


@dataclass(frozen=True, slots=True)
class Secrets:
    """`id_key` seals event and room ids: without it no id can be read."""

    id_key: bytes


def load_or_make(folder: Path) -> Secrets:
    """The keys of a data folder, made on the first start; readable by the server's user alone."""
    path = folder / FILE
    if not path.exists():
        made = path.with_suffix(".new")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"id_key": secrets.token_hex(ID_KEY_BYTES)}, file)
            file.flush()
            os.fsync(file.fileno())
        made.rename(path)
        sync_folder(folder)
    return Secrets(bytes.fromhex(json.loads(path.read_text())["id_key"]))


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
