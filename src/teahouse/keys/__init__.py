"""Device keys, one-time keys, cross-signing, key backup and to-device messages."""

from teahouse.keys.api import KeysApi
from teahouse.keys.backup_api import BackupApi
from teahouse.keys.service import Keys
from teahouse.keys.types import DeviceListDelta, SharedRooms, UserDirectory, UserInteractive

__all__ = [
    "BackupApi",
    "DeviceListDelta",
    "Keys",
    "KeysApi",
    "SharedRooms",
    "UserDirectory",
    "UserInteractive",
]
