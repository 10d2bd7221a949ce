"""What the users slice does to rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from teahouse.rooms.membership import Membership
from teahouse.rooms.types import Reader


class Said(Protocol):
    """Where people say something, or keep something for themselves, outside of rooms' events."""

    async def erase_by(self, user_no: int) -> None:
        """Delete everything that somebody said or kept."""


class RoomsOfUsers:
    """Closing an account, and carrying a new name into member events."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self.said: list[Said] = []
        self.closing: list[Callable[[int], Awaitable[None]]] = []  # called with the user_no of a closing account

    async def erase(self, user_no: int) -> None:
        """Delete what somebody said where it can be deleted for all."""
        for each in self.said:
            await each.erase_by(user_no)

    async def leave_all(self, user_no: int, user_id: str) -> None:
        """Leave every room."""
        for close in self.closing:
            await close(user_no)
        await self._membership.leave_all(Reader(user_no, user_id))

    async def profile_changed(self, user_no: int, user_id: str, device_id: str) -> None:
        """Bring member events up to a changed profile."""
        await self._membership.profile_changed(Reader(user_no, user_id, device_id))
