// A person's device on matrix-js-sdk, with its Rust crypto, moved by commands from a play (see ../wire.py).

import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

// stdout is the wire's; the SDK's own prints go to stderr. Set before the SDK is loaded: its logger keeps the methods.
for (const method of ["log", "info", "debug", "trace"]) console[method] = console.error;

const sdk = await import("matrix-js-sdk");
const { questions } = await import("./questions.mjs");
const { CryptoEvent } = await import("matrix-js-sdk/lib/crypto-api/index.js");
const { PollResponseEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollResponseEvent.js");
const { M_POLL_RESPONSE, M_POLL_START } = await import("matrix-js-sdk/lib/@types/polls.js");
const { decodeRecoveryKey } = await import("matrix-js-sdk/lib/crypto-api/recovery-key.js");

const POLL_TIMEOUT_MS = 30_000;
const HISTORY_EVENTS = 100;
const ENCRYPTION = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

const write = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const tell = (event, fields) => write({ event, ...fields });

let client;
let asked_of; // its questions
let gathered = []; // what a sync response showed, told once the SDK has taken in the whole of it
const joined = new Set();
const told = new Set();
let recoveryKey; // the private key behind secret storage, once made or entered

const cryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => {
        const [keyId] = Object.keys(keys);
        return recoveryKey ? [keyId, recoveryKey] : null;
    },
};

function describe(event) {
    const content = event.getContent();
    return {
        room_id: event.getRoomId(),
        event_id: event.getId(),
        sender: event.getSender(),
        encrypted: event.isEncrypted(),
        msgtype: content.msgtype,
        body: content.body,
        content,
    };
}

function show(event, show_now) {
    if (event.status !== null || told.has(event.getId())) return;
    if (event.isDecryptionFailure()) {
        show_now("undecrypted", { ...describe(event), why: event.decryptionFailureReason });
    } else if (event.getType() === "m.reaction") {
        const { event_id: reacts_to, key } = event.getRelation();
        told.add(event.getId());
        show_now("reaction", { ...describe(event), reacts_to, key });
    } else if (event.getType() === "m.room.message") {
        told.add(event.getId());
        show_now("message", describe(event));
    } else if (M_POLL_START.matches(event.getType()) || M_POLL_RESPONSE.matches(event.getType())) {
        told.add(event.getId());
        show_now(M_POLL_START.matches(event.getType()) ? "poll" : "vote", describe(event));
    }
}

const gather = (event, fields) => gathered.push([event, fields]);

function flush() {
    for (const [event, fields] of gathered.splice(0)) tell(event, fields);
}

function listen() {
    client.on(sdk.RoomEvent.Timeline, (event, _room, toStartOfTimeline) => {
        if (!toStartOfTimeline) show(event, gather);
    });
    client.on(sdk.MatrixEventEvent.Decrypted, (event) => show(event, tell));
    client.on(sdk.RoomMemberEvent.Membership, (event, member) =>
        gather("member", {
            room_id: member.roomId,
            user_id: member.userId,
            membership: member.membership,
            reason: member.events.member?.getContent().reason ?? "",
        }),
    );
    client.on(sdk.RoomEvent.MyMembership, (room, membership) => {
        if (membership === "join") gather("joined", { room_id: room.roomId, encrypted: room.hasEncryptionStateEvent() });
        if (membership === "leave") {
            joined.delete(room.roomId);
            gather("left", { room_id: room.roomId });
        }
        if (membership === "invite") {
            const sender = room.getMember(client.getUserId())?.events.member?.getSender();
            gather("invited", { room_id: room.roomId, sender, is_direct: room.getDMInviter() !== undefined });
        }
    });
    client.on(sdk.RoomEvent.Receipt, (event, room) => {
        for (const [event_id, kinds] of Object.entries(event.getContent()))
            for (const readers of Object.values(kinds))
                for (const user_id of Object.keys(readers)) gather("receipt", { room_id: room.roomId, event_id, user_id });
    });
    client.on(sdk.UserEvent.Presence, (_event, user) =>
        gather("presence", { user_id: user.userId, status: user.presenceStatusMsg ?? null }),
    );
    client.on(sdk.RoomEvent.Redaction, (event, room) =>
        gather("redacted", { room_id: room.roomId, redacts: event.event.redacts ?? event.getContent().redacts }),
    );
    client.on(sdk.ClientEvent.Sync, (state, _previous, data) => {
        if (state === "ERROR") console.error("sync failed:", data?.error);
        for (const room of client.getRooms()) if (room.getMyMembership() === "join") joined.add(room.roomId);
        flush();
    });
}

