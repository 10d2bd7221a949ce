"""Worlds are built within a limit of their own, and the names in a directory are far apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bench.matrix import Api
from bench.products.teahouse import Teahouse
from bench.target import Build, Failed, Target
from bench.types import QUICK, Size
from bench.worlds import World, handle_of, name_of
from teahouse.public_accounts.lookalikes import forms
from teahouse.public_accounts.naming import check_handle, check_profile
from teahouse.public_accounts.types import About


def test_no_two_accounts_of_a_directory_look_alike() -> None:
    seen: dict[str, int] = {}
    for index in range(1_000):
        check_handle(handle_of(index), staff=False)
        check_profile(name_of(index), About())
        for form in forms(handle_of(index), name_of(index)):
            assert seen.setdefault(form, index) == index, (name_of(index), name_of(seen[form]))


class Builds(Target):
    """Builds nothing, and sees what becomes of the row's limit meanwhile."""

    seen: float | None = 0.0

    async def _build(self, build: Build, kept: Path) -> None:
        assert self.limit is not None
        self.seen = self.limit.when()
        await build(None, self.size)  # type: ignore[arg-type]


async def build(target: Builds, made: Build) -> None:
    async with asyncio.timeout(60) as target.limit:
        assert target.limit is not None
        before = target.limit.when()
        assert before is not None
        await target._build_apart(made, Path("/nowhere"))
        after = target.limit.when()
        assert target.seen is None
        assert after is not None
        assert after >= before


async def test_the_time_of_building_a_world_is_not_the_rows(tmp_path: Path) -> None:
    async def quick(api: Api, size: Size) -> World:
        return World([], [])

    await build(Builds(Teahouse(), QUICK, tmp_path, print), quick)


async def test_a_world_that_takes_too_long_to_build_is_named(tmp_path: Path) -> None:
    async def endless(api: Api, size: Size) -> World:
        return await asyncio.get_running_loop().create_future()

    target = Builds(Teahouse(), replace(QUICK, build_limit_s=0.0), tmp_path, print)
    with pytest.raises(Failed, match="world endless took longer"):
        await build(target, endless)
