"""Run the recorded server, which takes decisions too: `python -m tests.clients.serve_deciding teahouse serve …`.

The product has no command for them, only the door that its moderators' decisions come through. Here the control socket
opens that door.
"""

from __future__ import annotations

from typing import Any

from teahouse.admin import actions
from teahouse.app import App
from teahouse.posts.types import Ref
from tests.contract import serve_recorded


async def remove(app: App, request: actions.Request) -> dict[str, Any]:
    """Take a post out of sight."""
    return {"event_id": await app.removals.remove(await ref(app, request))}


async def restore(app: App, request: actions.Request) -> dict[str, Any]:
    """Put it back."""
    return {"event_id": await app.removals.restore(await ref(app, request))}


async def ref(app: App, request: actions.Request) -> Ref:
    """The post that a request names."""
    return Ref((await app.public_accounts.require(request["handle"])).account_no, request["number"])


if __name__ == "__main__":
    actions.ACTIONS = {**actions.ACTIONS, "post remove": remove, "post restore": restore}
    serve_recorded.main()
