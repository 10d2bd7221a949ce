"""Fixtures that many tests share."""

from tests.serving import teahouse_server

__all__ = ["teahouse_server"]
