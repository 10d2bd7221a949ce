"""The specification and the cast, once a session: the plays share people and make their own rooms."""

import asyncio
import os
import secrets
from collections.abc import Iterator

import pytest

from tests.contract.specification import Specification, SpecificationAbsent, load
from tests.contract.stage import Cast, Served, Stage, assemble
from tests.databases import command
from tests.postgres import PostgresServer
from tests.serving import served


@pytest.fixture(scope="session")
def specification() -> Specification:
    """The loaded specification; where there is none, a skip with one line, or a failure where CI=true."""
    try:
        return load()
    except SpecificationAbsent as absent:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(absent))


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def contract_server(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The server under contract, on each engine in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("teahouse_server")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"contract_{secrets.token_hex(4)}"  # the fuzzing asks for one of its own
    asyncio.run(command(postgres, f"CREATE DATABASE {name}"))
    with served({"TEAHOUSE_DATABASE_URL": postgres.url(name)}) as server:
        yield server


@pytest.fixture(scope="session")
def stage(contract_server: Served, specification: Specification) -> Iterator[Stage]:
    stage = Stage(contract_server, specification)
    yield stage
    stage.client.close()


@pytest.fixture(scope="session")
def cast(stage: Stage) -> Cast:
    return assemble(stage)
