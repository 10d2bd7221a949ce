"""Which members each device has been told of, so that lazy loading does not repeat them.

Held in memory and only as long as the device goes on from the answer it was given: after a lost answer, a restart or
an eviction members are told again, which is always right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from teahouse.rooms.types import Reader

DEVICES_MAX = 10_000  # devices whose knowledge is kept
MEMBERS_MAX = 5_000  # members kept of one device, over all its rooms


@dataclass(slots=True)
class Knowledge:
    """What one device knows: members it has acknowledged, and those of the answer on its way."""

    token: str = ""
    acknowledged: dict[int, set[str]] = field(default_factory=dict)
    told: dict[int, set[str]] = field(default_factory=dict)


class LazyMembers:
    """The knowledge of many devices."""

    def __init__(self) -> None:
        self._devices: OrderedDict[tuple[int, str], Knowledge] = OrderedDict()

    def begin(self, reader: Reader, since: str | None) -> None:
        """A device asks from `since`: what the answer with that token told it, it has."""
        key = (reader.user_no, reader.device_id)
        knowledge = self._devices.get(key)
        if since is None or knowledge is None or knowledge.token != since:
            self._devices[key] = Knowledge()
        else:
            for room_no, users in knowledge.told.items():
                knowledge.acknowledged.setdefault(room_no, set()).update(users)
            if knowledge.told and sum(map(len, knowledge.acknowledged.values())) > MEMBERS_MAX:
                knowledge.acknowledged.clear()
            knowledge.told = {}
        self._devices.move_to_end(key)
        if len(self._devices) > DEVICES_MAX:
            self._devices.popitem(last=False)

    def known(self, reader: Reader, room_no: int) -> set[str]:
        """The members of a room that the device has."""
        knowledge = self._devices.get((reader.user_no, reader.device_id))
        return set() if knowledge is None else knowledge.acknowledged.get(room_no, set())

    def forget(self, reader: Reader, room_no: int) -> None:
        """The device is told of a room from the start."""
        knowledge = self._devices.get((reader.user_no, reader.device_id))
        if knowledge is not None:
            knowledge.acknowledged.pop(room_no, None)

    def remember(self, reader: Reader, room_no: int, users: Iterable[str]) -> None:
        """The answer being built tells of these members."""
        knowledge = self._devices.get((reader.user_no, reader.device_id))
        if knowledge is not None:
            knowledge.told.setdefault(room_no, set()).update(users)

    def end(self, reader: Reader, token: str) -> None:
        """The answer goes out under this token."""
        knowledge = self._devices.get((reader.user_no, reader.device_id))
        if knowledge is not None:
            knowledge.token = token
