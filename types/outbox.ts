// Written by make types from connector/payloads: change it there.

/** A row to insert into wa_outbox: docs/outbox.md. */
export type OutboxInsert =
  | TextInsert
  | ImageInsert
  | VideoInsert
  | GifInsert
  | AudioInsert
  | VoiceInsert
  | DocumentInsert
  | LocationInsert
  | ContactInsert
  | PollInsert
  | ReactionInsert
  | EditInsert
  | DeleteInsert
  | ForwardInsert
  | ReadInsert
  | TypingInsert;

export interface TextInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "text";
  payload: TextPayload;
}
/** A text. */
export interface TextPayload extends NewMessage {
  /** WhatsApp's marks work: *bold*, _italic_, ~struck~, ```code```. Must be a string of 1 to 65,536 characters. */
  text: string;
  /** true: what the page of the first link says of itself is shown below the text. Or say yourself what is shown. Must be true, or an object with url, title and perhaps description. */
  link_preview?: boolean | GivenPreview;
  /** How long the chat shows that you are typing, before it. Must be a number from 0 to 20. */
  typing_seconds?: number;
}
/** What is shown of a link, in the app's own words. */
export interface GivenPreview {
  /** The link; it should be in the text as well. Must be an http or https address of at most 2,048 characters. */
  url: string;
  /** Must be a string of 1 to 256 characters. */
  title: string;
  /** Must be a string of at most 1,024 characters. */
  description?: string | null;
}
/** What any new message may carry. */
export interface NewMessage {
  /** The message that this one answers. Must be the id of a row in wa_messages. */
  reply_to?: string | null;
  /**
   * Whom the text mentions: phone numbers with country code, or JIDs. Each shows where the text has @ and the same digits: 'Hi @5511912345678'. Must be a list of at most 256 phone numbers or JIDs.
   *
   * @maxItems 256
   */
  mentions?: string[];
}
/** What a row has whatever its kind. */
export interface OutboxColumns {
  /** The number that sends: wa_sessions.id. */
  session_id: string;
  /** Chosen by the app: inserting it twice is one send. */
  id?: string;
  /** Not before this moment. */
  send_after?: string;
  /** Not after this moment. */
  expires_at?: string | null;
  /** Higher goes first, then earlier send_after, then insertion. */
  priority?: number;
}
export interface ImageInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "image";
  payload: ImagePayload;
}
/** A picture. */
export interface ImagePayload extends NewMessage, FilePlace {
  /** It can be opened once, and only on the phone. Must be true or false. */
  view_once?: boolean;
  /** Text below it; WhatsApp's marks work here too. Must be a string of at most 1,024 characters. */
  caption?: string | null;
}
/** Where the file is: exactly one of storage_path, url and base64. */
export interface FilePlace {
  /** The file's path in a bucket of Supabase Storage. Must be the path of a file in its bucket, without a leading slash. */
  storage_path?: string | null;
  /** The bucket that storage_path is in; wa-media if left out. Must be the name of a bucket in Storage. */
  bucket?: string;
  /** Or the https address of the file. Must be an https address of at most 2,048 characters. */
  url?: string | null;
  /** Or the file itself, of at most 64 kB, as base64. Must be base64, without data: before it, of at most 64 kB; put larger files into Storage. */
  base64?: string | null;
  /** How long the chat shows that you are typing, before it; for a voice note: that you are recording. Must be a number from 0 to 20. */
  typing_seconds?: number;
}
export interface VideoInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "video";
  payload: VideoPayload;
}
/** A film. */
export interface VideoPayload extends NewMessage, FilePlace {
  /** It can be opened once, and only on the phone. Must be true or false. */
  view_once?: boolean;
  /** Text below it; WhatsApp's marks work here too. Must be a string of at most 1,024 characters. */
  caption?: string | null;
}
export interface GifInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "gif";
  payload: GifPayload;
}
/** A short film without sound that repeats. */
export interface GifPayload extends NewMessage, FilePlace {
  /** Text below it; WhatsApp's marks work here too. Must be a string of at most 1,024 characters. */
  caption?: string | null;
}
export interface AudioInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "audio";
  payload: AudioPayload;
}
/** A sound file. */
export interface AudioPayload extends NewMessage, FilePlace {}
export interface VoiceInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "voice";
  payload: VoicePayload;
}
/** A voice note: any common audio file, sent as if recorded. */
export interface VoicePayload extends NewMessage, FilePlace {
  /** It can be opened once, and only on the phone. Must be true or false. */
  view_once?: boolean;
}
export interface DocumentInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "document";
  payload: DocumentPayload;
}
/** Any file, sent as it is. */
export interface DocumentPayload extends NewMessage, FilePlace {
  /** Text below it; WhatsApp's marks work here too. Must be a string of at most 1,024 characters. */
  caption?: string | null;
  /** What the recipient sees it called; otherwise what it is called at its source. Must be a string of 1 to 256 characters without slashes. */
  file_name?: string | null;
  /** Otherwise found out from the file. Must be a media type such as application/pdf. */
  mime_type?: string | null;
}
export interface LocationInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "location";
  payload: LocationPayload;
}
/** A place on the map. */
export interface LocationPayload extends NewMessage {
  /** Must be a number from -90 to 90. */
  latitude: number;
  /** Must be a number from -180 to 180. */
  longitude: number;
  /** What the place is called. Must be a string of 1 to 256 characters. */
  name?: string | null;
  /** Where it is, as people write it. Must be a string of at most 1,024 characters. */
  address?: string | null;
  /** The place's own page. Must be an http or https address of at most 2,048 characters. */
  url?: string | null;
}
export interface ContactInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "contact";
  payload: ContactPayload;
}
/** One or several contacts. */
export interface ContactPayload extends NewMessage {
  /**
   * Must be a list of 1 to 20 objects with name and phone_numbers, perhaps organization and email.
   *
   * @minItems 1
   * @maxItems 20
   */
  contacts: ContactPerson[];
}
/** One contact card. */
export interface ContactPerson {
  /** Must be a string of 1 to 256 characters. */
  name: string;
  /**
   * With country code, as people write them. Must be a list of 1 to 10 phone numbers with country code.
   *
   * @minItems 1
   * @maxItems 10
   */
  phone_numbers: string[];
  /** Must be a string of 1 to 256 characters. */
  organization?: string | null;
  /** Must be an e-mail address. */
  email?: string | null;
}
export interface PollInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "poll";
  payload: PollPayload;
}
/** A question with answers to choose from. */
export interface PollPayload extends NewMessage {
  /** Must be a string of 1 to 255 characters. */
  question: string;
  /**
   * The answers; no two alike. Must be a list of 2 to 12 different strings.
   *
   * @minItems 2
   * @maxItems 12
   */
  options: string[];
  /** How many each may choose; 0: as many as they like. Must be a whole number from 0 to the number of options. */
  selectable?: number;
}
export interface ReactionInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. Left out, it is the chat of payload.message_id. */
  to?: string;
  kind: "reaction";
  payload: ReactionPayload;
}
/** An emoji at a message. */
export interface ReactionPayload {
  /** The message. Must be the id of a row in wa_messages. */
  message_id: string;
  /** One emoji; "" takes the reaction back. Must be an emoji, or "" to take the reaction back. */
  emoji: string;
}
export interface EditInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. Left out, it is the chat of payload.message_id. */
  to?: string;
  kind: "edit";
  payload: EditPayload;
}
/** Another text for a text of ours, at most 20 minutes after it was sent. */
export interface EditPayload {
  /** Our text. Must be the id of a row in wa_messages. */
  message_id: string;
  /** The new text. Must be a string of 1 to 65,536 characters. */
  text: string;
  /**
   * Whom the text mentions: phone numbers with country code, or JIDs. Each shows where the text has @ and the same digits: 'Hi @5511912345678'. Must be a list of at most 256 phone numbers or JIDs.
   *
   * @maxItems 256
   */
  mentions?: string[];
}
export interface DeleteInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. Left out, it is the chat of payload.message_id. */
  to?: string;
  kind: "delete";
  payload: DeletePayload;
}
/** Deletes a message for everyone, at most 60 hours after it was sent. */
export interface DeletePayload {
  /** A message of ours, or in a group that we administer, of anybody. Must be the id of a row in wa_messages. */
  message_id: string;
}
export interface ForwardInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "forward";
  payload: ForwardPayload;
}
/** Sends a message on to another chat. */
export interface ForwardPayload {
  /** The message. Must be the id of a row in wa_messages. */
  message_id: string;
}
export interface ReadInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. Left out, it is the chat of payload.message_id. */
  to?: string;
  kind: "read";
  payload: ReadPayload;
}
/** Ticks what others wrote as read. */
export interface ReadPayload {
  /** Everything unread up to this message; left out: the whole chat. Must be the id of a row in wa_messages. */
  message_id?: string | null;
}
export interface TypingInsert extends OutboxColumns {
  /** A phone number with country code as people write it, a JID, or the id of a chat of the session. */
  to: string;
  kind: "typing";
  payload: TypingPayload;
}
/** Shows in a chat what we are doing. */
export interface TypingPayload {
  /** Must be one of: typing, recording, paused. */
  state?: "typing" | "recording" | "paused";
  /** How long it shows. Must be a number from 1 to 30. */
  seconds?: number;
}
