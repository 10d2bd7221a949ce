"""The table says how many times better Teahouse is, whichever way a figure runs."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench.drawing import draw
from bench.machine import Reading
from bench.report import Result, document, lines, notes, spoken, table
from bench.types import Figure, Row, percentile


def _result(product: str, rate: float, latency_ms: float) -> Result:
    figures = [Figure("rate", rate, "events/s", "higher", 5_000), Figure("p99", latency_ms, "ms", "lower", 50)]
    row = Row("send", "send: <64> users", figures, Reading(2.0, 1.0, 0.5), 100, {"lost": 0})
    return Result(product, "send", row, None, 3.0)


RESULTS = [_result("synapse", 50, 400), _result("teahouse", 4_000, 25), Result("synapse", "disk", None, "no space", 1)]


def test_better_is_above_one_for_rates_and_for_times() -> None:
    rate, p99 = lines(RESULTS)
    assert (rate.times_better, rate.of_target) == (80, 0.8)
    assert (p99.times_better, p99.of_target) == (16, 2.0)


def test_a_server_that_was_not_measured_leaves_a_dash() -> None:
    found = lines(RESULTS[:1])
    assert [line.times_better for line in found] == [None, None]
    assert "| –" in table(found)


def test_a_row_that_failed_says_why() -> None:
    assert "no space" in spoken(RESULTS[2])
    assert notes(RESULTS) == "\n- synapse disk: no space"
    assert document({}, RESULTS)["results"][2]["failure"] == "no space"  # type: ignore[index]


def test_other_work_on_the_machine_is_told_beside_the_table() -> None:
    result = _result("teahouse", 4_000, 25)
    assert result.row is not None
    busy = replace(result, row=replace(result.row, reading=Reading(2.0, 1.0, 0.5, 0.4)))
    assert "20% of a core" in notes([busy])


def test_the_picture_is_well_formed_and_shows_every_figure_with_a_target() -> None:
    picture = draw(lines(RESULTS), "2 cores & a client")
    texts = [element.text or "" for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("text")]
    assert {"50.0", "4,000", "400", "25.0"} <= set(texts)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_percentiles_are_values_that_were_measured(share: float, expected: int) -> None:
    assert percentile(range(1, 101), share) == expected
