"""Refusals, in domain words. Which status and errcode each one gets is `http/errors.py`'s business alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TeahouseError(Exception):
    """A refusal the client may see. Anything else that escapes is a bug and becomes a 500."""

    def __init__(self, message: str, **extra: Any) -> None:
        """`message` is shown to a person; `extra` becomes further keys of the error's JSON."""
        super().__init__(message)
        self.message = message
        self.extra: Mapping[str, Any] = extra


class Unrecognized(TeahouseError):
    """No such endpoint."""


class MethodNotAllowed(TeahouseError):
    """The endpoint exists, but not with this method."""


class MissingToken(TeahouseError):
    """The endpoint needs an access token and none was given."""


class UnknownToken(TeahouseError):
    """The access token is not, or no longer, valid. `soft_logout=True` when it may be refreshed."""


class Forbidden(TeahouseError):
    """The requester may not do this."""


class WrongPassword(TeahouseError):
    """Login with a wrong user or password: one answer for both, so that neither can be probed."""


class LoginNotOffered(TeahouseError):
    """Login of a type that is not offered here."""


class UserDeactivated(TeahouseError):
    """The account was closed."""


class UserInUse(TeahouseError):
    """The user name is taken."""


class InvalidUsername(TeahouseError):
    """The user name breaks the grammar of user identifiers."""


class WeakPassword(TeahouseError):
    """The password breaks the operator's policy."""


class NotFound(TeahouseError):
    """The thing does not exist, or the requester may not know that it does."""


class NotJson(TeahouseError):
    """The body is not JSON."""


class BadJson(TeahouseError):
    """The body is JSON of the wrong shape."""


class InvalidParam(TeahouseError):
    """A parameter has a value outside its grammar or range."""


class MissingParam(TeahouseError):
    """A required parameter is absent."""


class TooLarge(TeahouseError):
    """The body, event or upload exceeds its limit."""


class ProfileTooLarge(TeahouseError):
    """The profile, with the new field, would exceed its limit."""


class KeyTooLarge(TeahouseError):
    """The name of the profile field exceeds its limit."""


class LimitExceeded(TeahouseError):
    """Too many requests; pass `retry_after_ms=`."""


class RoomInUse(TeahouseError):
    """The alias is taken."""


class RoomVersionUnsupported(TeahouseError):
    """No such room version here."""


class BadAlias(TeahouseError):
    """A canonical alias does not point at its room."""


class BadState(TeahouseError):
    """The state change makes no sense now, such as unbanning one who is not banned."""


class CannotLeaveRoom(TeahouseError):
    """The requester cannot leave this room."""


class CapabilityDisabled(TeahouseError):
    """The operator, or this room, has switched the ability off."""


class InviteBlocked(TeahouseError):
    """The invited person's settings refuse invites from this sender."""


class UserAuthNeeded(TeahouseError):
    """User-interactive authentication must go on; `extra` holds flows, params, session, completed."""


class InvalidSignature(TeahouseError):
    """A signature on an uploaded key does not hold."""


class WrongBackupVersion(TeahouseError):
    """The key backup has another current version; pass `current_version=`."""


class NotYetUploaded(TeahouseError):
    """The media id was reserved, its content has not arrived in time."""


class CannotThumbnail(TeahouseError):
    """The content is no picture that can be made small."""


class RangeNotThere(TeahouseError):
    """A part of some content was asked for that lies beyond its end. `size_bytes` says where that is."""


class FormatNotOffered(TeahouseError):
    """The answer was asked for in a format that is not offered."""


class CannotOverwriteMedia(TeahouseError):
    """The media id already has content."""


class StorageFull(TeahouseError):
    """The disk is full: writes are refused until there is room."""


class Unavailable(TeahouseError):
    """The service cannot answer now (stopping, overloaded, or its store is down); the request may be retried."""


class Conflict(TeahouseError):
    """The thing changed meanwhile, or exists already."""


class NoRuleToPlaceBy(TeahouseError):
    """A push rule should go before or after another of the user's own that is not there."""


class DuplicateAnnotation(TeahouseError):
    """The same reaction by the same user stands there already."""


class NoThread(TeahouseError):
    """No thread can begin at this event."""


class InvalidRoomState(TeahouseError):
    """The state that a new room was to begin with breaks the rules of rooms."""


class ServerControlled(TeahouseError):
    """Account data that the server alone writes."""


class StillJoined(TeahouseError):
    """A room can be forgotten only after it was left."""


class FetchRefused(TeahouseError):
    """The server does not fetch from this address, whoever asks."""


class OutsideFailed(TeahouseError):
    """Another server did not do what was asked of it: not found, not in time, or not as it should."""
