"""The play's end of an actor: a client in its own process, asked to do things and watched for what it sees."""

import asyncio
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STEP_SECONDS = 45.0  # a step takes well under one; the key backup's upload waits up to ten by itself; machines are busy
STOP_SECONDS = 5.0
LINE_MAX_BYTES = 1_048_576  # as in actors/wire.py
TAIL_LINES = 60  # of stderr, shown with a failure
EVENTS_SHOWN = 40

Event = dict[str, Any]


class StepFailed(AssertionError):
    """A step was refused or took too long; the text tells what the actor saw and wrote."""


class Actor:
    def __init__(self, name: str, process: asyncio.subprocess.Process, stderr: Path) -> None:
        self.name = name
        self.url = self.user_id = self.device_id = self.access_token = ""
        self._process = process
        self._stderr = stderr
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Event]] = {}
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, name: str, command: Sequence[str], stderr: Path) -> "Actor":
        # Settings that Python takes from outside would let one environment's packages into another.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NODE_"))}
        with stderr.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=written,
                limit=LINE_MAX_BYTES,
                cwd=stderr.parent,
                env=environment,
            )
        return cls(name, process, stderr)

    async def do(self, command: str, **arguments: Any) -> Event:
        """Have it done; its result. Raises `StepFailed` when the client could not."""
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": command, "with": arguments}).encode() + b"\n")
        try:
            answer = await asyncio.wait_for(reply, STEP_SECONDS)
        except TimeoutError:
            raise self._failed(f"did not {command} {arguments} within {STEP_SECONDS:.0f} s") from None
        if "failed" in answer:
            raise self._failed(f"could not {command} {arguments}: {answer['failed']}")
        done: Event = answer["ok"]
        return done

    async def asks(self, question: str, **about: Any) -> Any:
        """What the client's own call or picture says, see actors/nio_questions.py; a refusal as [status, errcode]."""
        done = await self.do("ask", question=question, **about)
        return done["refused"] if "refused" in done else done["answer"]

    async def sees(self, kind: str, **fields: Any) -> Event:
        """The first event of this kind with these fields, from the actor's start on; waits for it."""

        def matches(event: Event) -> bool:
            return event["event"] == kind and all(event.get(name) == value for name, value in fields.items())

        try:
            async with asyncio.timeout(STEP_SECONDS):
                while True:
                    self._news.clear()
                    if found := next(filter(matches, self._events), None):
                        return found
                    await self._news.wait()
        except TimeoutError:
            raise self._failed(f"did not see {kind} {fields} within {STEP_SECONDS:.0f} s") from None

    def saw(self, kind: str, **fields: Any) -> list[Event]:
        """All such events so far."""
        return [
            event
            for event in self._events
            if event["event"] == kind and all(event.get(name) == value for name, value in fields.items())
        ]

    async def stop(self) -> None:
        """Let the client go as a closed window does: no logout. Its store stays."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message: Event = json.loads(line)
            if "id" in message:
                reply = self._replies.pop(message["id"])
                if not reply.done():  # the step may have run out of time
                    reply.set_result(message)
            else:
                self._events.append(message)
                self._news.set()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_result({"failed": "the client's process ended"})

    def _failed(self, what: str) -> StepFailed:
        events = "\n".join(f"  {json.dumps(event)}" for event in self._events[-EVENTS_SHOWN:])
        written = "\n".join(self._stderr.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        return StepFailed(f"{self.name} {what}\n--- what {self.name} saw\n{events}\n--- stderr\n{written}")
