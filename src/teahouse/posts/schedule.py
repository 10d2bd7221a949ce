"""Publishes drafts at their hour. It looks at the clock again and again, for clocks are set and machines sleep: what is
due by the wall clock now is published now, once, however late.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from teahouse.clock import Clock
from teahouse.errors import StorageFull, TeahouseError, Unavailable
from teahouse.posts.drafts import Drafts
from teahouse.posts.types import Draft

LOOK_EVERY_S = 1.0  # between looks at the clock: a post is at most this late
AT_ONCE_MAX = 100  # drafts read at one look
PASSING = (Unavailable, StorageFull)  # the server's own trouble: the draft is tried again at the next look
BROKEN = "The server made a mistake when it published this. It has been logged; look at the draft and try again."

log = logging.getLogger("teahouse.posts")


class Schedule:
    """The clockwork of publishing."""

    def __init__(self, clock: Clock, drafts: Drafts) -> None:
        self._clock = clock
        self.drafts = drafts

    async def run(self) -> None:
        """Publish what is due, until cancelled. What became due while the server was down is due at its start."""
        while True:
            if self._clock.now_ms() >= self.drafts.next_due_ms:
                with suppress(StorageFull):  # which must not end the server: what failed is tried again
                    await self.publish_due()
            # Never as long as until the next draft is due: the clock may be set meanwhile, forwards or back.
            await asyncio.sleep(LOOK_EVERY_S)

    async def publish_due(self) -> int:
        """Publish everything that is due now, the earliest first; how many were."""
        published = 0
        tried: set[int] = set()
        while due := [d for d in await self.drafts.due(self._clock.now_ms(), AT_ONCE_MAX) if d.draft_no not in tried]:
            for draft in due:
                tried.add(draft.draft_no)
                published += await self._publish(draft)
        await self.drafts.look_ahead()
        return published

    async def _publish(self, draft: Draft) -> bool:
        try:
            await self.drafts.publish_due(draft)
        except PASSING as refusal:
            log.warning("A scheduled post has to wait: %s", refusal.message)
            return False
        except TeahouseError as refusal:
            await self.drafts.failed(draft, refusal.message)
            return False
        except Exception:  # one draft must not keep all others back, nor end the server again at each start
            log.exception("Draft %s could not be published", draft.draft_no)
            await self.drafts.failed(draft, BROKEN)
            return False
        return True
