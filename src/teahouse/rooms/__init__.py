"""Rooms: making, joining, writing in and reading them; who may read what."""

from teahouse.rooms.directory import Directory
from teahouse.rooms.types import InvitePolicy, Reader, Readership, Users, Window

__all__ = ["Directory", "InvitePolicy", "Reader", "Readership", "Users", "Window"]
