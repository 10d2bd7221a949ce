"""`python -m bench`: every row, first of Synapse, then of Teahouse, in one run on this machine."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import uvloop

from bench.drawing import draw
from bench.machine import describe, filesystem, raise_open_files
from bench.products import Product
from bench.products.synapse import Synapse
from bench.products.teahouse import Teahouse
from bench.report import Result, document, lines, notes, spoken, table
from bench.rows import ROWS, Spec
from bench.target import Target
from bench.types import FULL, QUICK, Size

CACHE = Path(__file__).parent.parent / ".bench"  # the peer's environment, data of the run, results; git-ignored
BUSY_LOAD = 0.5  # load average above which the machine is doing something else


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, not how fast it is")
    parser.add_argument("--rows", default="", help=f"comma-separated, of: {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--servers", default="synapse,teahouse", help="comma-separated, measured in this order")
    parser.add_argument(
        "--out", type=Path, default=CACHE / "results", help="folder for the JSON file, table and picture"
    )
    parser.add_argument("--seconds", type=float, help="measured window of the timed rows")
    parser.add_argument("--idle-users", type=int)
    parser.add_argument(
        "--startup-events", type=int, help="messages to load before start-up is timed; see --startup-load-s"
    )
    parser.add_argument("--startup-load-s", type=float, help="seconds after which loading stops")
    return parser.parse_args(given)


def _size(arguments: argparse.Namespace) -> Size:
    size = QUICK if arguments.quick else FULL
    changes = {
        name: getattr(arguments, name)
        for name in ("seconds", "idle_users", "startup_events", "startup_load_s")
        if getattr(arguments, name) is not None
    }
    limit = size.row_limit_s + changes.get("startup_load_s", 0) + changes.get("idle_users", 0)
    return replace(size, row_limit_s=limit, **changes)


def _chosen(arguments: argparse.Namespace, products: Sequence[Product]) -> list[tuple[Product, list[Spec]]]:
    names = [name for name in arguments.rows.split(",") if name]
    known = {row.name for row in ROWS}
    if unknown := set(names) - known:
        sys.exit(f"unknown rows: {', '.join(sorted(unknown))}")
    by_name = {product.name: product for product in products}
    chosen = []
    for server in arguments.servers.split(","):
        if server not in by_name:
            sys.exit(f"unknown server: {server}")
        rows = [row for row in ROWS if (row.name in names if names else server in row.products)]
        chosen.append((by_name[server], rows))
    return chosen


async def _measure(target: Target, row: Spec) -> Result:
    began = perf_counter()
    gc.collect()
    gc.freeze()
    try:
        async with asyncio.timeout(target.size.row_limit_s) as target.limit:
            measured = await row.run(target)
    except TimeoutError:
        return Result(target.product.name, row.name, None, "took too long", perf_counter() - began)
    except Exception as error:  # one row that fails leaves the others their turn; it is in the table and the exit code
        return Result(target.product.name, row.name, None, _reason(error), perf_counter() - began)
    return Result(target.product.name, row.name, measured, None, perf_counter() - began)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def _run(chosen: Sequence[tuple[Product, list[Spec]]], size: Size, folder: Path) -> list[Result]:
    results = []
    for product, rows in chosen:
        own = folder / product.name
        own.mkdir()
        target = Target(product, size, own, print)
        for row in rows:
            result = await _measure(target, row)
            print(spoken(result), flush=True)
            results.append(result)
        shutil.rmtree(own)
    return results


def _write(out: Path, about: dict[str, object], results: Sequence[Result], subtitle: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    found = lines(results)
    (out / "bench.json").write_text(json.dumps(document(about, results), indent=1) + "\n")
    text = table(found) + "\n" + notes(results)
    (out / "bench.md").write_text(text.rstrip() + "\n")
    (out / "bench.svg").write_text(draw(found, subtitle))
    print(f"\n{text}\n\nwritten: {out}/bench.json, bench.md, bench.svg")


def main(given: Sequence[str] | None = None) -> int:
    arguments = _arguments(given)
    size = _size(arguments)
    CACHE.mkdir(exist_ok=True)
    chosen = _chosen(arguments, [Synapse(CACHE), Teahouse()])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    raise_open_files()
    machine = describe()
    for product, _ in chosen:
        product.install()
    versions = {product.name: product.version() for product, _ in chosen}
    settings = {product.name: product.settings() for product, _ in chosen}
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
        machine["filesystem"] = filesystem(Path(folder))
        print("machine: " + ", ".join(f"{name} {value}" for name, value in machine.items()))
        if float(machine["load_average_at_start"]) > BUSY_LOAD:
            print("warning: the machine is busy with something else; trust ratios more than figures")
        for name, version in versions.items():
            print(f"{name} {version}: {settings[name]}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            results = runner.run(_run(chosen, size, Path(folder)))
    about: dict[str, object] = {
        "began": began.isoformat(timespec="seconds"),
        "took_s": round((datetime.now(UTC) - began).total_seconds()),
        "machine": machine, "versions": versions, "settings": settings, "size": asdict(size),
    }  # fmt: skip
    place = f"{machine['cores']} cores, {machine['processor']}; client on the same machine"
    subtitle = f"{size.name} run of {began:%Y-%m-%d} on {place}"
    _write(arguments.out, about, results, subtitle)
    return int(any(result.row is None or result.row.wrong for result in results))


if __name__ == "__main__":
    sys.exit(main())
