"""Fixtures that many tests share."""

from tests.databases import database, postgres_database_url, postgres_template, postgres_url
from tests.serving import teahouse_server

__all__ = ["database", "postgres_database_url", "postgres_template", "postgres_url", "teahouse_server"]
