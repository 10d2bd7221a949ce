"""The page of performance is written from results, and keeps what people wrote into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.machine import Reading
from bench.paper import OWN_WORDS, PICTURE, main
from bench.report import Result, document
from bench.types import FULL, Figure, Row

WORDS = f"{OWN_WORDS}\n\nIn the kettle, as a profile shows.\n"


def run(folder: Path, name: str, results: list[Result]) -> str:
    about: dict[str, Any] = {
        "began": "2031-02-03T04:05:06+00:00", "took_s": 600, "machine": {"cores": 2, "processor": "Oolong 9"},
        "versions": {"synapse": "1.0", "teahouse": "2.0"}, "settings": {"synapse": "plain", "teahouse": "plain"},
        "size": {"name": FULL.name},
    }  # fmt: skip
    path = folder / name
    path.write_text(json.dumps(document(about, results)))
    return str(path)


def result(product: str, row: str, value: float, target: float | None = 100) -> Result:
    figures = [Figure("rate", value, "events/s", "higher", target)]
    return Result(product, row, Row(row, f"{row}: all", figures, Reading(2.0, 1.0, 0.0), 10), None, 3.0)


def test_the_page_has_every_figure_says_what_is_missed_and_keeps_peoples_words(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# How fast\n\nold figures\n\n{WORDS}")
    failed = Result("synapse", "disk", None, "no space", 1)
    whole = run(tmp_path, "whole.json", [result("synapse", "send", 10), result("teahouse", "send", 50), failed,
                                         result("teahouse", "idle", 120)])  # fmt: skip
    assert main([whole, "--page", str(page)]) == 0
    text = page.read_text()
    assert "| send: all | rate, events/s | 10.0    | 50.0     | 5.00 ×       | ≥ 100  | 50%       |" in text
    assert "- send: all, rate: 50% of the target." in text
    assert "idle: all, rate:" not in text
    assert "no space" in text
    assert "Oolong 9" in text
    assert "old figures" not in text
    assert text.endswith(WORDS)
    assert "Oolong 9" in (tmp_path / PICTURE).read_text()


def test_a_row_measured_alone_takes_the_place_of_its_earlier_figures(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    whole = run(tmp_path, "whole.json", [result("teahouse", "send", 50), result("teahouse", "idle", 7)])
    alone = run(tmp_path, "alone.json", [result("teahouse", "send", 300)])
    assert main([whole, alone, "--page", str(page)]) == 0
    text = page.read_text()
    assert "300%" in text
    assert "50%" not in text
    assert text.index("send: all") < text.index("idle: all")
