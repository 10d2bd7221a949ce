"""One server under test: builds worlds in it, starts it on a copy of one, and stops it whatever happens."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import msgspec

from bench.matrix import Api
from bench.products import Product
from bench.types import Size
from bench.wire import Broken, Connection, request
from bench.worlds import BUILDERS, World

START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
POLL_S = 0.01
IN_MEMORY = Path("/dev/shm")
LOG_TAIL_CHARACTERS = 2_000
DIE_WITH_PARENT = (
    "setpriv",
    "--pdeathsig",
    "KILL",
)  # the kernel ends the server when the bench is gone, however it went

Build = Callable[[Api, Size], Awaitable[World]]


class Failed(Exception):
    """The server did not start, or ended by itself."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A process of the product on a data folder."""

    def __init__(self, product: Product, data: Path) -> None:
        self.product = product
        self.data = data
        self.port = free_port()
        self.start_s = 0.0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise Failed(f"{self.product.name} is not running")
        return self._process.pid

    async def start(self, *, building: bool = False) -> None:
        """Start it and wait until it answers `/versions`; `start_s` is the time from one to the other."""
        command = self.product.builder if building else self.product.command
        self.product.prepare(self.data, self.port)
        with (self.data / "output.log").open("ab") as output:
            began = perf_counter()
            guard = DIE_WITH_PARENT if shutil.which(DIE_WITH_PARENT[0]) else ()
            self._process = await asyncio.create_subprocess_exec(
                *guard,
                *command(self.data, self.port),
                env=self.product.environment(),
                cwd=self.data,
                stdout=output,
                stderr=output,
                stdin=asyncio.subprocess.DEVNULL,
            )
        while not await self._answers():
            if (code := self._process.returncode) is not None or perf_counter() - began > START_LIMIT_S:
                await self.stop()
                raise Failed(f"{self.product.name} did not start (exit code {code}): {self.log_tail()}")
            await asyncio.sleep(POLL_S)
        self.start_s = perf_counter() - began

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill(self) -> None:
        """End it at once."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def log_tail(self) -> str:
        logs = sorted(self.data.glob("*.log"))
        return "\n".join(log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:] for log in logs)

    async def _answers(self) -> bool:
        connection = Connection(self.port)
        try:
            async with asyncio.timeout(1.0):
                return (await connection.ask(request("GET", "/_matrix/client/versions"))).status == 200
        except (OSError, Broken, TimeoutError):
            return False
        finally:
            connection.close()


class Run:
    """A started server and the world in it."""

    def __init__(self, server: Server, world: World) -> None:
        self.server = server
        self.world = world
        self._connections: list[Connection] = []

    def connect(self) -> Connection:
        connection = Connection(self.server.port)
        self._connections.append(connection)
        return connection

    def api(self, connections: int = BUILDERS) -> Api:
        return Api(self.server.port, connections)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


class Target:
    """A product, and the folder for its data during one run of the bench."""

    def __init__(self, product: Product, size: Size, folder: Path, say: Callable[[str], None]) -> None:
        self.product = product
        self.size = size
        self.say = say
        self.limit: asyncio.Timeout | None = None  # of the row that runs; building worlds does not count
        self._folder = folder

    @asynccontextmanager
    async def serving(self, build: Build) -> AsyncIterator[Run]:
        """A running server on its own copy of the world; every world is built once."""
        name = build.__name__
        kept = self._folder / "worlds" / name
        if not kept.exists():
            await self._build_apart(build, kept)
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(kept / "data", data, ignore=shutil.ignore_patterns("*.sock", "*.pid"))
        world = msgspec.json.decode((kept / "world.json").read_bytes(), type=World)
        server = Server(self.product, data)
        run = Run(server, world)
        try:
            await server.start()
            yield run
        except Exception:
            self.say(f"{self.product.name}, end of its log: {server.log_tail()}")
            raise
        finally:
            run.close()
            await server.kill()
            shutil.rmtree(data, ignore_errors=True)

    async def _build_apart(self, build: Build, kept: Path) -> None:
        """Build a world within a limit of its own, while that of the row stands still."""
        loop, limit = asyncio.get_running_loop(), self.limit
        began, ends = loop.time(), None if limit is None else limit.when()
        if limit is not None:
            limit.reschedule(None)
        try:
            async with asyncio.timeout(self.size.build_limit_s):
                await self._build(build, kept)
        except TimeoutError:
            raise Failed(f"world {build.__name__} took longer than {self.size.build_limit_s:.0f} s to build") from None
        finally:
            if limit is not None and ends is not None:
                limit.reschedule(ends + loop.time() - began)

    async def _build(self, build: Build, kept: Path) -> None:
        began = perf_counter()
        with tempfile.TemporaryDirectory(prefix="world-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
            making = Path(folder)
            await self._fill(build, making)
            partly = kept.with_name(kept.name + ".making")
            shutil.rmtree(partly, ignore_errors=True)
            shutil.copytree(making, partly, ignore=shutil.ignore_patterns("*.sock", "*.pid"))
        partly.rename(kept)
        self.say(f"{self.product.name}: world {build.__name__} built in {perf_counter() - began:.0f} s")

    async def _fill(self, build: Build, making: Path) -> None:
        """Build a world in a folder in memory: nobody measures how long the disk takes for it."""
        (making / "data").mkdir()
        server = Server(self.product, making / "data")
        try:
            await server.start(building=True)
            api = Api(server.port, BUILDERS)
            world = await build(api, self.size)
            api.close()
            await server.stop()
            for handle, count in world.followers.items():
                self.product.load_followers(making / "data", handle, count)
            if world.verified:
                self.product.verify_accounts(making / "data")
        finally:
            await server.kill()
        (making / "world.json").write_bytes(msgspec.json.encode(world))
