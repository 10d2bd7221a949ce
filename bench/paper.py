"""`python -m bench.paper [bench.json …]`: write docs/performance.md and its picture from the results of runs.

Of several files a later one goes before an earlier one, row by row: a row may be measured alone, at a size of its own.
What people wrote into the page below OWN_WORDS stays: why a target was missed, where the time goes, what was tried.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.__main__ import CACHE
from bench.drawing import draw
from bench.report import Line, table

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PICTURE = "performance.svg"
OWN_WORDS = "## Where the time goes"
SHOWN_OF_MACHINE = ("cores", "processor", "memory_gib", "kernel", "filesystem", "python")
Run = Mapping[str, Any]


def merged(runs: Sequence[Run]) -> list[Line]:
    """The figures of all runs; each row as the last run that has it measured it, in the order of the first."""
    rows: dict[str, list[Line]] = {}
    for run in runs:
        lines = [
            Line(**{name: value for name, value in each.items() if name not in ("times_better", "of_target")})
            for each in run["comparison"]
        ]
        rows |= {name: [line for line in lines if line.name == name] for name in dict.fromkeys(x.name for x in lines)}
    return [line for lines in rows.values() for line in lines]


def subtitle(run: Run) -> str:
    """When and where a run was."""
    machine = run["machine"]
    size = f"{run['size']['name']} run of {run['began'][:10]}"
    return f"{size} on {machine['cores']} cores, {machine['processor']}; client on the same machine"


def described(runs: Sequence[Run]) -> list[str]:
    """Machine, versions and settings, and what each run says of itself."""
    machine = runs[0]["machine"]
    about = [f"{name} {machine[name]}" for name in SHOWN_OF_MACHINE if name in machine]
    lines = [f"- Machine: {', '.join(about)}."]
    for product, version in runs[0]["versions"].items():
        lines.append(f"- {product.capitalize()} {version}: {runs[0]['settings'][product]}.")
    last = {each["name"]: run["began"] for run in runs for each in run["comparison"]}
    for run in runs:
        shown = dict.fromkeys(each["name"] for each in run["comparison"] if last[each["name"]] == run["began"])
        names = ", ".join(f"`{name}`" for name in shown)
        minutes = run["took_s"] / 60
        lines.append(f"- {names}: a {run['size']['name']} run, begun {run['began']}, {minutes:.0f} minutes.")
    return lines + [line for run in runs for line in run.get("notes", "").splitlines() if line]


def page(runs: Sequence[Run], own_words: str) -> str:
    """The whole page."""
    lines = merged(runs)
    missed = [line for line in lines if line.of_target is not None and line.of_target < 1]
    told = [f"- {line.row}, {line.figure}: {line.of_target:.0%} of the target." for line in missed]
    parts = [
        "# How fast",
        "Written by `python -m bench.paper` from what `make bench` measured; how is in"
        " [the bench's own page](../bench/README.md). Both servers run on the same machine, one after the other.",
        "\n".join(described(runs)),
        f"![Each figure beside the peer and the target]({PICTURE})",
        table(lines),
        "Every target is reached." if not told else "Targets that are not reached:\n\n" + "\n".join(told),
        own_words.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def kept(text: str) -> str:
    """What people wrote into an earlier page."""
    _, heading, words = text.partition(OWN_WORDS)
    return heading + words


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.paper", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, default=[CACHE / "results" / "bench.json"])
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(given)
    runs = [json.loads(path.read_text()) for path in options.results]
    earlier = options.page.read_text() if options.page.exists() else ""
    options.page.write_text(page(runs, kept(earlier)))
    options.page.with_name(PICTURE).write_text(draw(merged(runs), subtitle(runs[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
