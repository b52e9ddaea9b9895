// Storage as the unmodified supabase-js uses it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, data, refusal, service } from "./project.mjs";

const text = (blob) => blob.text();

async function bucket(options = {}) {
  const name = `contract-${randomUUID()}`;
  await data(service.storage.createBucket(name, { public: false, ...options }));
  return service.storage.from(name);
}

test("what was uploaded is downloaded", async () => {
  const files = await bucket();
  const uploaded = await data(files.upload("a/b c.txt", "hello", { contentType: "text/plain" }));
  assert.equal(uploaded.path, "a/b c.txt");
  assert.equal(await text(await data(files.download("a/b c.txt"))), "hello");
  assert.equal((await refusal(files.upload("é.txt", "x"))).code, "InvalidKey");
});

test("a file is replaced only when told to", async () => {
  const files = await bucket();
  await data(files.upload("a.txt", "one"));
  assert.equal((await refusal(files.upload("a.txt", "two"))).statusCode, "409");
  await data(files.upload("a.txt", "two", { upsert: true }));
  await data(files.update("a.txt", "three"));
  assert.equal(await text(await data(files.download("a.txt"))), "three");
});

test("a signed address opens one file for a while", async () => {
  const files = await bucket();
  await data(files.upload("a.txt", "secret"));
  const { signedUrl } = await data(files.createSignedUrl("a.txt", 60));
  assert.equal(await (await fetch(signedUrl)).text(), "secret");
  const forged = await fetch(signedUrl.slice(0, -3));
  assert.equal(forged.status, 400);
});

test("a signed address shows a file as what it is, in parts, or saves it under a name", async () => {
  const files = await bucket();
  await data(files.upload("a.mp4", "0123456789", { contentType: "video/mp4" }));
  const { signedUrl } = await data(files.createSignedUrl("a.mp4", 60));
  const shown = await fetch(signedUrl);
  assert.equal(shown.headers.get("content-type"), "video/mp4");
  assert.equal(shown.headers.get("content-disposition"), null);
  const part = await fetch(signedUrl, { headers: { range: "bytes=4-" } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-range"), "bytes 4-9/10");
  assert.equal(await part.text(), "456789");
  // Not by the option `download`: this version of supabase-js encodes a name twice.
  const saving = new URL(signedUrl);
  saving.searchParams.set("download", "férias 1.mp4");
  const saved = await fetch(saving);
  assert.match(saved.headers.get("content-disposition"), /^attachment; .*''f%C3%A9rias%201\.mp4/);
});

test("a file is put at a signed address", async () => {
  const files = await bucket();
  const { path, token } = await data(files.createSignedUploadUrl("a.txt"));
  await data(anonymous().storage.from(files.bucketId).uploadToSignedUrl(path, token, "given"));
  assert.equal(await text(await data(files.download("a.txt"))), "given");
});

test("only a public bucket is open to all", async () => {
  const [open, closed] = [await bucket({ public: true }), await bucket()];
  for (const files of [open, closed]) await data(files.upload("a.txt", "x"));
  const address = (files) => files.getPublicUrl("a.txt").data.publicUrl;
  assert.equal((await fetch(address(open))).status, 200);
  assert.equal((await fetch(address(closed))).status, 400);
  await refusal(anonymous().storage.from(closed.bucketId).download("a.txt"));
});

test("files are listed by folder, moved, copied and removed", async () => {
  const files = await bucket();
  await data(files.upload("a/1.txt", "1"));
  await data(files.copy("a/1.txt", "a/2.txt"));
  await data(files.move("a/2.txt", "b/2.txt"));
  const names = async (folder) => (await data(files.list(folder))).map((file) => file.name);
  assert.deepEqual(await names("a"), ["1.txt"]);
  assert.deepEqual(await names(""), ["a", "b"]);
  await data(files.remove(["a/1.txt", "b/2.txt"]));
  assert.deepEqual(await names(""), []);
});

test("limits of size and kind are kept", async () => {
  const files = await bucket({ fileSizeLimit: 10, allowedMimeTypes: ["text/plain"] });
  await data(files.upload("a.txt", "small", { contentType: "text/plain" }));
  const large = await refusal(files.upload("b.txt", "x".repeat(11), { contentType: "text/plain" }));
  assert.equal(large.statusCode, "413");
  const image = await refusal(files.upload("c.png", "x", { contentType: "image/png" }));
  assert.equal(image.statusCode, "415");
});

test("a bucket with files in it stays until it is emptied", async () => {
  const files = await bucket();
  await data(files.upload("a.txt", "x"));
  await refusal(service.storage.deleteBucket(files.bucketId));
  await data(service.storage.emptyBucket(files.bucketId));
  await data(service.storage.deleteBucket(files.bucketId));
  await refusal(service.storage.getBucket(files.bucketId));
});
