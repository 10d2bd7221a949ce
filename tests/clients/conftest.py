"""What the clients' plays share: the environments, built on first use, and a stage each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clients.environments import Environments
from tests.clients.stage import Served, Stage

CACHE = Path(__file__).parents[2] / ".clients"


@pytest.fixture(scope="session")
def environments() -> Environments:
    return Environments(CACHE)


@pytest.fixture
async def stage(teahouse_server: Served, environments: Environments, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(teahouse_server, environments, tmp_path)
    yield stage
    await stage.close()


@pytest.fixture(params=["11", "12"])
def room_version(request: pytest.FixtureRequest) -> str:
    """Both kinds of room ids: with a server's name in them, and without."""
    version: str = request.param
    return version
