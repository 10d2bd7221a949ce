"""Publishing to few and to a million followers, with some thousands of them connected.

All connected long-poll; a post is published when they rest. Reached is the time from the start of publishing until the
last of them has the answer that shows the post.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from bench.machine import Meter, Reading
from bench.matrix import LIVE_FILTER, PARK_MS, User, padded, publish, read_sync, sync
from bench.target import Build, Run, Target
from bench.types import Figure, Row, percentile
from bench.wire import accepted
from bench.worlds import HANDLE, channel_of_few, channel_of_many

REST_S = 1.0  # between posts, for every reader to park again
REACH_LIMIT_S = 60.0
LOOK_S = 0.01


class Follower:
    """One connected follower, and when each post reached them."""

    def __init__(self, run: Run, user: User) -> None:
        self._user = user
        self._connection = run.connect()
        self._room_id = run.world.rooms[0].room_id
        self.reached: dict[str, float] = {}

    async def read(self) -> None:
        since = self._user.since
        while True:
            asked = sync(self._user, since, PARK_MS, LIVE_FILTER)
            answer = await self._connection.ask(asked)
            shown = read_sync(accepted(answer, asked))
            since = shown.next_batch
            room = shown.rooms.join.get(self._room_id)
            for event in room.timeline.events if room is not None else ():
                if event.type == "m.room.message":
                    self.reached.setdefault(str(event.content.body).split(" ", 1)[0], answer.arrived)


async def _published(run: Run, posts: int) -> tuple[list[float], list[float], Reading, list[str]]:
    """Seconds until each post was acknowledged, and until it had reached every connected follower."""
    followers = [Follower(run, user) for user in run.world.users[1:]]
    owner = run.connect()
    answered: list[float] = []
    reached: list[float] = []
    wrong: list[str] = []
    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(follower.read()) for follower in followers]
        await asyncio.sleep(3 * REST_S)
        meter = Meter(run.server.pid)
        for number in range(posts):
            name = f"post{number}"
            began = perf_counter()
            asked = publish(run.world.users[0], HANDLE, padded(f"{name} "))
            accepted(await owner.ask(asked), asked)
            answered.append(perf_counter() - began)
            while not (all_there := all(name in each.reached for each in followers)):
                if perf_counter() - began > REACH_LIMIT_S:
                    break
                await asyncio.sleep(LOOK_S)
            if all_there:
                reached.append(max(each.reached[name] for each in followers) - began)
            else:
                wrong.append(f"{sum(name not in each.reached for each in followers)} followers missed {name}")
            await asyncio.sleep(REST_S)
        read = meter.read()
        for task in reading:
            task.cancel()
    return answered, reached, read, wrong


async def run(target: Target) -> Row:
    size = target.size
    figures: list[Figure] = []
    wrong: list[str] = []
    worlds: list[tuple[Build, int]] = [(channel_of_few, size.followers_few), (channel_of_many, size.followers_many)]
    for build, followers in worlds:
        async with target.serving(build) as run:
            answered, reached, reading, missed = await _published(run, size.posts)
        wrong += missed
        figures.append(Figure(f"answered p50 at {followers:,}", percentile(answered, 0.5) * 1000, "ms", "lower"))
        if reached:
            figures.append(Figure(f"all reached, p50 at {followers:,}", percentile(reached, 0.5) * 1000, "ms", "lower"))
            figures.append(Figure(f"all reached, slowest at {followers:,}", max(reached) * 1000, "ms", "lower", 1_000))
    return Row(
        "publish",
        f"publish a post with {size.connected:,} followers connected",
        figures,
        reading,
        size.posts,
        {"posts": size.posts},
        wrong[:3],
    )
