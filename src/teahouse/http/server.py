"""uvicorn, set up for many connections that mostly wait."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from teahouse.http.joining import JoiningProtocol

BACKLOG = 4_096  # connections the kernel holds before they are accepted
KEEP_ALIVE_S = 75  # longer than the pauses of a client between two requests
STOP_S = 5  # how long answers under way may take when the server stops
FILES_WANTED = 65_536  # open files and connections


class Server:
    """One listening socket and the application behind it."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._config = uvicorn.Config(
            app,
            loop="uvloop",
            http=JoiningProtocol,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            backlog=BACKLOG,
            timeout_graceful_shutdown=STOP_S,
        )
        self._server = uvicorn.Server(self._config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._socket = bind(host, port)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until `stop`."""
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup(sockets=[self._socket])
        ready()
        try:
            await self._server.main_loop()
        finally:
            await self._server.shutdown(sockets=[self._socket])

    def stop(self) -> None:
        """Accept nothing new, let answers under way finish."""
        self._server.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; raises OSError when the address is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound


def raise_file_limit() -> None:
    """Ask for as many open files as the system lets this process have, up to what the server can use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
