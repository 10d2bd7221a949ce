"""Generated requests by the thousand: no 5xx, no hang, memory flat."""

import os
from collections.abc import Sequence
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
# What the server may gain between the middle and the end of a run: the rooms, devices and events that the fuzzer makes
# are held in bounded caches, and the database's own page cache is still filling. A leak of a request's body shows.
GROWTH_MAX_BYTES = 16 * 1024 * 1024
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
    _fuzz(world, built_operations, examples // 2, "first half")
    before = resident_bytes(pid)
    _fuzz(world, built_operations, examples - examples // 2, "second half")
    grown = resident_bytes(pid) - before
    with capsys.disabled():
        print(f"\n{world.histogram()}\nmemory of the server grew by {grown / 1e6:.1f} MB in the second half")
    assert not world.failures, "\n".join(world.failures.values())
    assert world.past_the_door >= PAST_THE_DOOR_AT_LEAST * world.statuses.total()
    assert grown <= GROWTH_MAX_BYTES + GROWTH_MAX_BYTES_A_REQUEST * (examples // 2)


def _fuzz(world: World, operations: Sequence[Operation], examples: int, half: str) -> None:
    @seed(f"{os.environ.get(SEED_ENVIRONMENT, SEED_DEFAULT)} {half}")
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
