"""The parts of this slice put together, for the composition root to hand around."""

from __future__ import annotations

from dataclasses import dataclass

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.eventlog.identifiers import Identifiers
from teahouse.http.openapi import Operation
from teahouse.moments.api import MomentsApi
from teahouse.moments.circles import Circles, Friends, Journals
from teahouse.moments.deeds import MomentDeeds
from teahouse.moments.deeds_api import MomentDeedsApi
from teahouse.moments.lists import MomentLists
from teahouse.moments.readers import Readers, Tags
from teahouse.moments.room import MomentRooms
from teahouse.moments.service import MediaKeeper, Moments, PublicFiles
from teahouse.rooms import Directory, Users
from teahouse.rooms.creation import Creation
from teahouse.rooms.readership import MembershipReadership
from teahouse.rooms.service import Rooms


@dataclass(frozen=True, slots=True)
class Needs:
    """What moments are made with."""

    database: Database
    clock: Clock
    bus: Bus
    identifiers: Identifiers
    rooms: Rooms
    creation: Creation
    members: MembershipReadership
    directory: Directory
    users: Users
    contacts: Friends
    tags: Tags
    media: MediaKeeper
    public: PublicFiles


class MomentsSlice:
    """`circles` listens to contacts, `journals` to the log; `readers` and `keeper` are the rooms' side of it."""

    def __init__(self, needs: Needs) -> None:
        database, users = needs.database, needs.users
        self.circles = Circles(database, needs.bus, needs.contacts)
        self.journals = Journals(database)
        self.readers = Readers(
            database, needs.clock, needs.identifiers, needs.members, users, self.circles, self.journals, needs.tags
        )
        self.moments = Moments(
            database, needs.clock, needs.rooms, needs.creation, needs.media, needs.public, self.circles,
            self.journals, self.readers,
        )  # fmt: skip
        self.lists = MomentLists(database, self.circles, self.journals)
        self.deeds = MomentDeeds(database, needs.clock, self.moments, self.circles)
        self.keeper = MomentRooms(
            database, needs.identifiers, users, self.moments, self.deeds, self.lists, self.circles
        )  # fmt: skip
        self._apis = (
            MomentsApi(self.moments, self.deeds, self.lists, users, needs.directory),
            MomentDeedsApi(self.moments, self.deeds, users),
        )

    def operations(self) -> list[Operation]:
        """The endpoints with their descriptions."""
        return [operation for api in self._apis for operation in api.operations()]
