"""The process that decodes pictures: apart from the server, so that a hostile one can only hurt itself.

Run as a script, not as a module of the package: it imports Pillow and nothing else. Reads one JSON object a line and
answers one JSON object a line; ends when its input ends. A picture that would need too much is refused by what its
header says, before anything is decoded; memory is bounded by the system.

    {"source": path, "target": path, "width": n, "height": n, "crop": b, "animated": b, "pixels_max": n}
    {"outcome": "made" | "original" | "too_large" | "not_a_picture", "format": "PNG" | "JPEG" | "GIF" | "WEBP"}
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from PIL import Image, ImageOps, ImageSequence

MEMORY_MAX_BYTES = 1_073_741_824  # address space of this process
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
FRAMES_MAX = 200  # of an animation; longer ones get a still thumbnail
ANIMATION_PIXELS_MAX = 200_000_000  # decoded pixels of all frames together
ANIMATION_OUTPUT_PIXELS_MAX = 24_000_000  # pixels of all frames of the thumbnail, 96 MB of memory
JPEG_QUALITY = 82
WEBP_QUALITY = 75

Request = dict[str, Any]


def main() -> None:
    """Answer requests until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    Image.MAX_IMAGE_PIXELS = None  # the requests bring the bound, as a refusal and not as a warning
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def answer(request: Request) -> dict[str, str]:
    """Make one thumbnail. Whatever a decoder raises means that this is no picture to make one of."""
    try:
        with Image.open(request["source"], formats=FORMATS) as picture:
            if picture.width * picture.height > request["pixels_max"]:
                return {"outcome": "too_large"}
            return made(picture, request)
    except MemoryError:
        return {"outcome": "too_large"}
    except Exception:
        return {"outcome": "not_a_picture"}


def made(picture: Image.Image, request: Request) -> dict[str, str]:
    """The thumbnail of an opened picture, or word that the original serves as well."""
    source_format = str(picture.format)
    moves = getattr(picture, "is_animated", False)
    size = upright_size(picture)
    box = (request["width"], request["height"])
    if (not moves or request["animated"]) and size[0] <= box[0] and size[1] <= box[1]:
        return {"outcome": "original", "format": source_format}
    if moves and request["animated"] and animation_fits(picture, size, box):
        frames = [reduced(frame.convert("RGBA"), box, request["crop"]) for frame in ImageSequence.Iterator(picture)]
        durations = [frame.info.get("duration", 100) for frame in ImageSequence.Iterator(picture)]
        frames[0].save(
            request["target"], "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=0,
            quality=WEBP_QUALITY,
        )  # fmt: skip
        return {"outcome": "made", "format": "WEBP"}
    picture.seek(0)
    if source_format == "JPEG":
        # The decoder can halve while it decodes: a fraction of the memory for a photo.
        picture.draft("RGB", (2 * max(box), 2 * max(box)))
    still = ImageOps.exif_transpose(picture)
    transparent = still.mode in ("RGBA", "LA", "PA") or "transparency" in still.info
    still = reduced(still.convert("RGBA" if transparent else "RGB"), box, request["crop"])
    if source_format == "JPEG":
        still.save(request["target"], "JPEG", quality=JPEG_QUALITY, optimize=True)
        return {"outcome": "made", "format": "JPEG"}
    still.save(request["target"], "PNG")
    return {"outcome": "made", "format": "PNG"}


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as a person sees the picture: its camera may have lain on the side."""
    sideways = picture.getexif().get(0x0112) in (5, 6, 7, 8)
    return (picture.height, picture.width) if sideways else (picture.width, picture.height)


def reduced(picture: Image.Image, box: tuple[int, int], crop: bool) -> Image.Image:
    """The picture made small, never larger than it is: filling the box and cut to it, or fitted into it."""
    width, height = picture.size
    scale = min(1.0, (max if crop else min)(box[0] / width, box[1] / height))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    part = (0.0, 0.0, float(width), float(height))
    if crop:
        across, down = min(across, box[0]), min(down, box[1])
        left, top = (width - across / scale) / 2, (height - down / scale) / 2
        part = (max(0.0, left), max(0.0, top), min(float(width), width - left), min(float(height), height - top))
    return picture.resize((across, down), Image.Resampling.LANCZOS, box=part, reducing_gap=3.0)


def animation_fits(picture: Image.Image, size: tuple[int, int], box: tuple[int, int]) -> bool:
    """Whether all frames of an animation can be made small within the bounds."""
    frames: int = getattr(picture, "n_frames", 1)
    pixels = size[0] * size[1]
    output = min(size[0], box[0]) * min(size[1], box[1])
    within = frames * pixels <= ANIMATION_PIXELS_MAX and frames * output <= ANIMATION_OUTPUT_PIXELS_MAX
    return frames <= FRAMES_MAX and within


if __name__ == "__main__":
    main()
