"""Generated requests by the thousand: no 5xx, no hang, memory flat."""

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.contract.specification import Operation
from tests.fuzz.generation import Request, requests
from tests.fuzz.world import World

EXAMPLES_ENVIRONMENT = "FUZZ_EXAMPLES"
EXAMPLES_DEFAULT = 1_500  # about half a minute; `make test-long` asks for many more
SEED_ENVIRONMENT = "FUZZ_SEED"
SEED_DEFAULT = 1
PAST_THE_DOOR_AT_LEAST = 0.6
PARTS = 4
# What the server may gain in a part of a run: the rooms, devices and events that the fuzzer makes are held in bounded
# caches, and the database's own page cache is still filling. A leak of a request's body shows.
GROWTH_MAX_BYTES = 8 * 1024 * 1024
GROWTH_MAX_BYTES_A_REQUEST = 1_024


class Process(Protocol):
    @property
    def pid(self) -> int: ...


class ServedProcess(Protocol):
    @property
    def process(self) -> Process: ...


def test_generated_requests_are_answered_and_leave_no_trace(
    world: World,
    built_operations: Sequence[Operation],
    contract_server: ServedProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    examples = int(os.environ.get(EXAMPLES_ENVIRONMENT, EXAMPLES_DEFAULT))
    pid = contract_server.process.pid
    sizes = []
    for part in range(PARTS):
        _fuzz(world, built_operations, examples // PARTS, f"part {part}")
        sizes.append(resident_bytes(pid))
    # What is loaded at its first use makes one part large; a leak is in all of them.
    grown = min(after - before for before, after in pairwise(sizes))
    with capsys.disabled():
        print(f"\n{world.histogram()}\nmemory of the server after each part: {[size // 10**6 for size in sizes]} MB")
    assert not world.failures, "\n".join(world.failures.values())
    assert world.past_the_door >= PAST_THE_DOOR_AT_LEAST * world.statuses.total()
    assert grown <= GROWTH_MAX_BYTES + GROWTH_MAX_BYTES_A_REQUEST * (examples // PARTS)


def _fuzz(world: World, operations: Sequence[Operation], examples: int, part: str) -> None:
    @seed(f"{os.environ.get(SEED_ENVIRONMENT, SEED_DEFAULT)} {part}")
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # No shrinking: a 5xx is collected, not raised, so that one run shows every operation that has one.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(request=requests(operations))
    def send(request: Request) -> None:
        world.send(request)

    send()


def resident_bytes(pid: int) -> int:
    """Memory held by a process and its children, in bytes."""
    own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(resident_bytes(int(child)) for child in children)
