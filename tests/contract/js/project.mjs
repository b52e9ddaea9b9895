// The project under test, and the people who sign in to it.
// Needs SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY and SUPABASE_SECRET_KEY.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import ws from "ws";

export const URL = process.env.SUPABASE_URL;
export const PASSWORD = "correct horse battery staple";

export function connect(key) {
  return createClient(URL, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws },
  });
}

export const service = connect(process.env.SUPABASE_SECRET_KEY);
export const anonymous = () => connect(process.env.SUPABASE_PUBLISHABLE_KEY);

export const inventedEmail = () => `dora.${randomUUID()}@example.com`;

/** What a call answered, once it is known not to have failed. */
export async function data(call) {
  const answer = await call;
  assert.equal(answer.error, null);
  return answer.data;
}

/** The error of a call that must fail. */
export async function refusal(call) {
  const answer = await call;
  assert.notEqual(answer.error, null, "was not refused");
  return answer.error;
}

export async function signIn() {
  const email = inventedEmail();
  const made = await data(service.auth.admin.createUser({ email, password: PASSWORD, email_confirm: true }));
  const client = anonymous();
  const session = await data(client.auth.signInWithPassword({ email, password: PASSWORD }));
  return { client, email, id: made.user.id, session: session.session };
}
