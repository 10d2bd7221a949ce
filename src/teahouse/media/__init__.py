"""Uploaded content: stored once, served safely, made small."""

from teahouse.media.api import MediaApi
from teahouse.media.public_api import PublicMediaApi
from teahouse.media.service import MediaService
from teahouse.media.types import MediaLimits, Problem

__all__ = ["MediaApi", "MediaLimits", "MediaService", "Problem", "PublicMediaApi"]
