"""The server's own keys: made once, kept in the data folder, part of every backup."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from teahouse.eventlog.identifiers import ID_KEY_BYTES

FILE = "secrets.json"
ADDRESS_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """`id_key` seals event and room ids: without it no id can be read. `address_key` seals e-mail addresses."""

    id_key: bytes
    address_key: bytes


SIZES = {"id_key": ID_KEY_BYTES, "address_key": ADDRESS_KEY_BYTES}


def load_or_make(folder: Path) -> Secrets:
    """The keys of a data folder, readable by the server's user alone.

    Made on the first start; a folder of an older version gets the keys that were not there yet, and keeps the others.
    """
    path = folder / FILE
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: secrets.token_hex(size) for name, size in SIZES.items() if name not in known}
    if missing:
        made = path.with_suffix(".new")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known | missing, file)
            file.flush()
            os.fsync(file.fileno())
        made.rename(path)
        sync_folder(folder)
    return Secrets(**{name: bytes.fromhex((known | missing)[name]) for name in SIZES})


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
