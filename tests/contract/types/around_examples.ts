// What the examples of docs/outbox.md take for granted: put before them, it notes what they insert.
import type { SupabaseClient } from "@supabase/supabase-js";

declare const process: { stdout: { write(text: string): void }; on(event: string, then: () => void): void };

const inserted: unknown[] = [];
// Whatever is read of it or called on it is the same once more; what is awaited has an id.
const standing = (name: string): any =>
  new Proxy(() => undefined, {
    get: (_, key) => (key === "then" ? undefined : key === "data" ? { id: session_id } : standing(String(key))),
    apply: (_, __, given) => {
      if (name === "insert" || name === "upsert") inserted.push(given[0]);
      return standing("");
    },
  });
const supabase: SupabaseClient = standing("");
const session_id = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10";
const workspace_id = session_id;
const [chat, message, file] = [{ id: session_id }, { id: session_id }, ""];
process.on("exit", () => process.stdout.write(JSON.stringify(inserted)));
