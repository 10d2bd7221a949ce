"""The specification and the cast, once a session: the plays share people and make their own rooms."""

import os
from collections.abc import Iterator

import pytest

from tests.contract.specification import Specification, SpecificationAbsent, load
from tests.contract.stage import Cast, Served, Stage, assemble


@pytest.fixture(scope="session")
def specification() -> Specification:
    """The loaded specification; where there is none, a skip with one line, or a failure where CI=true."""
    try:
        return load()
    except SpecificationAbsent as absent:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def stage(teahouse_server: Served, specification: Specification) -> Iterator[Stage]:
    stage = Stage(teahouse_server, specification)
    yield stage
    stage.client.close()


@pytest.fixture(scope="session")
def cast(stage: Stage) -> Cast:
    return assemble(stage)
