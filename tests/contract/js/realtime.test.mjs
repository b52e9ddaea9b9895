// Realtime as the unmodified supabase-js uses it: protocol 2.0.0 and binary broadcasts.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { anonymous, service, signIn } from "./project.mjs";

const TIMEOUT = 10_000;
const clients = [service];

after(() => {
  for (const client of clients) client.realtime.disconnect();
});

async function someone() {
  const person = await signIn();
  clients.push(person.client);
  return person;
}

/** A queue whose `next` rejects when nothing comes in time. */
function queue() {
  const items = [];
  const waiting = [];
  return {
    get size() {
      return items.length;
    },
    push: (item) => (waiting.length ? waiting.shift()(item) : items.push(item)),
    next: () =>
      new Promise((resolve, reject) => {
        if (items.length) return resolve(items.shift());
        const timer = setTimeout(() => reject(new Error("nothing came")), TIMEOUT);
        waiting.push((item) => {
          clearTimeout(timer);
          resolve(item);
        });
      }),
  };
}

/** Join, and return when the server says that the database is connected. */
async function listen(client, topic, { changes = [], config = {} } = {}) {
  const ear = { changes: queue(), broadcasts: queue(), states: queue() };
  const ready = queue();
  const broadcast = { replication_ready: !changes.length, ...config.broadcast };
  ear.channel = client.channel(topic, { config: { ...config, broadcast } });
  for (const change of changes) {
    ear.channel.on("postgres_changes", { event: "*", schema: "public", ...change }, ear.changes.push);
  }
  ear.channel.on("broadcast", { event: "*" }, ear.broadcasts.push);
  ear.channel.on("system", {}, ready.push);
  ear.channel.subscribe((state, error) => ear.states.push({ state, error }));
  const { state, error } = await ear.states.next();
  if (state !== "SUBSCRIBED") return { ...ear, state, error };
  assert.equal((await ready.next()).status, "ok");
  return { ...ear, state };
}

const NOTES = { table: "contract_notes" };

test("an insert reaches its owner and not a stranger", async () => {
  const [ana, bob] = [await someone(), await someone()];
  const owner = await listen(ana.client, "notes", { changes: [NOTES] });
  const stranger = await listen(bob.client, "notes", { changes: [NOTES] });

  await ana.client.from("contract_notes").insert({ title: "for ana", tags: ["a", "b"] });
  await bob.client.from("contract_notes").insert({ title: "for bob" });

  const event = await owner.changes.next();
  assert.equal(event.eventType, "INSERT");
  assert.equal(event.new.title, "for ana");
  assert.deepEqual(event.new.tags, ["a", "b"]);
  assert.equal((await stranger.changes.next()).new.title, "for bob");
  assert.equal(owner.changes.size + stranger.changes.size, 0);
});

test("update and delete carry the old key", async () => {
  const { client } = await someone();
  const made = await client.from("contract_notes").insert({ title: "a" }).select().single();
  const ear = await listen(client, "notes", {
    changes: [
      { ...NOTES, event: "UPDATE", filter: `id=eq.${made.data.id}` },
      { ...NOTES, event: "DELETE", filter: `id=eq.${made.data.id}` },
    ],
  });

  await client.from("contract_notes").update({ title: "b" }).eq("id", made.data.id);
  const updated = await ear.changes.next();
  assert.deepEqual([updated.new.title, updated.old], ["b", { id: made.data.id }]);

  await client.from("contract_notes").delete().eq("id", made.data.id);
  const deleted = await ear.changes.next();
  assert.deepEqual([deleted.eventType, deleted.old], ["DELETE", { id: made.data.id }]);
});

test("a broadcast reaches the others, and oneself if asked", async () => {
  const topic = `talk:${randomUUID()}`;
  const [ana, bob] = [await someone(), await someone()];
  const quiet = await listen(ana.client, topic);
  const echoing = await listen(bob.client, topic, {
    config: { broadcast: { self: true, ack: true } },
  });

  const sent = await echoing.channel.send({ type: "broadcast", event: "olá", payload: { n: 1 } });

  assert.equal(sent, "ok");
  for (const ear of [quiet, echoing]) {
    const heard = await ear.broadcasts.next();
    assert.deepEqual([heard.event, heard.payload], ["olá", { n: 1 }]);
  }
});

test("a binary broadcast stays binary", async () => {
  const topic = `talk:${randomUUID()}`;
  const { client } = await someone();
  const ear = await listen(client, topic, { config: { broadcast: { self: true } } });

  const bytes = new Uint8Array([0, 255, 7]).buffer;
  await ear.channel.send({ type: "broadcast", event: "raw", payload: bytes });

  const heard = await ear.broadcasts.next();
  assert.deepEqual([...new Uint8Array(heard.payload)], [0, 255, 7]);
});

test("a broadcast by HTTP needs no socket", async () => {
  const topic = `talk:${randomUUID()}`;
  const { client } = await someone();
  const ear = await listen(client, topic);

  await service.channel(topic).httpSend("said", { n: 1 });

  const heard = await ear.broadcasts.next();
  assert.deepEqual([heard.event, heard.payload], ["said", { n: 1 }]);
});

test("a private channel admits whom a policy admits", async () => {
  const [ana, bob] = [await someone(), await someone()];
  const topic = `room:${ana.id}`;
  const config = { private: true };

  const inside = await listen(ana.client, topic, { config });
  const backend = await listen(service, topic, { config });
  const refused = await listen(bob.client, topic, { config });

  assert.equal(inside.state, "SUBSCRIBED");
  assert.equal(refused.state, "CHANNEL_ERROR");
  assert.match(refused.error.message, /Unauthorized: You do not have permissions to read/);
  await backend.channel.send({ type: "broadcast", event: "said", payload: { n: 1 } });
  assert.deepEqual((await inside.broadcasts.next()).payload, { n: 1 });
});

test("a table that is not published is refused by a system message", async () => {
  const { client } = await someone();
  const systems = queue();
  const channel = client.channel("folders");
  channel.on(
    "postgres_changes",
    { event: "*", schema: "public", table: "contract_folders" },
    () => {},
  );
  channel.on("system", {}, systems.push).subscribe();

  const message = await systems.next();

  assert.equal(message.status, "error");
  assert.match(message.message, /Please check Realtime is enabled/);
});

test("a table without a primary key is refused with every row", async () => {
  const client = anonymous();
  clients.push(client);
  const ear = await listen(client, "keyless", { changes: [{ table: "contract_keyless" }] });

  await service.from("contract_keyless").insert({ body: "x" });

  const event = await ear.changes.next();
  assert.deepEqual(event.errors, ["Error 400: Bad Request, no primary key"]);
  assert.deepEqual(event.new, {});
});

test("a role that may not select the key is refused with every row", async () => {
  const client = anonymous();
  clients.push(client);
  const ear = await listen(client, "notes", { changes: [NOTES] });

  await service.from("contract_notes").insert({ title: "x" });

  assert.deepEqual((await ear.changes.next()).errors, ["Error 401: Unauthorized"]);
});
