// What matrix-js-sdk's own calls, and its own picture of a room, say: in the same words as ../nio_questions.py says it.

const PAGE_EVENTS = 10;
const DIRECTORY_ROOMS = 10;

const described = ({ event }) => ({
    event_id: event.event_id,
    type: event.type,
    sender: event.sender,
    content: event.content,
    ...(event.state_key === undefined ? {} : { state_key: event.state_key }),
    membership: event.unsigned?.membership ?? null,
});

// Each answers one question of a client's. `until` waits for something of an emitter's to hold.
export function questions(sdk, client, until) {
    const me = client.getUserId();
    const began = client.store.getSyncToken();

    // A client of the same device that starts now and has synced once; it is gone when `use` is done.
    async function beginning(use) {
        const fresh = sdk.createClient({
            baseUrl: client.getHomeserverUrl(),
            userId: me,
            deviceId: client.getDeviceId(),
            accessToken: client.getAccessToken(),
        });
        await fresh.startClient({ lazyLoadMembers: true, threadSupport: true });
        await until(fresh, sdk.ClientEvent.Sync, () => fresh.isInitialSyncComplete());
        try {
            return await use(fresh);
        } finally {
            fresh.stopClient();
        }
    }

    const own = (room) => room.getMember(me).events.member;

    function picture(shown, room_id) {
        const room = shown.getRoom(room_id);
        const state = room.getLiveTimeline().getState("f");
        const content = (type) => state.getStateEvents(type, "").getContent();
        const { events_default, state_default, invite, kick, redact, users } = content("m.room.power_levels");
        return {
            name: room.name,
            joined: room.getJoinedMemberCount(),
            invited: room.getInvitedMemberCount(),
            heroes: room.heroes ?? [],
            own: [own(room).getContent().membership, own(room).getContent().displayname, own(room).getId()],
            unread: ["total", "highlight"].map((kind) => room.getUnreadNotificationCount(kind)),
            version: room.getVersion(),
            federate: content("m.room.create")["m.federate"],
            join_rule: room.getJoinRule(),
            history: room.getHistoryVisibility(),
            encrypted: room.hasEncryptionStateEvent(),
            levels: [events_default, state_default, invite, kick, redact],
            users,
            may_send: ["m.room.message", "m.reaction", "m.room.redaction"].filter((kind) => state.maySendEvent(kind, me)),
            fully_read: room.accountData.get("m.fully_read")?.getContent().event_id ?? null,
            typing: room.getJoinedMembers().filter((member) => member.typing).map((member) => member.userId),
        };
    }

    return {
        // --- what the client shows

        // A room as the client has it, or as one that starts now has it.
        room: ({ room_id, afresh = false }) =>
            afresh ? beginning((fresh) => picture(fresh, room_id)) : picture(client, room_id),

        // How far somebody has read, by what a client that starts now is told.
        read_by: ({ room_id, user_id }) =>
            beginning((fresh) => fresh.getRoom(room_id).getEventReadUpTo(user_id, true)),

        // Every room that a client which starts now lists, those that one left included.
        rooms: () =>
            beginning(async (fresh) => {
                await fresh.syncLeftRooms();
                return Object.fromEntries(fresh.getRooms().map((room) => [room.roomId, room.getMyMembership()]));
            }),

        // One's membership as the client was told of it last, and by which event.
        own: ({ room_id }) => [own(client.getRoom(room_id)).getContent().membership, own(client.getRoom(room_id)).getId()],

        timeline: ({ room_id }) => client.getRoom(room_id).getLiveTimeline().getEvents().map(described),

        // The timeline, read on backwards from where it began to the room's beginning.
        async scrolled({ room_id }) {
            const room = client.getRoom(room_id);
            while (room.oldState.paginationToken !== null) await client.scrollback(room, PAGE_EVENTS);
            return room.getLiveTimeline().getEvents().map(described);
        },

        // What the client has of somebody else.
        async knows({ user_id }) {
            const devices = await client.getCrypto().getUserDeviceInfo([user_id]);
            const { changed } = await client.getKeyChanges(began, client.store.getSyncToken());
            return {
                rooms: client
                    .getRooms()
                    .filter((room) => room.getMember(user_id))
                    .map((room) => room.roomId)
                    .sort(),
                devices: devices.get(user_id) !== undefined && devices.get(user_id).size > 0,
                changed: changed.includes(user_id),
                status: client.getUser(user_id)?.presenceStatusMsg ?? null,
            };
        },

        // --- what its calls answer

        token: () => client.store.getSyncToken(),

        // What a sync from an older place says of a room: where it stands, and one's own membership in it. The SDK
        // syncs from older places only with a store on disk, so the request is made by hand.
        async since({ room_id, token, full_state = false }) {
            const answer = await client.http.authedRequest(sdk.Method.Get, "/sync", { since: token, full_state, timeout: 0 });
            const sections = ["join", "leave"].filter((name) => answer.rooms?.[name]?.[room_id]);
            const { state, timeline } = sections.length ? answer.rooms[sections[0]][room_id] : {};
            const told = [...(state?.events ?? []), ...(timeline?.events ?? [])];
            const last = told.findLast((event) => event.type === "m.room.member" && event.state_key === me);
            return { sections, own: last ? [last.content.membership, last.event_id] : null };
        },

        // Who is in the member list, and how.
        async members({ room_id, membership, not_membership, at }) {
            const { chunk } = await client.members(room_id, membership, not_membership, at);
            return Object.fromEntries(chunk.map((event) => [event.state_key, event.content.membership]));
        },

        async joined_members({ room_id }) {
            const { joined } = await client.getJoinedRoomMembers(room_id);
            return Object.fromEntries(Object.entries(joined).map(([user_id, { display_name }]) => [user_id, display_name]));
        },

        member: ({ room_id, user_id }) => client.getStateEvent(room_id, "m.room.member", user_id),

        async event({ room_id, event_id }) {
            const event = await client.fetchRoomEvent(room_id, event_id);
            const { type, sender, state_key = null, origin_server_ts } = event;
            return { event_id: event.event_id, type, sender, state_key, origin_server_ts };
        },

        // An event among its neighbours, with the members that came along; from the server, not from memory.
        async context({ room_id, event_id }) {
            const timelines = new sdk.EventTimelineSet(client.getRoom(room_id), { timelineSupport: true });
            const timeline = await client.getEventTimeline(timelines, event_id);
            const found = timeline.getEvents().find((event) => event.getId() === event_id);
            const members = timeline.getState("f").getStateEvents("m.room.member");
            return { event_id: found.getId(), members: members.map((event) => event.getStateKey()).sort() };
        },

        async relations({ room_id, event_id }) {
            const { events } = await client.relations(room_id, event_id, null, null);
            return events.map((event) => event.getId());
        },

        async directory({ term }) {
            const { chunk } = await client.publicRooms({ limit: DIRECTORY_ROOMS, filter: { generic_search_term: term } });
            return chunk.map((room) => ({
                room_id: room.room_id,
                joined: room.num_joined_members,
                join_rule: room.join_rule,
                world_readable: room.world_readable,
                alias: room.canonical_alias,
            }));
        },

        presence: async ({ user_id }) => (await client.getPresence(user_id)).presence,

        // --- what one does

        put_state: async ({ room_id, event_type, content }) =>
            (await client.sendStateEvent(room_id, event_type, content)).event_id,

        forget: ({ room_id }) => client.forget(room_id).then(() => null),

        read_markers: ({ room_id, event_id }) =>
            client
                .setRoomReadMarkers(room_id, event_id, client.getRoom(room_id).findEventById(event_id))
                .then(() => null),

        receipt: ({ room_id, event_id }) =>
            client.sendReadReceipt(client.getRoom(room_id).findEventById(event_id)).then(() => null),

        type: ({ room_id }) => client.sendTyping(room_id, true, 30_000).then(() => null),

        // Have every message of a room alert, as the client's settings of the room do.
        alert: ({ room_id }) => client.addPushRule("global", "room", room_id, { actions: ["notify"] }).then(() => null),

        rename: ({ name }) => client.setDisplayName(name).then(() => null),

        say_status: ({ status }) => client.setPresence({ presence: "online", status_msg: status }).then(() => null),
    };
}
