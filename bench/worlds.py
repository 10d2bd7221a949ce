"""The users and rooms that rows begin with, built through the API of the server under test."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from bench.matrix import Api, User, padded, publish, read_sent, send
from bench.types import Size
from bench.wire import each

BUILDERS = 8  # calls at once while a world is built
HANDLE = "daily"  # of the public account in a world with one
OWNED = 100  # accounts of one owner, so that a world of many accounts takes few registrations
WORDS = ("garden", "harbour", "lantern", "meadow", "orchard", "pottery", "quarry", "river", "station", "timber")
SYLLABLES = [consonant + vowel for consonant in "bdfghkmnprstvwyz" for vowel in "aeou"]
CODE_SYLLABLES = 6  # enough that no two of a hundred thousand look alike


class Room(msgspec.Struct, frozen=True):
    room_id: str
    members: Sequence[int]  # indexes into the world's users; the first one created it


class World(msgspec.Struct, frozen=True):
    users: list[User]
    rooms: list[Room]
    sent: dict[str, list[str]] = {}  # acknowledged event ids of messages, by room
    followers: dict[str, int] = {}  # to be loaded into the stopped server, by the handle of a public account
    verified: bool = False  # every public account is to get its badge in the stopped server


async def _registered(api: Api, count: int) -> list[User]:
    users: dict[int, User] = {}

    async def register(index: int, _: int) -> None:
        users[index] = await api.register(f"user{index}")

    await each(range(count), BUILDERS, register)
    return [users[index] for index in range(count)]


async def _opened(api: Api, users: list[User], rooms: Sequence[Sequence[int]]) -> list[Room]:
    """One public room for each list of members. Joins of different rooms interleave."""
    made: dict[int, Room] = {}

    async def create(index: int, _: int) -> None:
        room_id = await api.create_room(users[rooms[index][0]])
        made[index] = Room(room_id, rooms[index])

    await each(range(len(rooms)), BUILDERS, create)
    most = max(len(members) for members in rooms)
    joins = [(room.room_id, room.members[k]) for k in range(1, most) for room in made.values() if k < len(room.members)]

    async def join(wish: tuple[str, int], _: int) -> None:
        await api.join(users[wish[1]], wish[0])

    await each(joins, BUILDERS, join)
    return [made[index] for index in range(len(rooms))]


async def _with_tokens(api: Api, users: list[User]) -> list[User]:
    fresh = list(users)

    async def read(index: int, _: int) -> None:
        fresh[index] = await api.since(users[index])

    await each(range(len(users)), BUILDERS, read)
    return fresh


async def _told(api: Api, users: list[User], rooms: Sequence[Room], count: int) -> dict[str, list[str]]:
    """`count` messages in each room, from its creator, one after the other."""
    sent: dict[str, list[str]] = {room.room_id: [] for room in rooms}

    async def tell(room: Room, _: int) -> None:
        for index in range(count):
            wish = send(users[room.members[0]], room.room_id, f"w{index}", padded(f"w{index}"))
            sent[room.room_id].append(read_sent(await api.call(wish)).event_id)

    await each(rooms, BUILDERS, tell)
    return sent


async def rooms_of_twenty(api: Api, size: Size) -> World:
    """The design's 64 users in 32 rooms of 20: each user is in ten."""
    users = await _registered(api, size.users)
    members = [[(2 * room + k) % size.users for k in range(size.members)] for room in range(size.rooms)]
    rooms = await _opened(api, users, members)
    return World(await _with_tokens(api, users), rooms)


async def one_group(api: Api, size: Size) -> World:
    """One room that everyone is in, closed to others once it is full."""
    users = await _registered(api, size.group)
    rooms = await _opened(api, users, [range(size.group)])
    await api.set_invite_only(users[0], rooms[0].room_id)
    return World(await _with_tokens(api, users), [Room(rooms[0].room_id, list(range(size.group)))])


