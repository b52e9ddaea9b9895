// An inbox built on the unmodified supabase-js: one question a line in, one answer a line out.
// Each user who asks is signed in once. Needs SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { createClient } from "@supabase/supabase-js";
import ws from "ws";

const clients = new Map();

async function signedIn({ email, password }) {
  const client = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_PUBLISHABLE_KEY, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws },
  });
  const { error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  return client;
}

function clientOf(user) {
  if (!clients.has(user.email)) clients.set(user.email, signedIn(user));
  return clients.get(user.email);
}

async function rows(client, { table, select, equal, order }) {
  let query = client.from(table).select(select);
  for (const [column, value] of Object.entries(equal)) {
    query = value === null ? query.is(column, null) : query.eq(column, value);
  }
  for (const column of order) query = query.order(column);
  const { data, error } = await query;
  if (error) throw error;
  return data;
}

/** What somebody gets who is given a signed address; an error when none is given. */
async function file(client, { bucket, path }) {
  const { data, error } = await client.storage.from(bucket).createSignedUrl(path, 60);
  if (error) return { refused: error.message };
  const answer = await fetch(data.signedUrl);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

const questions = { rows, file };

for await (const line of createInterface({ input: process.stdin })) {
  const { id, user, ask, ...about } = JSON.parse(line);
  clientOf(user)
    .then((client) => questions[ask](client, about))
    .then(
      (answer) => console.log(JSON.stringify({ id, answer })),
      (error) => console.log(JSON.stringify({ id, error: error.message ?? String(error) })),
    );
}
process.exit(0); // supabase-js leaves timers behind
