"""What publishers see of how their posts do: counts, never people."""

from __future__ import annotations

from teahouse.analytics.api import AnalyticsApi
from teahouse.analytics.readings import Readings
from teahouse.analytics.reports import Reports

__all__ = ["AnalyticsApi", "Readings", "Reports"]