function until(emitter, name, holds) {
    return new Promise((resolve) => {
        const check = () => {
            if (!holds()) return;
            emitter.off(name, check);
            resolve();
        };
        emitter.on(name, check);
        check();
    });
}

const known = (roomId) => until(client, sdk.ClientEvent.Sync, () => joined.has(roomId));

async function create(encrypted, options) {
    const initial_state = encrypted ? [ENCRYPTION] : [];
    const { room_id } = await client.createRoom({ ...options, initial_state, visibility: "private" });
    await known(room_id);
    return { room_id };
}

// A refused event keeps all later ones of its room back until the person drops it.
async function sent(room_id, sending) {
    try {
        return await sending;
    } catch (error) {
        for (const event of client.getRoom(room_id).getPendingEvents()) client.cancelPendingEvent(event);
        throw error;
    }
}

async function download(url) {
    const address = client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true);
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } });
    if (!answer.ok) throw new Error(`${answer.status} for ${url}: ${await answer.text()}`);
    return { body: Buffer.from(await answer.arrayBuffer()), content_type: answer.headers.get("content-type") };
}

// The specification's "Sending encrypted attachments": AES-CTR with a 64-bit counter, SHA-256 over the sealed bytes.
async function open(file, sealed) {
    const digest = Buffer.from(await webcrypto.subtle.digest("SHA-256", sealed)).toString("base64").replace(/=+$/, "");
    if (digest !== file.hashes.sha256.replace(/=+$/, "")) throw new Error("the sealed file's hash is another");
    const key = await webcrypto.subtle.importKey("jwk", file.key, "AES-CTR", false, ["decrypt"]);
    const counter = Buffer.from(file.iv, "base64");
    return Buffer.from(await webcrypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, key, sealed));
}

