"""Fixtures that many tests share."""

import os

from hypothesis import settings

from tests.browser import browser, visitor
from tests.clock import clock
from tests.databases import database, folder, new_place, place, postgres_server, postgres_template, sqlite_template
from tests.serving import teahouse_server
from tests.world import tea

__all__ = [
    "browser",
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
    "visitor",
]

# The same samples in every run, so that a failure is the change's; `make test-long` looks further, with new ones.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "seeded"))
