"""An echo bot on simplematrixbotlib: it accepts every invite and repeats what follows `!echo`."""

import asyncio
from pathlib import Path
from typing import Any

import simplematrixbotlib as botlib
from nio import MatrixRoom, RoomMessageText
from wire import Wire

READY_POLL_S = 0.02  # the library says nowhere that its callbacks are in place


class BotlibActor:
    def __init__(self) -> None:
        self._running: asyncio.Task[None]

    async def login(self, url: str, user: str, password: str, device: str, store: str) -> dict[str, Any]:
        Path(store).mkdir(parents=True, exist_ok=True)
        config = botlib.Config()
        config.encryption_enabled = True
        config.ignore_unverified_devices = True
        config.store_path = store
        session = str(Path(store) / "session.txt")
        creds = botlib.Creds(url, user, password, session_stored_file=session, device_name=device)
        bot = botlib.Bot(creds, config)

        @bot.listener.on_message_event
        async def echo(room: MatrixRoom, message: RoomMessageText) -> None:
            match = botlib.MessageMatch(room, message, bot, "!")
            if match.is_not_from_this_bot() and match.prefix() and match.command("echo"):
                await bot.api.send_text_message(room.room_id, " ".join(match.args()))

        self._running = asyncio.create_task(bot.main())
        while bot.callbacks is None:
            if self._running.done():
                self._running.result()
            await asyncio.sleep(READY_POLL_S)
        client = bot.async_client
        return {"user_id": client.user_id, "device_id": client.device_id, "access_token": client.access_token}


async def main() -> None:
    await Wire().serve({"login": BotlibActor().login})


asyncio.run(main())
