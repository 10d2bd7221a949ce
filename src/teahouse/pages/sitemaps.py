"""What there is to be found: every account and every standing post, in maps of a bounded size.

The maps are cut where so many accounts or posts end, gone ones counted: where once was cut is cut for ever, and is kept
in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from teahouse.db import Database, Reader
from teahouse.errors import NotFound
from teahouse.pages import store
from teahouse.pages.maps import PLACES_MAX
from teahouse.pages.types import Place

Window = Callable[[Reader, int, int], Awaitable[int | None]]
KINDS = ("accounts", "posts")
END = 1 << 62


class SiteMaps:
    """The maps of this server."""

    def __init__(self, database: Database, places_max: int = PLACES_MAX) -> None:
        self._database = database
        self._places_max = places_max
        self._ends: dict[str, list[int]] = {kind: [0] for kind in KINDS}

    async def paths(self) -> list[str]:
        """The path of each map."""
        return [
            f"/sitemap/{kind}/{page}" for kind in KINDS for page in range(1, len(await self._cut(kind)) + 1)
        ]  # fmt: skip

    async def places(self, kind: str, page: int) -> list[Place]:
        """What stands in one map, counted from 1; raises NotFound."""
        ends = await self._cut(kind) if kind in KINDS else []
        if not 1 <= page <= len(ends):
            raise NotFound("There is no such map.")
        after = ends[page - 1]
        if kind == "accounts":
            rows = await store.accounts_after(self._database, after, self._places_max)
            own = [Place("/", 0), Place("/explore", 0), Place("/latest", 0)] if page == 1 else []
            return own + [Place(f"/@{quote(handle, safe='')}", 0) for _, handle, _ in rows]
        upto = ends[page] if page < len(ends) else END
        found = await store.posts_after(self._database, after, upto, self._places_max)
        return [Place(f"/@{quote(handle, safe='')}/{number}", changed_ms) for handle, number, changed_ms in found]

    async def _cut(self, kind: str) -> list[int]:
        """Where the maps of a kind begin."""
        window: Window = store.accounts_window if kind == "accounts" else store.posts_window
        ends = self._ends[kind]
        while (end := await window(self._database, ends[-1], self._places_max)) is not None:
            if end > ends[-1]:  # else another request cut here meanwhile
                ends.append(end)
        return ends