const commands = {
    async login({ url, user, password, device }) {
        const answer = await sdk.createClient({ baseUrl: url }).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password,
            initial_device_display_name: device,
        });
        const { user_id: userId, device_id: deviceId, access_token: accessToken } = answer;
        client = sdk.createClient({ baseUrl: url, userId, deviceId, accessToken, cryptoCallbacks, timelineSupport: true });
        await client.initRustCrypto({ useIndexedDB: false });
        listen();
        await client.startClient({
            pollTimeout: POLL_TIMEOUT_MS,
            lazyLoadMembers: true,
            threadSupport: true,
            pendingEventOrdering: sdk.PendingEventOrdering.Detached,
        });
        await until(client, sdk.ClientEvent.Sync, () => client.isInitialSyncComplete());
        asked_of = questions(sdk, client, until);
        return { user_id: userId, device_id: deviceId, access_token: accessToken };
    },

    // A question to the client; a refusal by the server is an answer, too.
    async ask({ question, ...about }) {
        try {
            return { answer: await asked_of[question](about) };
        } catch (error) {
            if (error instanceof sdk.MatrixError) return { refused: [error.httpStatus, error.errcode] };
            throw error;
        }
    },

    create_direct: ({ user_id, room_version, encrypted }) =>
        create(encrypted, { room_version, is_direct: true, invite: [user_id], preset: "trusted_private_chat" }),

    create_group: ({ name, invite, room_version, encrypted }) =>
        create(encrypted, { room_version, name, invite, preset: "private_chat" }),

    // By id or alias; the room's id.
    async join({ room_id }) {
        const { roomId } = await client.joinRoom(room_id);
        await known(roomId);
        return { room_id: roomId };
    },

    // A room as its list and its member list show it.
    async look({ room_id }) {
        const room = client.getRoom(room_id);
        await room.loadMembersIfNeeded();
        return {
            name: room.name,
            count: room.getJoinedMemberCount(),
            members: room.getJoinedMembers().map((member) => member.userId).sort(),
            unread: room.getUnreadNotificationCount(),
            encrypted: room.hasEncryptionStateEvent(),
            tags: Object.keys(room.tags).sort(),
            direct: JSON.stringify(client.getAccountData("m.direct")?.getContent() ?? {}).includes(room_id),
            alerts: room.getLiveTimeline().getEvents().filter((event) => client.getPushActionsForEvent(event)?.notify).length,
            may_write: room.getLiveTimeline().getState("f").maySendMessage(client.getUserId()),
        };
    },

    react: ({ room_id, event_id, key }) =>
        client.sendEvent(room_id, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id, key } }),

    vote({ room_id, event_id, answers }) {
        const { type, content } = PollResponseEvent.from(answers, event_id).serialize();
        return sent(room_id, client.sendEvent(room_id, type, content));
    },

    // A poll as the SDK shows it: what is asked, and who answered what as far as it is told.
    async poll({ room_id, event_id }) {
        const poll = client.getRoom(room_id).polls.get(event_id);
        const responses = await poll.getResponses();
        return {
            question: poll.pollEvent.question.text,
            answers: poll.pollEvent.answers.map(({ id, text }) => ({ id, text })),
            kind: poll.pollEvent.rawKind,
            responses: responses.getRelations().map((event) => ({
                sender: event.getSender(),
                answers: event.unstableExtensibleEvent.answerIds,
            })),
        };
    },

    invite: ({ room_id, user_id }) => client.invite(room_id, user_id),

    leave: ({ room_id }) => client.leave(room_id),

    send_text: ({ room_id, body, reply_to }) =>
        sent(
            room_id,
            client.sendMessage(room_id, {
                msgtype: "m.text",
                body,
                ...(reply_to ? { "m.relates_to": { "m.in_reply_to": { event_id: reply_to } } } : {}),
            }),
        ),

    redact: ({ room_id, event_id }) => client.redactEvent(room_id, event_id),

    async read({ room_id, event_id }) {
        await client.sendReadReceipt(client.getRoom(room_id).findEventById(event_id));
        return {};
    },

    async fetch({ place, save_to }) {
        const { body, content_type } = await download(place.url ?? place);
        await writeFile(save_to, place.url ? await open(place, body) : body);
        return { content_type };
    },

    async thumbnail({ url, width, height, save_to }) {
        const address = client.mxcUrlToHttp(url, width, height, "scale", false, true, true);
        const answer = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } });
        if (!answer.ok) throw new Error(`${answer.status} for ${url}: ${await answer.text()}`);
        await writeFile(save_to, Buffer.from(await answer.arrayBuffer()));
        return { content_type: answer.headers.get("content-type") };
    },

    // The room's newest messages, oldest first, decrypted where a key is at hand.
    async history({ room_id }) {
        const room = client.getRoom(room_id);
        await client.scrollback(room, HISTORY_EVENTS);
        const events = room.getLiveTimeline().getEvents();
        await Promise.all(events.map((event) => client.decryptEventIfNeeded(event)));
        return { messages: events.filter((event) => event.isEncrypted() || event.getContent().msgtype).map(describe) };
    },

    // A message as the room shows it from memory, the server unasked.
    shown: ({ room_id, event_id }) => describe(client.getRoom(room_id).findEventById(event_id)),

    // Cross-signing, secret storage and key backup made anew.
    async set_up_recovery() {
        const crypto = client.getCrypto();
        const made = await crypto.createRecoveryKeyFromPassphrase();
        recoveryKey = made.privateKey;
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (upload) => upload(null) });
        await crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => made,
            setupNewSecretStorage: true,
            setupNewKeyBackup: true,
        });
        return { recovery_key: made.encodedPrivateKey };
    },

    // Waits until the server holds this many sessions' keys. The SDK waits up to ten seconds before it sends any.
    async backed_up({ sessions }) {
        for (;;) {
            const sent = once(client, CryptoEvent.KeyBackupSessionsRemaining); // before asking, so that none is missed
            const { count } = await client.http.authedRequest(sdk.Method.Get, "/room_keys/version");
            if (count >= sessions) return {};
            await sent;
        }
    },

    // What a person does on a new device who has nothing but the recovery key.
    async recover({ recovery_key }) {
        recoveryKey = decodeRecoveryKey(recovery_key);
        const crypto = client.getCrypto();
        // Asks the server for our public keys; importing the private ones fails where they have not come yet.
        if (!(await crypto.userHasCrossSigningKeys())) throw new Error("this account has no cross-signing keys");
        await crypto.bootstrapCrossSigning({});
        await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const check = await crypto.checkKeyBackupAndEnable();
        const { imported, total } = await crypto.restoreKeyBackup();
        const own = await crypto.getDeviceVerificationStatus(client.getUserId(), client.getDeviceId());
        return { trusted: check.trustInfo.trusted, imported, total, verified: own.crossSigningVerified };
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    try {
        write({ id: asked.id, ok: (await commands[asked.do](asked.with)) ?? {} });
    } catch (error) {
        console.error(error);
        write({ id: asked.id, failed: String(error) });
    }
}
process.exit(0);
