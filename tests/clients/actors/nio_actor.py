"""A person's device on matrix-nio, with encryption, moved by commands from a play."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nio import (
    AsyncClient,
    AsyncClientConfig,
    Event,
    InviteMemberEvent,
    MatrixRoom,
    MegolmEvent,
    PresenceEvent,
    ReactionEvent,
    ReceiptEvent,
    RedactionEvent,
    Response,
    RoomMemberEvent,
    RoomMessage,
    RoomPreset,
    SyncResponse,
    UnknownEvent,
)
from nio.crypto.attachments import decrypt_attachment
from nio.responses import ErrorResponse
from nio_backup import Backup
from nio_questions import Questions
from wire import Wire

SYNC_TIMEOUT_MS = 30_000
HISTORY_EVENTS = 100
POLL_START, POLL_RESPONSE = "org.matrix.msc3381.poll.start", "org.matrix.msc3381.poll.response"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class Refused(Exception):
    """The server answered with an error."""


def accepted(response: Any) -> Any:
    if isinstance(response, ErrorResponse):
        raise Refused(str(response))
    return response


class NioActor:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._client: AsyncClient
        self._backup: Backup
        self._questions: Questions
        self._syncing: asyncio.Task[None]
        self._rooms_told: set[str] = set()
        self._gathered: list[tuple[str, dict[str, Any]]] = []

    # --- coming and going

    async def login(self, url: str, user: str, password: str, device: str, store: str) -> dict[str, Any]:
        self._client = self._open(url, user, store)
        answer = accepted(await self._client.login(password, device_name=device))
        await self._first_sync()
        return {"user_id": answer.user_id, "device_id": answer.device_id, "access_token": answer.access_token}

    async def resume(self, url: str, user_id: str, device_id: str, access_token: str, store: str) -> dict[str, Any]:
        """Be the device that this store belongs to again, from where it stopped reading."""
        self._client = self._open(url, user_id, store)
        self._client.restore_login(user_id, device_id, access_token)
        await self._first_sync()
        return {"user_id": user_id, "device_id": device_id, "access_token": access_token}

    def _open(self, url: str, user: str, store: str) -> AsyncClient:
        Path(store).mkdir(parents=True, exist_ok=True)
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
        client = AsyncClient(url, user, store_path=store, config=config)
        client.add_event_callback(
            self._on_event, (RoomMessage, MegolmEvent, RoomMemberEvent, RedactionEvent, ReactionEvent, UnknownEvent)
        )
        client.add_event_callback(self._on_invite, InviteMemberEvent)
        client.add_ephemeral_callback(self._on_receipt, ReceiptEvent)
        client.add_presence_callback(self._on_presence, PresenceEvent)
        client.add_response_callback(self._on_sync, SyncResponse)
        return client

    async def ask(self, question: str, **about: Any) -> dict[str, Any]:
        """A question to the client; a refusal by the server is an answer, too."""
        return await self._questions.ask(question, **about)

    async def _first_sync(self) -> None:
        self._questions = Questions(self._client)
        synced = asyncio.create_task(self._client.synced.wait())
        self._syncing = asyncio.create_task(self._client.sync_forever(SYNC_TIMEOUT_MS, full_state=True))
        await asyncio.wait((synced, self._syncing), return_when=asyncio.FIRST_COMPLETED)
        if self._syncing.done():
            self._syncing.result()
        # A sync that fails later would otherwise be silent until a step of the play runs out of time.
        self._syncing.add_done_callback(lambda ended: self._wire.tell("stopped_syncing", why=repr(ended)))

    # --- rooms

    async def create_direct(self, user_id: str, room_version: str, encrypted: bool) -> dict[str, Any]:
        return await self._create(encrypted, room_version, is_direct=True, invite=[user_id],
                                  preset=RoomPreset.trusted_private_chat)  # fmt: skip

    async def create_group(self, name: str, invite: list[str], room_version: str, encrypted: bool) -> dict[str, Any]:
        return await self._create(encrypted, room_version, name=name, invite=invite, preset=RoomPreset.private_chat)

    async def _create(self, encrypted: bool, room_version: str, **options: Any) -> dict[str, Any]:
        initial_state = [ENCRYPTION] if encrypted else []
        created = accepted(
            await self._client.room_create(room_version=room_version, initial_state=initial_state, **options)
        )
        await self._known(created.room_id)
        return {"room_id": created.room_id}

    async def join(self, room_id: str) -> dict[str, Any]:
        """Join by id or alias; the room's id."""
        joined = accepted(await self._client.join(room_id)).room_id
        await self._known(joined)
        return {"room_id": joined}

    async def look(self, room_id: str) -> dict[str, Any]:
        """A room as its list and its member list show it."""
        room = self._client.rooms[room_id]
        members = accepted(await self._client.joined_members(room_id)).members
        return {
            "name": room.name,
            "count": room.member_count,
            "members": sorted(member.user_id for member in members),
            "unread": room.unread_notifications,
            "encrypted": room.encrypted,
            "tags": sorted(room.tags),
            "direct": room_id in str(await self._client.list_direct_rooms()),
        }

    async def react(self, room_id: str, event_id: str, key: str) -> dict[str, Any]:
        content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}}
        sent = await self._client.room_send(room_id, "m.reaction", content)
        return {"event_id": accepted(sent).event_id}

    async def vote(self, room_id: str, event_id: str, answers: list[str]) -> dict[str, Any]:
        """Answer a poll, as clients do that know polls; nio itself does not."""
        relates = {"rel_type": "m.reference", "event_id": event_id}
        content = {"m.relates_to": relates, POLL_RESPONSE: {"answers": answers}}
        return {"event_id": accepted(await self._client.room_send(room_id, POLL_RESPONSE, content)).event_id}

    async def invite(self, room_id: str, user_id: str) -> dict[str, Any]:
        accepted(await self._client.room_invite(room_id, user_id))
        return {}

    async def leave(self, room_id: str) -> dict[str, Any]:
        accepted(await self._client.room_leave(room_id))
        return {}

    async def kick(self, room_id: str, user_id: str) -> dict[str, Any]:
        accepted(await self._client.room_kick(room_id, user_id))
        return {}

    async def _known(self, room_id: str) -> None:
        """nio can only send to a room that a sync has shown it."""
        while room_id not in self._rooms_told:
            await self._client.synced.wait()

    # --- messages

    async def send_text(self, room_id: str, body: str, reply_to: str | None = None) -> dict[str, Any]:
        relates = {} if reply_to is None else {"m.relates_to": {"m.in_reply_to": {"event_id": reply_to}}}
        return await self._send(room_id, {"msgtype": "m.text", "body": body} | relates)

    async def send_file(
        self, room_id: str, path: str, content: dict[str, Any], thumbnail: str | None = None
    ) -> dict[str, Any]:
        """Upload `path` and its `thumbnail`, encrypted where the room is, and send `content` that points there."""
        encrypted = self._client.rooms[room_id].encrypted
        info = dict(content["info"])
        if thumbnail is not None:
            info |= await self._upload(Path(thumbnail), "image/jpeg", encrypted, "thumbnail_file", "thumbnail_url")
        where = await self._upload(Path(path), info["mimetype"], encrypted, "file", "url")
        return await self._send(room_id, content | where | {"info": info}) | where

    async def _upload(self, path: Path, mimetype: str, encrypted: bool, sealed: str, plain: str) -> dict[str, Any]:
        size = path.stat().st_size
        with path.open("rb") as opened:
            answer, keys = await self._client.upload(opened, mimetype, encrypt=encrypted, filesize=size)
        uri = accepted(answer).content_uri
        return {sealed: dict(keys) | {"url": uri, "v": "v2"}} if keys else {plain: uri}

    async def _send(self, room_id: str, content: dict[str, Any]) -> dict[str, Any]:
        sent = await self._client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
        return {"event_id": accepted(sent).event_id}

    async def redact(self, room_id: str, event_id: str) -> dict[str, Any]:
        return {"event_id": accepted(await self._client.room_redact(room_id, event_id)).event_id}

    async def read(self, room_id: str, event_id: str) -> dict[str, Any]:
        accepted(await self._client.room_read_markers(room_id, event_id, event_id))
        return {}

    async def history(self, room_id: str) -> dict[str, Any]:
        """The room's newest messages, oldest first, decrypted where a key is at hand."""
        page = accepted(await self._client.room_messages(room_id, limit=HISTORY_EVENTS))
        seen = [self._describe(event, room_id) for event in reversed(page.chunk)]
        return {"messages": [fields for kind, fields in filter(None, seen) if kind in ("message", "undecrypted")]}

    # --- key backup

    async def set_up_recovery(self) -> dict[str, Any]:
        """Begin a key backup; its recovery key."""
        self._backup = Backup(self._client)
        return {"recovery_key": await self._backup.begin()}

    async def backed_up(self, sessions: int) -> dict[str, Any]:
        """Put every key of this device into the backup, once there are so many."""
        while len(list(self._client.olm.inbound_group_store)) < sessions:
            await self._client.synced.wait()
        return {"stored": await self._backup.keep(self._client.olm.inbound_group_store)}

    async def recover(self, recovery_key: str) -> dict[str, Any]:
        """Take over the keys of the backup, with nothing but its recovery key."""
        olm = self._client.olm
        found = await Backup(self._client).read(recovery_key)
        new = [session for session in found if olm.inbound_group_store.add(session)]
        for session in new:
            olm.save_inbound_group_session(session)
        return {"imported": len(new), "total": len(found)}

    # --- files

    async def fetch(self, place: dict[str, Any] | str, save_to: str) -> dict[str, Any]:
        """Download what a message points to: an `mxc://` address, or an encrypted file's description."""
        described = isinstance(place, Mapping)
        answer = accepted(await self._client.download(place["url"] if described else place))
        body = answer.body
        if described:
            body = decrypt_attachment(body, place["key"]["k"], place["hashes"]["sha256"], place["iv"])
        Path(save_to).write_bytes(body)
        return {"content_type": answer.content_type}

    async def thumbnail(self, url: str, width: int, height: int, save_to: str) -> dict[str, Any]:
        server_name, _, media_id = url.removeprefix("mxc://").partition("/")
        answer = accepted(await self._client.thumbnail(server_name, media_id, width, height))
        Path(save_to).write_bytes(answer.body)
        return {"content_type": answer.content_type}

    # --- what sync shows: gathered, and told once nio has taken in the whole response, its device lists included

    async def _on_event(self, room: MatrixRoom, event: Event) -> None:
        if told := self._describe(event, room.room_id):
            self._gathered.append(told)

    def _describe(self, event: Event, room_id: str) -> tuple[str, dict[str, Any]] | None:
        where = {"room_id": room_id, "event_id": event.event_id, "sender": event.sender}
        if isinstance(event, MegolmEvent):
            return "undecrypted", where | {"session_id": event.session_id}
        if isinstance(event, RoomMemberEvent):
            reason = event.content.get("reason", "")
            return "member", where | {"user_id": event.state_key, "membership": event.membership, "reason": reason}
        if isinstance(event, ReactionEvent):
            return "reaction", where | {"reacts_to": event.reacts_to, "key": event.key}
        if isinstance(event, RedactionEvent):
            return "redacted", where | {"redacts": event.redacts}
        if isinstance(event, RoomMessage):
            content = event.source["content"]
            said = {"body": content.get("body"), "msgtype": content.get("msgtype"), "content": content}
            return "message", where | said | {"encrypted": event.decrypted}
        if isinstance(event, UnknownEvent) and event.type in (POLL_START, POLL_RESPONSE):
            kind = "poll" if event.type == POLL_START else "vote"
            return kind, where | {"content": event.source["content"]}
        return None

    async def _on_invite(self, room: MatrixRoom, event: InviteMemberEvent) -> None:
        if event.state_key == self._client.user_id and event.membership == "invite":
            told = {"room_id": room.room_id, "sender": event.sender}
            self._gathered.append(("invited", told | {"is_direct": event.content.get("is_direct", False)}))

    async def _on_receipt(self, room: MatrixRoom, event: ReceiptEvent) -> None:
        for receipt in event.receipts:
            told = {"room_id": room.room_id, "event_id": receipt.event_id, "user_id": receipt.user_id}
            self._gathered.append(("receipt", told))

    async def _on_presence(self, event: PresenceEvent) -> None:
        self._gathered.append(("presence", {"user_id": event.user_id, "status": event.status_msg}))

    async def _on_sync(self, response: Response) -> None:
        self._questions.take_in(response)
        for room_id in self._client.rooms.keys() - self._rooms_told:
            self._rooms_told.add(room_id)
            self._wire.tell("joined", room_id=room_id, encrypted=self._client.rooms[room_id].encrypted)
        gathered, self._gathered = self._gathered, []
        for kind, fields in gathered:
            self._wire.tell(kind, **fields)
        for room_id in response.rooms.leave:
            self._rooms_told.discard(room_id)
            self._wire.tell("left", room_id=room_id)


COMMANDS = (
    "login resume ask create_direct create_group join look react vote invite leave kick "
    "send_text send_file redact read history set_up_recovery backed_up recover fetch thumbnail"
)


async def main() -> None:
    wire = Wire()
    actor = NioActor(wire)
    await wire.serve({name: getattr(actor, name) for name in COMMANDS.split()})


asyncio.run(main())
