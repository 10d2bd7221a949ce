"""Registering and signing in over the API, for tests of the users slice."""

from typing import Any

from tests.world import Answer, World

PASSWORD = "a pot of oolong"
VALIDITY = "/_matrix/client/v1/register/m.login.registration_token/validity"
DUMMY = {"type": "m.login.dummy"}


def by_password(password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    """The `auth` that proves a password."""
    return {"type": "m.login.password", "password": password, **more}


async def register(tea: World, name: str, **body: Any) -> Any:
    """Make an account on a server that is open to all; what the server answers."""
    answer = await tea.ask(
        None, "POST", "/register", {"username": name, "password": PASSWORD, "auth": DUMMY, **body}
    )  # fmt: skip
    assert answer.status == 200, answer
    return answer.json


async def login(tea: World, name: str, password: str = PASSWORD, **body: Any) -> Answer:
    """Sign in by password."""
    identifier = {"type": "m.id.user", "user": name}
    return await tea.ask(
        None, "POST", "/login", {"type": "m.login.password", "identifier": identifier, "password": password, **body}
    )


async def signed_in(tea: World, token: str) -> bool:
    """Whether an access token is good."""
    return (await tea.ask(token, "GET", "/account/whoami")).status == 200
