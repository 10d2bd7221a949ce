"""How stored content is labelled when it is served. Pure.

Sources: Client-Server API, "Serving inline content"; RFC 6266 and RFC 8187 for file names.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from teahouse.media.types import CONTENT_TYPE_MAX_CHARS, DEFAULT_CONTENT_TYPE

# The specification's list: what no browser runs.
INLINE = frozenset(
    {
        "text/css", "text/plain", "text/csv", "application/json", "application/ld+json",
        "image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime",
        "audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav", "audio/x-wav",
        "audio/x-pn-wav", "audio/flac", "audio/x-flac",
    }
)  # fmt: skip
SAFE_HEADERS = [
    (
        b"content-security-policy",
        b"sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline';"
        b" object-src 'self';",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
]
# An id never changes its content. Private: only those signed in may have it.
PRIVATE = (b"cache-control", b"private, max-age=31536000, immutable")
# What is public may cease to be: whoever keeps a copy asks again soon.
PUBLIC = (b"cache-control", b"public, max-age=300, must-revalidate")

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(\s*;\s*{_TOKEN}=({_TOKEN}|"[^"\\\x00-\x1f\x7f-\U0010ffff]*"))*')
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 !#$&'()+,.;=@\[\]^_`{}~-]+")


def content_type(text: str | None) -> str:
    """The content type as given by the uploader; what is none becomes `application/octet-stream`."""
    text = (text or "").strip()
    if len(text) > CONTENT_TYPE_MAX_CHARS or not _CONTENT_TYPE.fullmatch(text):
        return DEFAULT_CONTENT_TYPE
    return text


def content_disposition(content_type: str, file_name: str | None) -> bytes:
    """The header: inline or attachment by the type alone, and the file name in a form every client reads."""
    essence = content_type.partition(";")[0].strip().lower()
    kind = "inline" if essence in INLINE else "attachment"
    if not file_name:
        return kind.encode()
    if _PLAIN_NAME.fullmatch(file_name):
        return f'{kind}; filename="{file_name}"'.encode()
    return f"{kind}; filename*=utf-8''{quote(file_name, safe='')}".encode()
