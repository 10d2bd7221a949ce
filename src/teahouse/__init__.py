"""Teahouse: a self-hosted instant-messaging service that speaks the Matrix Client-Server API."""

__version__ = "0.1.0"
