"""`python -m tests.contract.report`: what the recorded traffic of the last run proves of the Client-Server API.

Prints every operation of the specification with whether it is built and how many right and wrong requests it has
answered as specified. Everything is counted from the traffic; the committed conformance.json only says what an
earlier run has proved, and may only grow. `--check` makes a shortfall an error; `--write` grows the committed file;
`--clear` forgets the recorded traffic, before a run.
"""

import argparse
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.recording import Exchange, exchanges, folder_of_this_run
from tests.contract.specification import Operation, Specification, SpecificationAbsent, load
from tests.contract.validation import SIGNED_OUT, Mismatch, Verdicts

COMMITTED = Path(__file__).with_name("conformance.json")
MISMATCHES_SHOWN = 50  # printed lines: the first of each kind tell what is wrong, the rest would hide the summary


@dataclass
class Seen:
    """What was seen of one operation. `accepted` and `refused` count validated answers that prove something."""

    accepted: int = 0
    refused: int = 0
    signed_out: int = 0
    wrong_method: int = 0
    known: bool = False

    def conforms(self, operation: Operation) -> bool:
        return bool(self.accepted) and bool(self.refusals(operation))

    def refusals(self, operation: Operation) -> int:
        """The 4xx answers that count for this operation.

        "Not signed in" counts only where nothing but the token can be wrong in a request, and a wrong method only
        where not even a token is needed: else a server that checks nothing would seem to refuse well.
        """
        if operation.takes_input:
            return self.refused
        if operation.authenticated:
            return self.refused + self.signed_out
        return self.refused + self.signed_out + self.wrong_method


@dataclass
class Tally:
    """The traffic of a run, summed up by operation."""

    specification: Specification
    seen: dict[str, Seen] = field(default_factory=dict)
    mismatches: Counter[Mismatch] = field(default_factory=Counter)
    exchanges: int = 0

    def built(self) -> list[Operation]:
        return [o for o in self.specification.operations.values() if self.of(o).known]

    def conforming(self) -> frozenset[str]:
        return frozenset(o.operation_id for o in self.built() if self.of(o).conforms(o))

    def of(self, operation: Operation) -> Seen:
        return self.seen.setdefault(operation.operation_id, Seen())


def tally(specification: Specification, recorded: Iterable[Exchange]) -> Tally:
    """Judge every exchange and count it under its operation."""
    result = Tally(specification)
    verdicts = Verdicts(specification)
    for exchange in recorded:
        if exchange.method in {"OPTIONS", "HEAD"}:
            continue
        result.exchanges += 1
        operation = verdicts.operation(exchange)
        if operation is not None and (exchange.status != 405 or 405 in operation.responses):
            _count(result, verdicts, operation, exchange)
        elif exchange.status == 405:
            for other in specification.knows_path(exchange.path):
                result.of(other).wrong_method += 1
    return result


def _count(result: Tally, verdicts: Verdicts, operation: Operation, exchange: Exchange) -> None:
    seen = result.of(operation)
    errcode = exchange.body.get("errcode") if isinstance(exchange.body, Mapping) else None
    if exchange.status == 404 and errcode == "M_UNRECOGNIZED":
        return
    # A path shared with a lesser operation is known on that one's account; only success shows that this one is built.
    seen.known = seen.known or exchange.status < 400 or not result.specification.is_variant(operation)
    mismatches = verdicts.judge(operation, exchange)
    result.mismatches.update(mismatches)
    if mismatches or not exchange.whole:
        return
    if exchange.status < 400:
        seen.accepted += 1
    elif exchange.status == 401 and errcode in SIGNED_OUT and operation.authenticated:
        seen.signed_out += 1
    elif exchange.status < 500:
        seen.refused += 1


def committed(path: Path = COMMITTED) -> frozenset[str]:
    """The operations an earlier run has proved."""
    if not path.exists():
        return frozenset()
    return frozenset(json.loads(path.read_text())["operations"])


def write(operations: frozenset[str], path: Path = COMMITTED) -> None:
    """Commit these beside those committed before: nothing that was proved is taken back here."""
    grown = sorted(operations | committed(path))
    path.write_text(json.dumps({"count": len(grown), "operations": grown}, indent=1) + "\n")


def shortfalls(result: Tally, before: frozenset[str]) -> list[str]:
    """Each reason for which this run is not good enough, one line each."""
    lines = [f"{mismatch} ({times} times)" for mismatch, times in result.mismatches.most_common(MISMATCHES_SHOWN)]
    if len(result.mismatches) > MISMATCHES_SHOWN:
        lines.append(f"and {len(result.mismatches) - MISMATCHES_SHOWN} more mismatches")
    for operation in result.built():
        seen = result.of(operation)
        if not seen.accepted:
            lines.append(f"{operation.operation_id} is built but no request of the run was accepted as specified")
        if not seen.refusals(operation):
            lines.append(f"{operation.operation_id} is built but no request of the run was refused as specified")
    lines += [
        f"{operation_id} was proved before and is not now" for operation_id in sorted(before - result.conforming())
    ]
    return lines


def table(result: Tally) -> str:
    """Every operation of the specification, as lines of text."""
    lines = [f"{'operation':42} {'built':9} {'2xx':>6} {'4xx':>6}  request"]
    for operation in sorted(result.specification.operations.values(), key=lambda o: (o.path, o.method)):
        seen = result.of(operation)
        built = "built" if seen.known else "not built"
        counts = f"{seen.accepted:>6} {seen.refusals(operation):>6}"
        lines.append(f"{operation.operation_id:42} {built:9} {counts}  {operation.method} {operation.path}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contract.report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the run proves less than it must")
    parser.add_argument("--write", action="store_true", help="add what this run proves to conformance.json")
    parser.add_argument("--clear", action="store_true", help="forget the recorded traffic and do nothing else")
    options = parser.parse_args(arguments)
    if options.clear:
        shutil.rmtree(folder_of_this_run(), ignore_errors=True)
        return 0
    try:
        specification = load()
    except SpecificationAbsent as absent:
        print(absent)
        return 1 if os.environ.get("CI") == "true" else 0
    result = tally(specification, exchanges(folder_of_this_run()))
    print(table(result))
    missing = shortfalls(result, committed())
    print("\n".join(missing))
    conforming = result.conforming()
    new = len(conforming - committed())
    if options.write:
        write(conforming)
    print(
        f"{len(result.specification.operations)} operations, {len(result.built())} built, {len(conforming)} conform, "
        f"{new} of them new; {result.exchanges} answers, {sum(result.mismatches.values())} not as specified"
    )
    return 1 if options.check and missing else 0


if __name__ == "__main__":
    sys.exit(main())
