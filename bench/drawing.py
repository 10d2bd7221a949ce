"""The picture: for each figure of the design the peer, Teahouse and the target on one logarithmic scale (SVG)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bench.report import Line, number

WIDTH, LEFT, RIGHT, TOP = 920, 330, 120, 92  # pixels
BAND = 54  # height of one figure
BAR = 16
HALO = 'paint-order="stroke" stroke="#ffffff" stroke-width="4"'  # keeps a number legible over a target
INK, PALE, FAINT, PEER_INK, OURS_INK, TARGET_INK = "#1d2526", "#5a6664", "#dfe5e3", "#a9b3b1", "#2f7d5b", "#c2541b"


def draw(lines: Sequence[Line], subtitle: str) -> str:
    """Bars of each figure relative to the peer and target of that figure, so that unlike units share a page."""
    shown = [line for line in lines if line.target is not None and (line.peer or line.ours)]
    height = TOP + BAND * len(shown) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}" role="img">',
        "<title>Teahouse and Synapse, measured in one run</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="20" y="32" font-size="20" font-weight="600">Teahouse and Synapse, measured in one run</text>',
        f'<text x="20" y="54" fill="{PALE}">{escape(subtitle)}</text>',
        *_legend(),
    ]
    for index, line in enumerate(shown):
        parts += _band(line, TOP + BAND * index)
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> list[str]:
    entries = (("Synapse", PEER_INK), ("Teahouse", OURS_INK), ("Teahouse's target", TARGET_INK))
    parts = []
    for index, (label, ink) in enumerate(entries):
        x = LEFT + index * 120
        parts.append(
            f'<rect x="{x}" y="66" width="12" height="12" fill="{ink}"/><text x="{x + 18}" y="77">{label}</text>'
        )
    parts.append(f'<text x="20" y="77" fill="{PALE}">logarithmic, each figure on its own scale</text>')
    return parts


def _band(line: Line, y: int) -> list[str]:
    values = [value for value in (line.peer, line.ours, line.target) if value]
    low, high = math.log10(min(values)) - 0.5, math.log10(max(values))
    room = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return LEFT + room * (math.log10(value) - low) / (high - low)

    wish = "more is better" if line.better == "higher" else "less is better"
    parts = [
        f'<line x1="20" x2="{WIDTH - 20}" y1="{y}" y2="{y}" stroke="{FAINT}"/>',
        f'<text x="20" y="{y + 22}">{escape(line.name.replace("_", " "))}</text>',
        f'<text x="20" y="{y + 40}" fill="{PALE}">{escape(line.figure)}, {escape(line.unit)}: {wish}</text>',
    ]
    texts = []
    for offset, value, ink in ((8, line.peer, PEER_INK), (29, line.ours, OURS_INK)):
        if value:
            bar = f'width="{x(value) - LEFT:.1f}" height="{BAR}" fill="{ink}"'
            parts.append(f'<rect x="{LEFT}" y="{y + offset}" {bar}/>')
            texts.append(f'<text x="{x(value) + 6:.1f}" y="{y + offset + 13}" {HALO}>{number(value)}</text>')
    if line.target:
        at = f"{x(line.target):.1f}"
        mark = f'stroke="{TARGET_INK}" stroke-width="2"'
        parts.append(f'<line x1="{at}" x2="{at}" y1="{y + 4}" y2="{y + 49}" {mark}/>')
    return parts + texts
