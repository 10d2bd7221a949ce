"""Pictures for a town that does not exist: hills and water in the light of an hour, and emblems. Drawn, not stored."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

SCALE = 2  # drawn so much larger, then made small: edges come out smooth
HILLS = 5  # ranges of hills one behind the other
# The sky above, the sky below, the sun, the farthest hill, the nearest.
HOURS: dict[str, Sequence[Colour]] = {
    "dawn": ((116, 140, 178), (250, 208, 178), (255, 240, 214), (176, 160, 176), (58, 74, 78)),
    "noon": ((112, 172, 206), (226, 240, 236), (255, 252, 232), (150, 188, 180), (40, 98, 74)),
    "dusk": ((72, 62, 104), (238, 142, 96), (255, 214, 150), (150, 96, 112), (44, 36, 56)),
    "night": ((16, 24, 44), (52, 72, 104), (236, 236, 214), (44, 62, 88), (12, 20, 30)),
    "autumn": ((166, 190, 200), (248, 228, 190), (255, 246, 220), (206, 158, 106), (112, 58, 40)),
    "rain": ((120, 132, 138), (206, 212, 208), (226, 230, 226), (150, 164, 162), (54, 74, 72)),
}


def landscape(hour: str, seed: int, width: int = 1200, height: int = 800, *, river: bool = False) -> bytes:
    """A JPEG of hills at an hour; the same for the same seed."""
    rng = random.Random(seed)
    high, low, sun, far, near = HOURS[hour]
    wide, tall = width * SCALE, height * SCALE
    image = Image.new("RGB", (wide, tall), low)
    sky = Image.linear_gradient("L").resize((wide, tall * 6 // 10))
    image.paste(Image.composite(Image.new("RGB", sky.size, low), Image.new("RGB", sky.size, high), sky))
    draw = ImageDraw.Draw(image)
    at, radius = (rng.uniform(0.2, 0.8) * wide, rng.uniform(0.18, 0.36) * tall), tall * rng.uniform(0.05, 0.08)
    draw.ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), fill=sun)
    if hour == "night":
        for _ in range(120):
            x, y, size = rng.uniform(0, wide), rng.uniform(0, tall * 0.5), rng.uniform(1, 3)
            draw.ellipse((x, y, x + size, y + size), fill=sun)
    for layer in range(HILLS):
        depth = layer / (HILLS - 1)
        outline = ridge(rng, wide, tall, 0.42 + 0.11 * layer, 0.06 + 0.02 * depth)
        draw.polygon([(0, tall), *outline, (wide, tall)], fill=mixed(far, near, depth))
    if river:
        stream(draw, wide, tall, mixed(low, sun, 0.3))
    return encoded(image.resize((width, height), Image.Resampling.LANCZOS), "JPEG")


def ridge(rng: random.Random, wide: int, tall: int, base: float, swing: float) -> list[tuple[float, float]]:
    """The outline of one range of hills."""
    waves = [(rng.uniform(0.6, 3.5) * (turn + 1), rng.uniform(0, 6.3), 1 / (turn + 1)) for turn in range(3)]
    points = []
    for step in range(161):
        x = step / 160
        rise = sum(math.sin(x * pace * 3 + phase) * weight for pace, phase, weight in waves)
        points.append((x * wide, (base - swing * rise) * tall))
    return points


def stream(draw: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour) -> None:
    """A river that comes towards one."""
    left, right = [], []
    for step in range(61):
        depth = step / 60
        middle = (0.5 + 0.16 * math.sin(depth * 4.2) * (1 - depth * 0.3)) * wide
        half = (0.004 + 0.17 * depth**2.2) * wide
        y = (0.74 + 0.26 * depth) * tall
        left.append((middle - half, y))
        right.append((middle + half, y))
    draw.polygon([*left, *reversed(right)], fill=colour)


def emblem(shape: str, ground: Colour, ink: Colour, side: int = 480) -> bytes:
    """A PNG of a simple sign: cup, leaf, lantern, bridge, flower or sun."""
    size = side * SCALE
    image = Image.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(image)
    unit = size / 100
    SHAPES[shape](draw, unit, ground, ink)
    return encoded(image.resize((side, side), Image.Resampling.LANCZOS), "PNG")


def cup(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    draw.chord((22 * unit, 14 * unit, 78 * unit, 82 * unit), 0, 180, fill=ink)
    draw.rounded_rectangle((36 * unit, 82 * unit, 64 * unit, 87 * unit), 2 * unit, fill=ink)
    for x in (41, 56):
        draw.arc((x * unit, 20 * unit, (x + 8) * unit, 31 * unit), 90, 270, fill=ink, width=int(3 * unit))
        draw.arc((x * unit, 31 * unit, (x + 8) * unit, 42 * unit), 270, 90, fill=ink, width=int(3 * unit))


def leaf(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    points = [(50 + 24 * math.sin(step / 40 * math.pi), 14 + 72 * step / 40) for step in range(41)]
    mirrored = [(100 - x, y) for x, y in reversed(points)]
    draw.polygon([(x * unit, y * unit) for x, y in points + mirrored], fill=ink)
    draw.line((50 * unit, 24 * unit, 50 * unit, 92 * unit), fill=ground, width=int(2.5 * unit))
    for y in (42, 56, 70):
        draw.line((50 * unit, y * unit, 64 * unit, (y - 10) * unit), fill=ground, width=int(2 * unit))
        draw.line((50 * unit, y * unit, 36 * unit, (y - 10) * unit), fill=ground, width=int(2 * unit))


def lantern(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    draw.line((50 * unit, 8 * unit, 50 * unit, 22 * unit), fill=ink, width=int(2.5 * unit))
    draw.ellipse((22 * unit, 24 * unit, 78 * unit, 74 * unit), fill=ink)
    for x in (36, 64):
        draw.arc((min(x, 100 - x) * unit, 24 * unit, max(x, 100 - x) * unit, 74 * unit), 0, 360, fill=ground,
                 width=int(1.8 * unit))  # fmt: skip
    draw.rounded_rectangle((38 * unit, 20 * unit, 62 * unit, 27 * unit), 2 * unit, fill=ink)
    draw.rounded_rectangle((38 * unit, 71 * unit, 62 * unit, 78 * unit), 2 * unit, fill=ink)
    for x in (44, 50, 56):
        draw.line((x * unit, 78 * unit, x * unit, 92 * unit), fill=ink, width=int(2 * unit))


def bridge(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    draw.pieslice((8 * unit, 30 * unit, 92 * unit, 110 * unit), 180, 360, fill=ink)
    draw.pieslice((26 * unit, 46 * unit, 74 * unit, 94 * unit), 180, 360, fill=ground)
    for y in (76, 84):
        draw.line((14 * unit, y * unit, 86 * unit, y * unit), fill=ink, width=int(2.5 * unit))


def flower(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    for turn in range(8):
        angle = turn * math.pi / 4
        x, y = 50 + 21 * math.cos(angle), 50 + 21 * math.sin(angle)
        draw.ellipse(((x - 13) * unit, (y - 13) * unit, (x + 13) * unit, (y + 13) * unit), fill=ink)
    draw.ellipse((38 * unit, 38 * unit, 62 * unit, 62 * unit), fill=ground)


def sun(draw: ImageDraw.ImageDraw, unit: float, ground: Colour, ink: Colour) -> None:
    for turn in range(12):
        angle = turn * math.pi / 6
        draw.line(
            [((50 + reach * math.cos(angle)) * unit, (50 + reach * math.sin(angle)) * unit) for reach in (28, 40)],
            fill=ink, width=int(4 * unit),
        )  # fmt: skip
    draw.ellipse((28 * unit, 28 * unit, 72 * unit, 72 * unit), fill=ink)


SHAPES = {"cup": cup, "leaf": leaf, "lantern": lantern, "bridge": bridge, "flower": flower, "sun": sun}


def mixed(first: Colour, second: Colour, part: float) -> Colour:
    """A colour between two."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return red, green, blue


def encoded(image: Image.Image, kind: str) -> bytes:
    """The file of a picture."""
    out = BytesIO()
    image.save(out, kind, quality=86, optimize=True)
    return out.getvalue()
