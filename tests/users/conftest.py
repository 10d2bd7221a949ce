"""What tests of accounts share: passwords are hashed at little cost, unless a test is about the cost itself."""

from functools import partial

import pytest
from argon2 import PasswordHasher

from teahouse.users import passwords


@pytest.fixture
def full_cost() -> None:
    """Hashes as they are made in production."""


@pytest.fixture(autouse=True)
def little_cost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "full_cost" not in request.fixturenames:
        monkeypatch.setattr(passwords, "PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=64))
