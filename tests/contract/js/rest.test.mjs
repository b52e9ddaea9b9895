// Tables and functions as the unmodified supabase-js uses them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, data, refusal, service, signIn } from "./project.mjs";

const authors = () => service.from("contract_authors");
const books = () => service.from("contract_books");
const drafts = () => service.from("contract_drafts");
const ids = async (query) => (await data(query)).map((row) => row.id);

test("filters, order and range", async () => {
  assert.deepEqual(await ids(books().select("id").gt("id", 1).order("id", { ascending: false })), [3, 2]);
  assert.deepEqual(await ids(books().select("id").order("id").range(1, 2)), [2, 3]);
  assert.deepEqual(await ids(books().select("id").ilike("title", "%VIVA")), [2]);
  assert.deepEqual(await ids(books().select("id").in("title", ["50% off", "x,y"])), [3]);
  assert.deepEqual(await ids(books().select("id").or("id.eq.1,title.like.50*").order("id")), [1, 3]);
  assert.deepEqual(await ids(books().select("id").not("editor_id", "is", null).order("id")), [2, 3]);
  assert.deepEqual(await ids(authors().select("id").contains("languages", ["en"])), [1]);
  assert.deepEqual(await ids(authors().select("id").eq("profile->city->>name", "Recife")), [1]);
  assert.deepEqual(await ids(books().select("id").overlaps("pages", "[90,120)").order("id")), [1, 2]);
});

test("a count comes with a page or alone", async () => {
  const page = await books().select("id", { count: "exact" }).limit(1);
  assert.equal(page.status, 206);
  assert.equal(page.count, 3);
  const head = await books().select("*", { count: "exact", head: true });
  assert.deepEqual([head.status, head.count, head.data], [200, 3, null]);
});

test("related rows, narrowed and ordered", async () => {
  const found = await data(
    authors()
      .select("name, contract_books!author_id!inner(title, contract_labels(label))")
      .eq("contract_books.contract_labels.label", "short")
      .gt("contract_books.id", 0)
      .order("id", { referencedTable: "contract_books", ascending: false })
      .eq("id", 1)
      .single(),
  );
  assert.deepEqual(found, {
    name: "Clarice",
    contract_books: [
      { title: "Água Viva", contract_labels: [] },
      { title: "The Hour of the Star", contract_labels: [{ label: "short" }] },
    ],
  });
});

test("a bigint can be had as text, whole", async () => {
  const found = await data(authors().select("id::text").gt("id", 3).single());
  assert.equal(found.id, "9007199254740993");
});

test("one row, maybe one, and a refusal", async () => {
  assert.deepEqual(await data(books().select("id").eq("id", 2).single()), { id: 2 });
  assert.equal(await data(books().select("id").eq("id", 0).maybeSingle()), null);
  const refused = await books().select("id").single();
  assert.deepEqual([refused.status, refused.error.code], [406, "PGRST116"]);
});

test("insert, upsert, update, delete", async () => {
  const slug = randomUUID();
  const inserted = await drafts().insert({ slug, details: { a: [1, "it's"] } });
  assert.deepEqual([inserted.status, inserted.data], [201, null]);
  const upserted = await data(drafts().upsert({ slug, revision: 2 }, { onConflict: "slug" }).select("body, revision"));
  assert.deepEqual(upserted, [{ body: "blank", revision: 2 }]);
  const ignored = drafts().upsert([{ slug, revision: 3 }], { onConflict: "slug", ignoreDuplicates: true });
  assert.deepEqual(await data(ignored.select()), []);
  const updated = await drafts().update({ price: 1.5 }, { count: "exact" }).eq("slug", slug);
  assert.deepEqual([updated.status, updated.count], [204, 1]);
  const deleted = await data(drafts().delete().eq("slug", slug).select("price, details").single());
  assert.deepEqual(deleted, { price: 1.5, details: { a: [1, "it's"] } });
});

test("many rows, their gaps filled with defaults", async () => {
  const rows = [{ slug: randomUUID() }, { slug: randomUUID(), body: "full" }];
  const inserted = await data(drafts().insert(rows, { defaultToNull: false }).select("body"));
  assert.deepEqual(inserted, [{ body: "blank" }, { body: "full" }]);
});

test("functions by POST and GET, with filters on their rows", async () => {
  assert.equal(await data(service.rpc("contract_add", { a: 1 })), 2);
  assert.equal(await data(service.rpc("contract_add", { a: 1, b: 4 }, { get: true })), 5);
  assert.deepEqual(await data(service.rpc("contract_doubled", { numbers: [1, 2] })), [2, 4]);
  assert.deepEqual(await data(service.rpc("contract_doubled", { numbers: [1, 2] }, { get: true })), [2, 4]);
  assert.deepEqual(await data(service.rpc("contract_echo", { value: { deep: [null] } })), { deep: [null] });
  const rows = service.rpc("contract_books_by", { author: "Clarice" }).select("title").gt("id", 1);
  assert.deepEqual(await data(rows), [{ title: "Água Viva" }]);
  const nothing = await service.rpc("contract_nothing");
  assert.deepEqual([nothing.status, nothing.data], [204, null]);
});

test("refusals carry status, code and sentence", async () => {
  const refused = await service.rpc("contract_refuse", { code: "ZB001" });
  assert.equal(refused.status, 400);
  assert.deepEqual({ ...refused.error }, { code: "ZB001", message: "no", details: "because", hint: "do not" });
  const missing = await service.from("contract_nowhere").select();
  assert.deepEqual([missing.status, missing.error.code], [404, "PGRST205"]);
  const duplicate = await service.from("contract_labels").insert({ id: 1, label: "x" });
  assert.deepEqual([duplicate.status, duplicate.error.code], [409, "23505"]);
  assert.equal((await refusal(service.schema("auth").from("users").select())).code, "PGRST106");
});

test("policies decide for a signed-in person, grants for an anonymous one", async () => {
  const { client, id } = await signIn();
  const note = await data(client.from("contract_notes").insert({ title: "mine" }).select().single());
  assert.equal(note.owner_id, id);
  const stranger = await signIn();
  assert.deepEqual(await data(stranger.client.from("contract_notes").select().eq("id", note.id)), []);
  const refused = await anonymous().from("contract_notes").select();
  assert.deepEqual([refused.status, refused.error.code], [401, "42501"]);
});