async def unread_rooms(api: Api, size: Size) -> World:
    """User 0 is in many rooms of three, and has read none of what was said there."""
    users = await _registered(api, 9)
    members = [[1 + room % 8, 0, 1 + (room + 3) % 8] for room in range(size.unread_rooms)]
    rooms = await _opened(api, users, members)
    sent = await _told(api, users, rooms, size.unread_messages)
    return World(users, rooms, sent)


async def long_history(api: Api, size: Size) -> World:
    """Four rooms of eight, each with a history of many pages."""
    users = await _registered(api, 8)
    rooms = await _opened(api, users, [[(room + k) % 8 for k in range(8)] for room in range(4)])
    sent = await _told(api, users, rooms, size.history_messages)
    return World(users, rooms, sent)


async def idle_users(api: Api, size: Size) -> World:
    """Many users, each in one room of twenty."""
    users = await _registered(api, size.idle_users)
    starts = range(0, size.idle_users, size.members)
    members = [list(range(start, min(start + size.members, size.idle_users))) for start in starts]
    rooms = await _opened(api, users, members)
    return World(await _with_tokens(api, users), rooms)


async def channel_of_few(api: Api, size: Size) -> World:
    """A public account with few followers besides those who are connected."""
    return await _channel(api, size, size.followers_few)


async def channel_of_many(api: Api, size: Size) -> World:
    """The same with a thousand times as many."""
    return await _channel(api, size, size.followers_many)


async def _channel(api: Api, size: Size, followers: int) -> World:
    """User 0 owns the account HANDLE; everybody else follows it."""
    users = await _registered(api, 1 + size.connected)
    room_id = await api.open_account(users[0], HANDLE, "The Daily Leaf")
    await api.call(publish(users[0], HANDLE, padded("first ")))

    async def join(user: User, _: int) -> None:
        await api.join(user, room_id)

    await each(users[1:], BUILDERS, join)
    fresh = await _with_tokens(api, users)
    return World(fresh, [Room(room_id, list(range(len(users))))], {}, {HANDLE: followers})


async def directory_of_few(api: Api, size: Size) -> World:
    """A directory of public accounts."""
    return await _directory(api, size.accounts_few)


async def directory_of_many(api: Api, size: Size) -> World:
    """The same with a hundred times as many."""
    return await _directory(api, size.accounts_many)


async def feed_of_few(api: Api, size: Size) -> World:
    """User 0 follows many accounts that published once."""
    return await _feed(api, size, 1)


async def feed_of_many(api: Api, size: Size) -> World:
    """The same accounts, each with many posts."""
    return await _feed(api, size, size.posts_of_each)


async def _feed(api: Api, size: Size, posts: int) -> World:
    users = await _registered(api, 1 + -(-size.followed // OWNED))

    async def open_account(index: int, _: int) -> None:
        owner = users[1 + index // OWNED]
        room_id = await api.open_account(owner, f"journal-{index}", f"Journal number {index}")
        await api.join(users[0], room_id)

    async def publish_post(index: int, number: int) -> None:
        await api.call(publish(users[1 + index // OWNED], f"journal-{index}", padded(f"post {number} ")))

    await each(range(size.followed), BUILDERS, open_account)
    # Account after account, and again: posts of one account do not stand together.
    for _ in range(posts):
        await each(range(size.followed), BUILDERS, publish_post)
    return World(users, [])


async def _directory(api: Api, count: int) -> World:
    """Verified accounts, OWNED for each user."""
    users = await _registered(api, -(-count // OWNED))

    async def open_account(index: int, _: int) -> None:
        await api.open_account(users[index // OWNED], handle_of(index), name_of(index))

    await each(range(count), BUILDERS, open_account)
    return World(users, [], verified=True)


def handle_of(index: int) -> str:
    """The handle of an account of the directory."""
    return f"{WORDS[index % len(WORDS)]}-{code_of(index)}"


def name_of(index: int) -> str:
    """Its name: a word that a tenth of all have, and one of its own."""
    return f"{WORDS[index % len(WORDS)]} {code_of(index)}".title()


def code_of(index: int) -> str:
    """A word for each number, no two of them alike."""
    digest = sha256(str(index).encode()).digest()
    return "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest[:CODE_SYLLABLES])
