"""The endpoints of keys and to-device messages."""

from __future__ import annotations

from teahouse.http import codec, errors
from teahouse.http.messages import Request, Response, Route
from teahouse.keys import wire
from teahouse.keys.service import Keys
from teahouse.keys.types import DeviceListDelta, UserInteractive

KEYS = "/_matrix/client/v3/keys"


class KeysApi:
    """Upload, query, claim, changes, cross-signing, sendToDevice."""

    def __init__(self, keys: Keys, interactive: UserInteractive, delta: DeviceListDelta) -> None:
        self._keys = keys
        self._interactive = interactive
        self._delta = delta

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("POST", f"{KEYS}/upload", self.upload),
            Route("POST", f"{KEYS}/query", self.query),
            Route("POST", f"{KEYS}/claim", self.claim),
            Route("GET", f"{KEYS}/changes", self.changes),
            Route("POST", f"{KEYS}/device_signing/upload", self.upload_cross_signing),
            Route("POST", f"{KEYS}/signatures/upload", self.upload_signatures),
            Route("PUT", "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", self.send_to_device),
        ]

    async def upload(self, request: Request) -> Response:
        """Publish the device's own keys."""
        counts = await self._keys.device_keys.upload(request.requester, wire.key_upload(request))
        return codec.reply({"one_time_key_counts": counts})

    async def query(self, request: Request) -> Response:
        """Read users' device and cross-signing keys."""
        wanted: wire.QueryBody = wire.body(request, wire.QueryBody)
        for user_id in wanted.device_keys:
            wire.name(user_id, "user id")
        return codec.reply(await self._keys.device_keys.query(request.requester, wanted.device_keys))

    async def claim(self, request: Request) -> Response:
        """Take one-time keys."""
        wanted: wire.ClaimBody = wire.body(request, wire.ClaimBody)
        for user_id, by_device in wanted.one_time_keys.items():
            wire.name(user_id, "user id")
            for device_id, algorithm in by_device.items():
                wire.name(device_id, "device id")
                wire.name(algorithm, "algorithm")
        claimed = await self._keys.device_keys.claim(wanted.one_time_keys)
        return codec.reply({"one_time_keys": claimed, "failures": {}})

    async def changes(self, request: Request) -> Response:
        """Whose keys changed between two sync tokens."""
        since, to = codec.required(request, "from"), codec.required(request, "to")
        changed, left = await self._delta.device_lists(request.requester, since, to)
        return codec.reply({"changed": changed, "left": left})

    async def upload_cross_signing(self, request: Request) -> Response:
        """Publish the user's own cross-signing keys."""
        decoded: wire.CrossSigningBody = wire.body(request, wire.CrossSigningBody)
        keys = wire.cross_signing_keys(decoded)
        body = codec.json_object(request)
        await self._keys.cross_signing.upload(request.requester, keys, lambda: self._interactive.confirm(request, body))
        return codec.reply({})

    async def upload_signatures(self, request: Request) -> Response:
        """Publish signatures on devices and master keys."""
        failures = await self._keys.cross_signing.sign(request.requester, wire.signed_objects(request))
        return codec.reply(
            {
                "failures": {
                    user_id: {key_id: errors.body(refusal) for key_id, refusal in by_key.items()}
                    for user_id, by_key in failures.items()
                }
            }
        )

    async def send_to_device(self, request: Request) -> Response:
        """Send messages to devices."""
        event_type = wire.name(request.path["eventType"], "event type")
        txn_id = wire.name(request.path["txnId"], "transaction id")
        await self._keys.to_device.send(request.requester, event_type, txn_id, wire.messages(request))
        return codec.reply({})
