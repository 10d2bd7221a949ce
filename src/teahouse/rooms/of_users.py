"""What the users slice does to rooms."""

from __future__ import annotations

from teahouse.rooms.membership import Membership
from teahouse.rooms.types import Reader


class RoomsOfUsers:
    """Closing an account, and carrying a new name into member events."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def leave_all(self, user_no: int, user_id: str) -> None:
        """Leave every room."""
        await self._membership.leave_all(Reader(user_no, user_id))

    async def profile_changed(self, user_no: int, user_id: str, device_id: str) -> None:
        """Bring member events up to a changed profile."""
        await self._membership.profile_changed(Reader(user_no, user_id, device_id))
