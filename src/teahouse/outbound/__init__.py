"""Reaching the outside world: fetching, looking up names, sending mail."""
