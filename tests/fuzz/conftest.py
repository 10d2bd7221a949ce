"""The live world, once a session, on the stage of the contract tests."""

from collections.abc import Sequence

import pytest

from tests.contract.conftest import cast, contract_server, specification, stage
from tests.contract.specification import Operation
from tests.contract.stage import Cast, Stage
from tests.fuzz.world import World

__all__ = ["built_operations", "cast", "contract_server", "specification", "stage", "world"]


@pytest.fixture(scope="session")
def world(cast: Cast) -> World:
    return World(cast)


@pytest.fixture(scope="session")
def built_operations(stage: Stage) -> Sequence[Operation]:
    """The operations whose path the server's router knows, in the specification's order."""
    return [o for o in stage.specification.operations.values() if stage.is_built(o.operation_id)]
