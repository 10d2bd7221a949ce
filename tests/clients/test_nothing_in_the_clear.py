"""The search for secrets in the data folder, by which the encrypted plays end, does find what is in the clear."""

import asyncio
import secrets

from tests.clients.stage import Served, Stage, befriend, holding, tells


async def test_the_words_of_an_unencrypted_room_are_found_in_the_data_folder(
    stage: Stage, teahouse_server: Served
) -> None:
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    alices, bobs = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "nio"))
    room_id = await befriend(alices, bobs, "11", encrypted=False)
    text = f"Anyone may read this {secrets.token_hex(8)}"
    await tells(alices, [bobs], room_id, text, encrypted=False)
    assert holding(text.encode(), teahouse_server.data_dir) != []
