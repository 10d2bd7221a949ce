"""The table, the JSON file and the lines in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.types import Figure, Row

DISTURBED = 0.15  # of a core; housekeeping of a quiet machine stays below
PEER, OURS = "synapse", "teahouse"


@dataclass(frozen=True)
class Result:
    """One row of one product: measured, or the reason why not."""

    product: str
    name: str
    row: Row | None
    failure: str | None
    took_s: float

    @property
    def disturbed(self) -> bool:
        return self.row is not None and self.row.reading.others > DISTURBED


@dataclass(frozen=True)
class Line:
    """One figure with both servers beside the target."""

    name: str
    row: str
    figure: str
    unit: str
    better: str
    peer: float | None
    ours: float | None
    target: float | None

    @property
    def times_better(self) -> float | None:
        """Teahouse against the peer: above 1 is better, whichever way the figure runs."""
        return _ratio(self.ours, self.peer, self.better)

    @property
    def of_target(self) -> float | None:
        """Teahouse against its target: 1 and more is reached."""
        return _ratio(self.ours, self.target, self.better)


def _ratio(ours: float | None, other: float | None, better: str) -> float | None:
    if ours is None or other is None or not ours or not other:
        return None
    return ours / other if better == "higher" else other / ours


def lines(results: Sequence[Result]) -> list[Line]:
    """Every figure once, in the order of the rows; targets are Teahouse's."""
    figures: dict[tuple[str, str], dict[str, Figure]] = {}
    titles: dict[str, str] = {}
    for result in results:
        if result.row is not None:
            titles.setdefault(result.name, result.row.title)
            for figure in result.row.figures:
                figures.setdefault((result.name, figure.name), {})[result.product] = figure
    found = []
    for (name, figure_name), by_product in figures.items():
        any_figure = next(iter(by_product.values()))
        peer, ours = by_product.get(PEER), by_product.get(OURS)
        found.append(
            Line(
                name,
                titles[name],
                figure_name,
                any_figure.unit,
                any_figure.better,
                peer.value if peer else None,
                ours.value if ours else None,
                any_figure.target,
            )
        )
    return found


def number(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(found: Sequence[Line]) -> str:
    """Markdown; the same is printed and written."""
    head = ["work", "figure", "Synapse", "Teahouse", "times better", "target", "of target"]
    cells = [head, ["---"] * 2 + ["---:"] * 5]
    row = ""
    for line in found:
        sign = "≥" if line.better == "higher" else "≤"
        cells.append([
            line.row if line.row != row else "",
            f"{line.figure}, {line.unit}",
            number(line.peer),
            number(line.ours),
            "–" if line.times_better is None else f"{number(line.times_better)} ×",
            "" if line.target is None else f"{sign} {number(line.target)}",
            "" if line.of_target is None else f"{line.of_target:.0%}",
        ])  # fmt: skip
        row = line.row
    widths = [max(len(cell[k]) for cell in cells) for k in range(len(head))]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(cell, widths, strict=True)) + " |" for cell in cells)


def notes(results: Sequence[Result]) -> str:
    """What a reader of the table must know before believing it; empty when there is nothing."""
    told = [
        (result, reason)
        for result in results
        for reason in (
            result.failure,
            "; ".join(result.row.wrong) if result.row else None,
            f"disturbed, other work took {result.row.reading.others:.0%} of a core"
            if result.row and result.disturbed
            else None,
        )
        if reason
    ]
    return "".join(f"\n- {result.product} {result.name}: {reason}" for result, reason in told)


def spoken(result: Result) -> str:
    """A result in a few lines, as soon as it is there."""
    head = f"{result.product} {result.name}: "
    if result.row is None:
        return f"{head}FAILED after {result.took_s:.0f} s: {result.failure}"
    row, reading = result.row, result.row.reading
    figures = ", ".join(f"{f.name} {number(f.value)} {f.unit}" for f in row.figures)
    parts = [head + figures]
    if row.operations and reading.seconds:
        parts.append(f"  {row.operations:,} in {reading.seconds:.1f} s; processor of each, and of a core:")
        for who, cpu_s in (("server", reading.server_cpu_s), ("client", reading.client_cpu_s)):
            parts[-1] += f" {who} {cpu_s / row.operations * 1e6:,.0f} µs, {cpu_s / reading.seconds:.0%};"
        parts[-1] += f" others {reading.others:.0%}"
    if result.disturbed:
        parts.append("  DISTURBED: other work on this machine took part of the cores; measure again when it is quiet")
    if row.details:
        parts.append("  " + ", ".join(f"{name} {value}" for name, value in row.details.items()))
    parts.extend(f"  WRONG: {complaint}" for complaint in row.wrong)
    return "\n".join(parts)


def document(about: Mapping[str, object], results: Sequence[Result]) -> dict[str, object]:
    """Everything measured, for the JSON file."""
    measured = []
    for result in results:
        entry: dict[str, object] = asdict(result)
        if result.row is not None:
            reading = result.row.reading
            entry["row"] = asdict(result.row) | {"reading": reading._asdict()}
        measured.append(entry)
    comparison = [
        asdict(line) | {"times_better": line.times_better, "of_target": line.of_target} for line in lines(results)
    ]
    return {**about, "comparison": comparison, "notes": notes(results), "results": measured}
