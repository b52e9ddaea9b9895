// Each of these is an error to the compiler; that one which is none would be an error itself.
import type { OutboxInsert } from "./types/outbox";

const session_id = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10";
const message_id = session_id;
const to = "+55 21 98765-4321";
const taken = (row: OutboxInsert): OutboxInsert => row;

// @ts-expect-error there is no such kind
taken({ session_id, to, kind: "carrier_pigeon", payload: {} });
// @ts-expect-error the payload is that of another kind
taken({ session_id, to, kind: "text", payload: { question: "When?", options: ["Monday", "Tuesday"] } });
// @ts-expect-error a typo
taken({ session_id, to, kind: "text", payload: { txt: "Olá!" } });
// @ts-expect-error a text is missing
taken({ session_id, to, kind: "text", payload: {} });
// @ts-expect-error a number is no text
taken({ session_id, to, kind: "text", payload: { text: 7 } });
// @ts-expect-error a voice note has no caption
taken({ session_id, to, kind: "voice", payload: { storage_path: "a/b.ogg", caption: "Listen" } });
// @ts-expect-error nobody is written to
taken({ session_id, kind: "text", payload: { text: "Olá!" } });
// @ts-expect-error nobody sends
taken({ to, kind: "text", payload: { text: "Olá!" } });
// @ts-expect-error the connector writes this column
taken({ session_id, to, kind: "text", payload: { text: "Olá!" }, state: "sent" });
// @ts-expect-error one of three
taken({ session_id, to, kind: "typing", payload: { state: "thinking" } });
// @ts-expect-error an emoji is missing
taken({ session_id, kind: "reaction", payload: { message_id } });
