"""Figures as comma-separated tables: pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run by spreadsheets

Cell = str | int | float | None


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table with a first line of names. What is not known is empty; no cell is taken for a formula."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")  # RFC 4180
    writer.writerow(head)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    return written.getvalue()


def harmless(cell: Cell) -> str | int | float:
    """A cell that only shows itself."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
