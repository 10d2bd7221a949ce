"""Fixtures that many tests share."""

from tests.clock import clock
from tests.databases import database, folder, new_place, place, postgres_server, postgres_template, sqlite_template
from tests.serving import teahouse_server
from tests.world import tea

__all__ = [
    "clock",
    "database",
    "folder",
    "new_place",
    "place",
    "postgres_server",
    "postgres_template",
    "sqlite_template",
    "tea",
    "teahouse_server",
]
