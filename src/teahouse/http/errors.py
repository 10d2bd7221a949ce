"""Refusals to status and errcode: the only file that spells an errcode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teahouse import errors
from teahouse.errors import TeahouseError
from teahouse.http import codec
from teahouse.http.messages import Response

RESPONSES: Mapping[type[TeahouseError], tuple[int, str]] = {
    errors.Unrecognized: (404, "M_UNRECOGNIZED"),
    errors.MethodNotAllowed: (405, "M_UNRECOGNIZED"),
    errors.MissingToken: (401, "M_MISSING_TOKEN"),
    errors.UnknownToken: (401, "M_UNKNOWN_TOKEN"),
    errors.Forbidden: (403, "M_FORBIDDEN"),
    errors.WrongPassword: (403, "M_FORBIDDEN"),
    errors.LoginNotOffered: (400, "M_UNKNOWN"),
    errors.UserDeactivated: (403, "M_USER_DEACTIVATED"),
    errors.UserInUse: (400, "M_USER_IN_USE"),
    errors.InvalidUsername: (400, "M_INVALID_USERNAME"),
    errors.WeakPassword: (400, "M_WEAK_PASSWORD"),
    errors.NotFound: (404, "M_NOT_FOUND"),
    errors.NotJson: (400, "M_NOT_JSON"),
    errors.BadJson: (400, "M_BAD_JSON"),
    errors.InvalidParam: (400, "M_INVALID_PARAM"),
    errors.MissingParam: (400, "M_MISSING_PARAM"),
    errors.TooLarge: (413, "M_TOO_LARGE"),
    errors.ProfileTooLarge: (400, "M_PROFILE_TOO_LARGE"),
    errors.KeyTooLarge: (400, "M_KEY_TOO_LARGE"),
    errors.LimitExceeded: (429, "M_LIMIT_EXCEEDED"),
    errors.RoomInUse: (400, "M_ROOM_IN_USE"),
    errors.RoomVersionUnsupported: (400, "M_UNSUPPORTED_ROOM_VERSION"),
    errors.BadAlias: (400, "M_BAD_ALIAS"),
    errors.BadState: (403, "M_BAD_STATE"),
    errors.CannotLeaveRoom: (403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"),
    errors.CapabilityDisabled: (403, "M_FORBIDDEN"),
    errors.InviteBlocked: (403, "M_INVITE_BLOCKED"),
    errors.UserAuthNeeded: (401, "M_FORBIDDEN"),
    errors.InvalidSignature: (400, "M_INVALID_SIGNATURE"),
    errors.WrongBackupVersion: (403, "M_WRONG_ROOM_KEYS_VERSION"),
    errors.NotYetUploaded: (504, "M_NOT_YET_UPLOADED"),
    errors.CannotThumbnail: (400, "M_UNKNOWN"),
    errors.CannotOverwriteMedia: (409, "M_CANNOT_OVERWRITE_MEDIA"),
    errors.RangeNotThere: (416, "M_INVALID_PARAM"),
    errors.FormatNotOffered: (501, "M_UNRECOGNIZED"),
    errors.StorageFull: (507, "M_RESOURCE_LIMIT_EXCEEDED"),
    errors.Unavailable: (503, "M_UNKNOWN"),
    errors.Conflict: (409, "M_UNKNOWN"),
    errors.NoRuleToPlaceBy: (400, "M_UNKNOWN"),
    errors.DuplicateAnnotation: (400, "M_DUPLICATE_ANNOTATION"),
    errors.NoThread: (400, "M_UNKNOWN"),
    errors.InvalidRoomState: (400, "M_INVALID_ROOM_STATE"),
    errors.ServerControlled: (405, "M_BAD_JSON"),
    errors.StillJoined: (400, "M_UNKNOWN"),
    errors.FetchRefused: (400, "M_INVALID_PARAM"),
    errors.OutsideFailed: (502, "M_UNKNOWN"),
}
INTERNAL = (500, "M_UNKNOWN", "The server made a mistake. It has been logged; please try again.")


def body(error: TeahouseError) -> dict[str, Any]:
    """The JSON of a refusal."""
    return {"errcode": RESPONSES[type(error)][1], "error": error.message} | dict(error.extra)


def response(error: TeahouseError, admin_contact: str = "") -> Response:
    """The answer for a refusal. What the operator alone can mend says where to reach them."""
    status, errcode = RESPONSES[type(error)]
    extra = dict(error.extra)
    if isinstance(error, errors.StorageFull):
        extra["admin_contact"] = admin_contact
    if isinstance(error, errors.UserAuthNeeded) and not extra.pop("failed", False):
        # A stage that was not tried yet is no error: the flows alone are the answer.
        return codec.reply(extra, status)
    reply = codec.reply({"errcode": errcode, "error": error.message} | extra, status)
    retry_after_ms = extra.get("retry_after_ms")
    if isinstance(retry_after_ms, int):
        seconds = -(-retry_after_ms // 1_000)
        reply.headers.append((b"retry-after", str(seconds).encode()))
    if isinstance(error, errors.RangeNotThere):
        reply.headers.append((b"content-range", f"bytes */{extra['size_bytes']}".encode()))
    return reply


def internal() -> Response:
    """The answer for a bug."""
    status, errcode, text = INTERNAL
    return codec.reply({"errcode": errcode, "error": text}, status)
