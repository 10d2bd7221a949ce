"""A voice note and a picture, made here: small, real, and different each time."""

import secrets
import struct
from io import BytesIO
from pathlib import Path

from PIL import Image

SAMPLE_RATE_HZ = 48_000
FRAME_SAMPLES = 960  # 20 ms
PRE_SKIP_SAMPLES = 312
# RFC 6716: configuration 31 (CELT, full band, 20 ms), mono, one frame; the frame is silence.
SILENCE = b"\xf8\xff\xfe"
PAGE_PACKETS = 50  # of at most 255 segments; a packet here is one
FIRST_PAGE, LAST_PAGE = 0x02, 0x04  # RFC 3533, header_type_flag


def voice_note(path: Path, seconds: int) -> Path:
    """Write a note in Ogg Opus (RFC 7845): mono, 20 ms frames, a title nobody else uses."""
    title = f"TITLE={secrets.token_hex(32)}".encode()
    vendor = b"teahouse"
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, PRE_SKIP_SAMPLES, SAMPLE_RATE_HZ, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(title)) + title
    frames = seconds * SAMPLE_RATE_HZ // FRAME_SAMPLES
    serial = secrets.randbits(32)
    pages = [_page([head], 0, serial, 0, FIRST_PAGE), _page([tags], 0, serial, 1, 0)]
    for start in range(0, frames, PAGE_PACKETS):
        end = min(start + PAGE_PACKETS, frames)
        flags = LAST_PAGE if end == frames else 0
        pages.append(_page([SILENCE] * (end - start), end * FRAME_SAMPLES, serial, len(pages), flags))
    path.write_bytes(b"".join(pages))
    return path


def picture(path: Path, width: int, height: int) -> Path:
    """Write a JPEG of noise."""
    written = BytesIO()
    Image.frombytes("RGB", (width, height), secrets.token_bytes(width * height * 3)).save(written, "JPEG")
    path.write_bytes(written.getvalue())
    return path


def _page(packets: list[bytes], granule: int, serial: int, sequence: int, flags: int) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    header = b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, serial, sequence, 0, len(lacing)) + lacing
    page = header + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(page: bytes) -> int:
    """RFC 3533: CRC-32 with polynomial 0x04c11db7, not reflected, from zero, the field itself taken as zero."""
    remainder = 0
    for byte in page:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x04C11DB7 if remainder & 0x80000000 else 0)
        remainder &= 0xFFFFFFFF
    return remainder
