-- Purpose: everything inbound, stored by one idempotent call a batch.
-- Affects: wa_private.store_circumstances, wa_store_batch (new).
--
-- p_batch holds lists, each of which may be missing. A jid is any known address of a person or chat; whom it
-- means is found out here. Times are ISO 8601.
--
--   aliases       {lid, phone, spelling?}      spelling: another way to write the number; leads there, is never shown
--   contacts      {jid, phone_number?, push_name?, past_name?, saved_name? ('': removed), business_name?, on_whatsapp?}
--                                            past_name: the push name that history tells, where none is known
--   chats         {jid, kind, name}            the name fills only what is unknown
--   messages      {whatsapp_id, chat_jid, from_me, sender_jid, sender_name, kind, body, content, quoted_whatsapp_id,
--                  mentions, sent_at, status, source, expires_at?, attachment?}
--   attachment    {media_type, direct_path, media_key (base64), file_sha256, file_enc_sha256 (hex), size_bytes,
--                  mime_type, file_name, width, height, duration_seconds, waveform, thumbnail}
--   receipts      {chat_jid, whatsapp_id, participant_jid, status, at}
--   own_reads     {chat_jid, at}
--   edits         {chat_jid, whatsapp_id, from_me, sender_jid, edit_id, body, content, mentions, edited_at}
--   revokes       {chat_jid, whatsapp_id, from_me, author_jid?, revoked_by_jid, by_admin, revoked_at}
--   reactions     {chat_jid, whatsapp_id, sender_jid, from_me, emoji ('': taken back), reacted_at}
--   votes         {chat_jid, whatsapp_id, voter_jid, from_me, options (hex SHA-256; null: unreadable), voted_at}
--   chat_updates  {jid, as_of, from_history, columns}
--   members       {chat_jid, jid, role (null: left), as_of}
--   rosters       {chat_jid, as_of, members: [{jid, role}]}
--   stale         {jid, aspect, as_of}
--   history       {percent, done}              not a list: the furthest of the batch

create function wa_private.store_circumstances(p_session_id uuid, p_workspace_id uuid, p_batch jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_batch -> 'chat_updates' <> '[]' then
    perform wa_private.store_chat_updates(p_session_id, p_workspace_id, p_batch -> 'chat_updates');
  end if;
  if p_batch -> 'members' <> '[]' then
    perform wa_private.store_members(p_session_id, p_workspace_id, p_batch -> 'members');
  end if;
  if p_batch -> 'rosters' <> '[]' then
    perform wa_private.store_rosters(p_session_id, p_workspace_id, p_batch -> 'rosters');
  end if;
  if p_batch -> 'stale' <> '[]' then
    perform wa_private.store_stale(p_session_id, p_workspace_id, p_batch -> 'stale');
  end if;
  if p_batch -> 'history' <> 'null' then
    perform wa_private.follow_history(p_session_id, p_workspace_id, p_batch -> 'history');
  end if;
end;
$$;
comment on function wa_private.store_circumstances(uuid, uuid, jsonb) is
'Stores what a batch says besides messages and what is done to them.';

create function public.wa_store_batch(p_session_id uuid, p_term bigint, p_batch jsonb)
returns table (messages integer, receipts integer, contacts integer)
language plpgsql
volatile
security invoker
set search_path = ''
-- Plans are kept, and made while a new number's tables are still empty: without this, looking each
-- person up by reading a whole table would stay the plan for as long as nobody gathers statistics.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  workspace_id uuid;
  addresses wa_private.address[];
  address_index jsonb;
  message_count integer := 0;
  receipt_count integer := 0;
  contact_count integer := 0;
begin
  -- What was received under an earlier term is true, and storing it is idempotent.
  select lease.workspace_id into workspace_id from wa_private.hold_lease(p_session_id, p_term, 1) as lease;
  -- One batch of a session at a time: two that merge the same people would deadlock.
  perform wa_private.take_turns(p_session_id);

  if p_batch -> 'aliases' <> '[]' then
    perform wa_private.lock_merging_chats(p_session_id, p_batch);
    perform wa_private.store_aliases(p_session_id, p_batch -> 'aliases');
  end if;
  addresses := wa_private.addresses_of(p_session_id, p_batch);
  contact_count := wa_private.store_contacts(p_session_id, workspace_id, p_batch -> 'contacts', addresses);
  perform wa_private.store_chats(p_session_id, workspace_id, p_batch -> 'chats', addresses);
  address_index := wa_private.index_addresses(p_session_id, addresses);

  if p_batch -> 'messages' <> '[]' then
    message_count := wa_private.store_messages(p_session_id, workspace_id, p_batch -> 'messages', address_index);
  end if;
  if p_batch -> 'receipts' <> '[]' then
    receipt_count := wa_private.store_receipts(p_session_id, workspace_id, p_batch -> 'receipts', address_index);
  end if;
  if p_batch -> 'edits' <> '[]' or p_batch -> 'revokes' <> '[]' then
    perform wa_private.store_changes(p_session_id, p_batch, address_index);
  end if;
  if p_batch -> 'reactions' <> '[]' then
    perform wa_private.store_reactions(p_session_id, workspace_id, p_batch -> 'reactions', address_index);
  end if;
  if p_batch -> 'votes' <> '[]' then
    perform wa_private.store_votes(p_session_id, workspace_id, p_batch -> 'votes', address_index);
  end if;
  perform wa_private.store_circumstances(p_session_id, workspace_id, p_batch);
  if p_batch -> 'own_reads' <> '[]' then
    perform wa_private.store_own_reads(p_batch -> 'own_reads', address_index);
  end if;

  return query select message_count, receipt_count, contact_count;
end;
$$;
comment on function public.wa_store_batch(uuid, bigint, jsonb) is
'Stores everything inbound: aliases, contacts, chats, messages, receipts, own_reads, edits, revokes, reactions, votes, '
'chat_updates, members, rosters, stale, history; the migration says what each holds. All or nothing; twice is once, '
'and any order and cutting into batches ends in the same rows. Takes any term there has been; raises ZB001 for one '
'that never was. Returns what was new.';

revoke execute on function wa_private.store_circumstances(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_store_batch(uuid, bigint, jsonb) from public, anon, authenticated;
grant execute on function wa_private.store_circumstances(uuid, uuid, jsonb) to service_role;
grant execute on function public.wa_store_batch(uuid, bigint, jsonb) to service_role;
