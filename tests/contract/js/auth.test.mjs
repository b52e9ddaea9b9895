// Auth as the unmodified supabase-js uses it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, anonymous, data, inventedEmail, refusal, service, signIn } from "./project.mjs";

test("signing up signs in", async () => {
  const client = anonymous();
  const email = inventedEmail();
  const { user, session } = await data(
    client.auth.signUp({ email, password: PASSWORD, options: { data: { nickname: "D" } } }),
  );
  assert.equal(user.email, email);
  assert.equal(user.user_metadata.nickname, "D");
  assert.equal(session.token_type, "bearer");
  const found = await data(client.auth.getUser());
  assert.equal(found.user.id, user.id);
});

test("a wrong password is refused", async () => {
  const { email } = await signIn();
  const refused = await refusal(anonymous().auth.signInWithPassword({ email, password: "wrong" }));
  assert.deepEqual([refused.status, refused.code], [400, "invalid_credentials"]);
});

test("a refresh token gives a new session, whose token is taken", async () => {
  const { client, id, session } = await signIn();
  const refreshed = await data(client.auth.refreshSession());
  assert.equal(refreshed.user.id, id);
  assert.notEqual(refreshed.session.refresh_token, session.refresh_token);
  assert.deepEqual(await data(client.from("contract_notes").select()), []);
});

test("claims are those of the person", async () => {
  const { client, id } = await signIn();
  const { claims } = await data(client.auth.getClaims());
  assert.deepEqual([claims.sub, claims.role], [id, "authenticated"]);
});

test("people change their own data", async () => {
  const { client } = await signIn();
  await data(client.auth.updateUser({ data: { nickname: "E" } }));
  assert.equal((await data(client.auth.getUser())).user.user_metadata.nickname, "E");
});

test("signing out ends the session", async () => {
  const { client, session } = await signIn();
  assert.equal((await client.auth.signOut()).error, null);
  await refusal(anonymous().auth.refreshSession({ refresh_token: session.refresh_token }));
});

test("the secret key makes and removes people", async () => {
  const email = inventedEmail();
  const { user } = await data(
    service.auth.admin.createUser({ email, password: PASSWORD, email_confirm: true }),
  );
  await data(service.auth.admin.deleteUser(user.id));
  await refusal(anonymous().auth.signInWithPassword({ email, password: PASSWORD }));
  const refused = await refusal(anonymous().auth.admin.deleteUser(user.id));
  assert.ok([401, 403].includes(refused.status));
});
