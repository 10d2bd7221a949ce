"""Side chats: what readers write to a public account, and the inbox that its staff share."""

from teahouse.sidechats.api import side_chat_operations
from teahouse.sidechats.desk import Desk

__all__ = ["Desk", "side_chat_operations"]
