"""The composition root: configuration to drivers, drivers to services, services to endpoints. Nothing else wires."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from teahouse.analytics import AnalyticsApi, Readings, Reports
from teahouse.badges.api import BadgesApi
from teahouse.badges.service import Badges
from teahouse.bus.local import LocalBus
from teahouse.clock import Clock
from teahouse.config import Config
from teahouse.contacts.api import ContactsApi
from teahouse.contacts.service import Contacts
from teahouse.contacts.types import GreetingLimits
from teahouse.db import Transaction
from teahouse.eventlog.batch import RoomLimits
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.service import EventLog
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.microblog import Microblog
from teahouse.http import openapi
from teahouse.http.addresses import ClientAddresses
from teahouse.http.app import HttpApp
from teahouse.http.discovery import DiscoveryApi, admin_contact
from teahouse.http.messages import Route
from teahouse.http.ratelimit import Guesses, RateLimiter, rates
from teahouse.keys import BackupApi, Keys, KeysApi
from teahouse.mailings.api import MailingsApi
from teahouse.mailings.pages import MailingsPages
from teahouse.mailings.service import Mailings
from teahouse.media import MediaApi, MediaLimits, MediaService, PublicMediaApi
from teahouse.mirrors.api import MirrorsApi
from teahouse.mirrors.bringing import Bringing
from teahouse.mirrors.imports import Imports
from teahouse.mirrors.service import Mirrors
from teahouse.moments.parts import MomentsSlice, Needs
from teahouse.opening import Engine, open_database, settle_name
from teahouse.outbound.outside import Outside
from teahouse.pages.pages import Pages
from teahouse.posts.comments import Comments
from teahouse.posts.drafts import Drafts
from teahouse.posts.interactions import Interactions
from teahouse.posts.media import PublicMedia
from teahouse.posts.removals import Removals
from teahouse.posts.schedule import Schedule
from teahouse.posts.service import Posts
from teahouse.posts.topics import Topics
from teahouse.public_accounts.accounts import Accounts as PublicAccounts
from teahouse.public_accounts.channel import Channels
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.loading import Loading
from teahouse.public_accounts.operations import operations as account_operations
from teahouse.public_accounts.post_views import PostViews
from teahouse.public_accounts.quotas import Quotas
from teahouse.public_accounts.tokens import Bearers, PostingTokens
from teahouse.public_accounts.topic_ends import TopicEnds
from teahouse.push.api import PushApi
from teahouse.push.classes import DefaultRules
from teahouse.push.service import PushRules
from teahouse.push.unread import Unread
from teahouse.rooms.api import RoomsApi
from teahouse.rooms.belongings import Belongings
from teahouse.rooms.creation import Creation
from teahouse.rooms.directory import Directory
from teahouse.rooms.directory_api import DirectoryApi
from teahouse.rooms.ephemeral import Presence, Serial, Typing
from teahouse.rooms.ephemeral_api import EphemeralApi
from teahouse.rooms.history import History
from teahouse.rooms.membership import Membership
from teahouse.rooms.membership_api import MembershipApi
from teahouse.rooms.of_users import RoomsOfUsers
from teahouse.rooms.readership import MembershipReadership, Readerships
from teahouse.rooms.receipts import Receipts
from teahouse.rooms.relations import Relations
from teahouse.rooms.service import Rooms
from teahouse.rooms.serving import Serving
from teahouse.rooms.shared import SharedRooms
from teahouse.secrets import Secrets, load_or_make
from teahouse.sidechats import Desk, side_chat_operations
from teahouse.sync.api import SyncApi
from teahouse.sync.devices import DeviceLists
from teahouse.sync.lazy import LazyMembers
from teahouse.sync.rooms import RoomSections
from teahouse.sync.service import Sync
from teahouse.sync.waiters import Waiters
from teahouse.users.account_data import AccountData
from teahouse.users.account_data_api import AccountDataApi
from teahouse.users.accounts import Accounts
from teahouse.users.api import UsersApi
from teahouse.users.fallback_api import FallbackApi
from teahouse.users.passwords import Passwords
from teahouse.users.people import People
from teahouse.users.profiles import Profiles
from teahouse.users.profiles_api import ProfilesApi
from teahouse.users.sessions import Sessions
from teahouse.users.stages import Stages
from teahouse.users.types import AccountRules
from teahouse.users.uia import UserInteractive

MEDIA_FOLDER = "media"


class Slice(Protocol):
    """Something with endpoints."""

    def routes(self) -> list[Route]: ...


class App:
    """Everything that runs in one process."""

    def __init__(
        self, config: Config, clock: Clock, database: Engine, identifiers: Identifiers, secrets: Secrets
    ) -> None:
        self.config = config
        self.clock = clock
        self.database = database
        self.identifiers = identifiers
        self.bus = LocalBus()
        home = config.public_url or config.server_name
        outside = Outside(database, clock, config.outbound, config.mail, home, secrets.address_key)
        self.address_key = secrets.address_key
        self.names, self.fetcher, self.mail = outside.names, outside.fetcher, outside.mail
        self._build_users()
        self._build_rooms()
        self._build_publishing()
        self._build_moments()
        self._build_sync()
        self.operations = [
            *self.contacts_api.operations(),
            *BadgesApi(self.badges, self.public_accounts).operations(),
            *account_operations(
                self.public_accounts, self.followers, self.directory, self.posts, self.interactions, self.comments,
                self.topics, self.schedule.drafts, self.post_views, self.posting_tokens, self.readings.opened,
            ),
            *AnalyticsApi(self.public_accounts, self.reports, self.clock).operations(),
            *self.moments.operations(),
            *MailingsApi(self.mailings, self.public_accounts).operations(),
            *self.microblog.operations(),
            *MirrorsApi(self.mirrors, self.imports, self.public_accounts).operations(),
            *side_chat_operations(self.public_accounts, self.desk, self.directory),
        ]
        self.http = HttpApp(
            self._routes(),
            Bearers(self.sessions, self.posting_tokens),
            RateLimiter(rates(config.rate_limits), clock, enabled=config.rate_limits.enabled),
            ClientAddresses(config.trusted_proxies),
            admin_contact(config.support_email, config.support_page, config.public_url, config.server_name),
        )

    async def open(self) -> None:
        """Make ready what must be there before the first request."""
        await self.media.open()
        await self.imports.open()

    async def run(self) -> None:
        """The background work, until cancelled."""
        async with asyncio.TaskGroup() as group:
            work: Sequence[Coroutine[Any, Any, None]] = (
                self.eventlog.run(),
                self.receipts.run(),
                self.keys.run(),
                self.sessions.run(),
                self.schedule.run(),
                self.posts.erasing.chore.run(),
                self.topic_ends.chore.run(),
                self.moments.moments.run(),
                self.mail.run(),
                self.mailings.run(),
                self.mirrors.run(),
                self.imports.run(),
                self.desk.errands.run(),
                self.microblog.run(),
                self.badges.run(),
                self.readings.run(),
            )
            for coroutine in work:
                group.create_task(coroutine)

    async def close(self) -> None:
        """Let go of what is held; call after `run` has ended."""
        self.passwords.close()
        await self.media.close()
        await self.fetcher.close()
        await self.database.close()

    def _build_users(self) -> None:
        config, database = self.config, self.database
        self.eventlog = EventLog(
            database, self.bus, self.clock, self.identifiers,
            RoomLimits(config.rooms.group_members_max, config.rooms.public_members_max), DefaultRules(),
        )  # fmt: skip
        self.people = People(database, config.server_name)
        self.account_data = self.people.account_data = AccountData(database, self.bus)
        self.members = MembershipReadership(database, self.eventlog, self.people.known)
        self.readership = Readerships([self.members])
        self.shared_rooms = SharedRooms(self.eventlog, self.readership, self.people)
        self.keys = Keys(database, self.bus, self.people, self.shared_rooms)
        rules = AccountRules(
            config.registration, config.accounts.terms_url, config.accounts.password_min_characters,
            config.accounts.access_token_minutes,
        )  # fmt: skip
        self.passwords = Passwords(rules.password_min_characters)
        self.sessions = Sessions(database, self.clock, self.people, rules, self.keys)
        self.push_rules = PushRules(database, self.account_data, self.people.user_id)
        self.rules = rules

    def _build_rooms(self) -> None:
        config, database = self.config, self.database
        greetings = GreetingLimits(
            config.greetings.required, config.rate_limits.enabled, config.greetings.pending_max,
            config.greetings.per_day_max,
        )  # fmt: skip
        self.contacts = Contacts(database, self.clock, greetings, self.account_data, self.account_data.ignore)
        self.rooms = Rooms(database, self.eventlog, self.readership, self.people)
        self.membership = Membership(self.rooms, self.members, self.contacts)
        belongings = Belongings(database, self.rooms, self.account_data, self.push_rules)
        self.membership.arrived.append(belongings.follow)
        self.creation = Creation(
            self.rooms, self.membership, config.rooms.default_version, encrypt_private=config.rooms.encrypt_private
        )
        self.serving = Serving(database, self.eventlog, self.clock, self.rooms.keeper_of)
        self.history = History(self.rooms, self.serving)
        self.directory = Directory(self.rooms)
        self.receipts = Receipts(database, self.eventlog, self.bus, self.clock, self.rooms)
        self.serial = Serial()
        self.typing = Typing(self.rooms, self.bus, self.serial)
        self.presence = Presence(config.presence.enabled, self.clock, self.bus, self.serial)
        guesses = Guesses(self.clock, enabled=config.rate_limits.enabled)
        self.rooms_of_users = RoomsOfUsers(self.membership)
        self.accounts = Accounts(
            database, self.clock, self.people, self.sessions, self.passwords, guesses, self.rules, self.rooms_of_users,
            self.account_data,
        )  # fmt: skip
        limits = MediaLimits(
            upload_bytes=config.media.upload_bytes, user_bytes=config.media.user_bytes,
            thumbnail_pixels=config.media.thumbnail_pixels,
        )  # fmt: skip
        self.media = MediaService(database, config.data_dir / MEDIA_FOLDER, self.clock, limits, config.server_name)
        self.contacts_api = ContactsApi(self.contacts, self.people, self.directory)

    def _build_publishing(self) -> None:
        config, database = self.config, self.database
        self.public_media = PublicMedia(database, self.media, config.public_url)
        self.topics = Topics(database)
        self.boundaries = Boundaries(database, self.clock, self.people)
        self.public_accounts = PublicAccounts(
            database, self.clock, self.rooms, self.creation, self.accounts, self.public_media,
            Quotas(config.public_accounts), config.public_accounts.opening, config.public_accounts.owned_max,
            self.contacts.is_stranger,
        )  # fmt: skip
        self.followers = Followers(
            database, self.clock, self.bus, self.identifiers, self.members, self.people, self.public_accounts,
            self.push_rules, self.topics, self.boundaries,
        )  # fmt: skip
        self.topic_ends = TopicEnds(
            database, self.public_accounts, self.push_rules, self.topics, self.people, self.directory
        )
        self.badges = Badges(
            database, self.clock, self.rooms, self.public_accounts, self.names, self.fetcher, self.address_key
        )
        self.accounts.closing.append(self.public_accounts)
        self.posting_tokens = PostingTokens(database, self.clock, config.server_name)
        self.loading = Loading(database, self.clock, self.public_accounts, self.followers)
        self.posts = Posts(
            database, self.clock, self.rooms, self.public_accounts, self.public_media, self.topics, self.boundaries,
            config.public_url,
        )  # fmt: skip
        self.removals = Removals(database, self.clock, self.rooms, self.public_accounts, self.posts)
        self.schedule = Schedule(self.clock, Drafts(database, self.clock, self.posts, self.public_accounts))
        self.interactions = Interactions(database, self.clock, self.bus, self.posts, self.followers)
        self.comments = Comments(database, self.clock, self.posts, self.followers)
        self.rooms_of_users.said.append(self.comments)
        self.post_views = PostViews(self.public_accounts, self.posts, self.interactions)
        self.channels = Channels(
            database, self.identifiers, self.public_accounts, self.followers, self.posts, self.interactions
        )
        self._build_outside()
        self.microblog = Microblog(
            database, self.clock, self.boundaries, self.public_accounts, self.followers, self.posts, self.comments,
            self.topics, self.post_views, self.directory,
        )  # fmt: skip
        self.rooms_of_users.said.append(self.microblog)
        self.readership.put_before(self.followers)
        self.rooms.keepers.append(self.channels)
        self.desk = Desk(
            database, self.clock, self.rooms, self.creation, self.membership, self.history, self.public_accounts,
            self.account_data, self.posts, self.public_media, limited=config.rate_limits.enabled,
        )  # fmt: skip
        self.rooms.keepers.append(self.desk.chats)
        self.membership.policy = self.desk.invites(self.contacts)
        self.readings = Readings(database, self.clock, self.followers, database.scrub)
        self.reports = Reports(database, self.posts)
        self.rooms.watchers.append(self.readings)
        self.posts.listeners.append(self.readings)

    def _build_outside(self) -> None:
        """What goes out by mail, and what comes in from elsewhere."""
        config, database = self.config, self.database
        self.mirrors = Mirrors(database, self.clock, self.fetcher, self.public_accounts, self.posts)
        bringing = Bringing(database, self.clock, self.fetcher, self.media, self.posts)
        self.imports = Imports(
            database, self.clock, self.public_accounts, self.people, bringing, config.data_dir / "imports"
        )  # fmt: skip
        self.mailings = Mailings(
            database, self.clock, self.mail, self.public_accounts, self.posts, config.public_url, config.server_name
        )

    def _build_moments(self) -> None:
        needs = Needs(
            self.database, self.clock, self.bus, self.identifiers, self.rooms, self.creation, self.members,
            self.directory, self.people, self.contacts, self.account_data, self.media, self.public_media,
        )  # fmt: skip
        self.moments = MomentsSlice(needs)
        self.contacts.listeners.append(self.moments.circles)
        self.rooms_of_users.closing.append(self.moments.lists.close)
        self.rooms_of_users.said.append(self.moments.moments)
        self.eventlog.subscribe(self.moments.journals)
        self.media.audiences.append(self.moments.moments)
        self.readership.put_before(self.moments.readers)
        self.rooms.keepers.append(self.moments.keeper)

    def _build_sync(self) -> None:
        unread = Unread(self.database, self.eventlog, self.push_rules, self.people.number)
        lazy = LazyMembers()
        sections = RoomSections(
            self.database, self.eventlog, self.readership, self.history, self.serving, self.receipts, self.typing,
            unread, lazy, self.clock, self.rooms.keeper_of, self.rooms.watchers,
        )  # fmt: skip
        self.device_lists = DeviceLists(
            self.database, self.eventlog, self.readership, self.people, self.keys, self.shared_rooms
        )
        self.waiters = Waiters(self.bus, self._interested)
        self.sync = Sync(
            self.database, self.eventlog, self.readership, self.people, sections, lazy, self.device_lists, self.keys,
            self.account_data, self.push_rules, self.presence, self.contacts.numbers, self.contacts.is_stranger,
            self.serial, self.waiters, self.moments.readers.arrive,
        )  # fmt: skip

    def _interested(self, room_no: int, waiting: Collection[int]) -> Collection[int]:
        """Whom a hint about a room wakes. A room that left memory meanwhile wakes everybody: late is worse."""
        state = self.eventlog.cached(room_no)
        return list(waiting) if state is None else self.readership.interested(state, waiting)

    def _routes(self) -> list[Route]:
        config = self.config
        stages = Stages(self.accounts, UserInteractive(self.database, self.clock))
        users_api = UsersApi(self.accounts, stages, config.public_url)
        slices: Sequence[Slice] = [
            DiscoveryApi(config.public_url, config.rooms.default_version, config.support_email, config.support_page),
            users_api,
            FallbackApi(stages),
            Pages(
                config, self.clock, self.database, self.accounts, self.public_accounts, self.posts, self.interactions,
                self.comments, self.microblog, by_mail=self.mailings.on, views=self.readings,
            ),
            MailingsPages(self.mailings, self.public_accounts),
            ProfilesApi(Profiles(self.database, self.people, self.rooms_of_users.profile_changed)),
            AccountDataApi(self.account_data, self.identifiers.room_no, self.push_rules.ruleset),
            PushApi(self.push_rules),
            KeysApi(self.keys, users_api, self.device_lists),
            BackupApi(self.keys.backups),
            MediaApi(self.media),
            PublicMediaApi(self.media, self.public_media, config.server_name),
            RoomsApi(self.rooms, self.membership, self.history, Relations(self.rooms, self.history)),
            MembershipApi(self.creation, self.membership, self.directory, self.readership),
            DirectoryApi(self.directory),
            EphemeralApi(
                self.rooms, self.receipts, self.typing, self.presence, self._set_account_data, self.contacts.numbers
            ),
            SyncApi(self.sync, self.account_data.filter),
        ]
        routes = [route for each in slices for route in each.routes()]
        return [
            *routes,
            *(operation.route for operation in self.operations),
            openapi.route(self.operations),
        ]

    async def _set_account_data(
        self, tx: Transaction, user_no: int, room_no: int, data_type: str, content: dict[str, Any]
    ) -> None:
        await self.account_data.set_in(tx, user_no, room_no, data_type, content)


async def build(config: Config, clock: Clock) -> App:
    """Everything, ready to run, on the data of a configuration."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = load_or_make(Path(config.data_dir))
    database = await open_database(config)
    await settle_name(database, config)
    rows = await database.fetch("SELECT epoch, first_pos FROM epochs ORDER BY epoch")
    epochs = [(epoch, first_pos) for epoch, first_pos in rows]
    app = App(config, clock, database, Identifiers(keys.id_key, config.server_name, epochs), keys)
    await app.open()
    return app
