"""Random lives on one server: what the state machines of all slices stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.clock import ManualClock
from tests.databases import Place
from tests.world import World

T = TypeVar("T")


class WorldMachine(RuleBasedStateMachine):
    """Steps on a running server. Its examples share the server: each must bring people of its own."""

    server_settings: Mapping[str, Any] = {}

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        super().__init__()
        self._runner = runner
        self.world = world

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(step)


def live(
    machine: type[WorldMachine],
    place: Place,
    folder: Path,
    *,
    examples: int,
    steps: int,
    seeded: bool,
    shortened: bool = True,
) -> None:
    """Let so many random lives of so many steps run on one server; with `seeded` the same ones every time.

    A failing life is made shorter before it is told, unless `shortened` is False because that takes too long.
    """
    profile = hypothesis.settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=seeded,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=list(hypothesis.Phase) if shortened else [hypothesis.Phase.generate],
    )  # fmt: skip
    with asyncio.Runner() as runner:
        world = World(place, ManualClock(), folder, machine.server_settings)
        runner.run(world.start())
        run_machine(lambda: machine(runner, world), settings=profile)  # type: ignore[arg-type]
        runner.run(world.stop())
