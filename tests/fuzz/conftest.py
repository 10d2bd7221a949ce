"""The live world, once a session, on the stage of the contract tests."""

from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from teahouse.http import openapi
from tests.contract.conftest import cast, contract_server, stage
from tests.contract.conftest import specification as matrix_specification
from tests.contract.specification import Operation, Specification, own_operations
from tests.contract.stage import Cast, Served, Stage
from tests.fuzz.world import World

__all__ = ["built_operations", "cast", "contract_server", "matrix_specification", "specification", "stage", "world"]


@pytest.fixture(scope="session")
def specification(matrix_specification: Specification, contract_server: Served) -> Specification:
    """The specification, with the operations of Teahouse's own API beside it as the server describes them."""
    document = httpx.get(contract_server.url + openapi.PATH).json()
    operations = {**matrix_specification.operations, **own_operations(document)}
    return replace(matrix_specification, operations=operations)


@pytest.fixture(scope="session")
def world(cast: Cast) -> World:
    return World(cast)


@pytest.fixture(scope="session")
def built_operations(stage: Stage) -> Sequence[Operation]:
    """The operations whose path the server's router knows, in the specification's order."""
    return [o for o in stage.specification.operations.values() if stage.is_built(o.operation_id)]
