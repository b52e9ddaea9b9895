-- Purpose: sends of which nobody knows whether they left, since the device's store was lost with their ids: a receipt
-- for a message of ours that nobody recorded proves one of them (docs/outbox.md).
-- Affects: wa_private.has_uncertain_outbox, settle_uncertain, settle_uncertain_chats (new).

create function wa_private.has_uncertain_outbox(p_session_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'uncertain' and entry.whatsapp_id is null
  );
$$;
comment on function wa_private.has_uncertain_outbox(uuid) is
'Whether a receipt that belongs to no known message may be about a row of the outbox. Nearly always: no.';

create function wa_private.settle_uncertain(p_session_id uuid, p_chat_ids uuid[], p_whatsapp_ids text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- WhatsApp counts whole seconds, by its own clock.
  tolerance constant interval := '10 seconds';
  unknown record;
  entry public.wa_outbox;
begin
  for unknown in
    select touched.chat_id, touched.whatsapp_id, heard.at
    from (
      select given.chat_id, given.whatsapp_id, min(given.place) as place
      from unnest(p_chat_ids, p_whatsapp_ids) with ordinality as given (chat_id, whatsapp_id, place)
      -- As linked clients begin their ids; what was typed on the phone has others.
      where given.whatsapp_id like '3EB0%'
        -- Rows of one chat leave in order: of those in doubt since the same loss the oldest left first. Of those of
        -- two losses nobody can tell which it is about.
        and (
          select count(distinct coalesce(doubtful.claim_term, 0))
          from public.wa_outbox as doubtful
          where doubtful.session_id = p_session_id
            and doubtful.chat_id = given.chat_id
            and doubtful.state = 'uncertain'
            and doubtful.whatsapp_id is null
        ) = 1
        -- Its receipt may be here before its id is: once that is recorded, this is asked again.
        and not exists (
          select from public.wa_outbox as under_way
          where under_way.session_id = p_session_id
            and under_way.chat_id = given.chat_id
            and under_way.state in ('claimed', 'sending')
            and under_way.settle_by is null
        )
      group by given.chat_id, given.whatsapp_id
    ) as touched
    cross join lateral (
      select min(least(receipt.delivered_at, receipt.read_at, receipt.played_at)) as at
      from public.wa_receipts as receipt
      where receipt.chat_id = touched.chat_id and receipt.whatsapp_id = touched.whatsapp_id
    ) as heard
    where not exists (
        select from public.wa_messages as known
        where known.session_id = p_session_id and known.whatsapp_id = touched.whatsapp_id
      )
      and not exists (
        select from public.wa_outbox as known
        where known.session_id = p_session_id and known.whatsapp_id = touched.whatsapp_id
      )
      -- An edit that was made on another device has receipts, too.
      and not exists (
        select from wa_private.message_changes as known
        where known.chat_id = touched.chat_id and known.change_id = touched.whatsapp_id
      )
    -- Of one second, as they were given: in the order in which they came.
    order by heard.at, touched.place
  loop
    update public.wa_outbox as proven
    set whatsapp_id = unknown.whatsapp_id
    where proven.id = (
      select doubtful.id
      from public.wa_outbox as doubtful
      where doubtful.session_id = p_session_id
        and doubtful.chat_id = unknown.chat_id
        and doubtful.state = 'uncertain'
        and doubtful.whatsapp_id is null
        and coalesce(doubtful.claimed_at, doubtful.created_at) <= unknown.at + tolerance
      order by coalesce(doubtful.claimed_at, doubtful.created_at), doubtful.seq
      limit 1
    )
    returning proven.* into entry;
    if found then
      perform wa_private.show_outbox_state(entry);
    end if;
  end loop;
end;
$$;
comment on function wa_private.settle_uncertain(uuid, uuid[], text[]) is
'Gives these ids, as far as they are of messages of ours that nobody recorded and have receipts, to the rows of their '
'chats that are in doubt since one loss, the oldest first; these become delivered or read.';

create function wa_private.settle_uncertain_chats(p_session_id uuid, p_chat_ids uuid[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform wa_private.settle_uncertain(
    p_session_id,
    array_agg(unheeded.chat_id order by unheeded.place), array_agg(unheeded.whatsapp_id order by unheeded.place)
  )
  from (
    -- Nothing says when a receipt was stored, but where: what came later lies further on, nearly always.
    select receipt.chat_id, receipt.whatsapp_id, receipt.ctid as place
    from public.wa_receipts as receipt
    where receipt.chat_id = any(p_chat_ids)
      and receipt.whatsapp_id like '3EB0%'
      and greatest(receipt.delivered_at, receipt.read_at, receipt.played_at) > (
        select min(coalesce(doubtful.claimed_at, doubtful.created_at)) - interval '1 minute'
        from public.wa_outbox as doubtful
        where doubtful.session_id = p_session_id
          and doubtful.chat_id = receipt.chat_id
          and doubtful.state = 'uncertain'
          and doubtful.whatsapp_id is null
      )
  ) as unheeded;
end;
$$;
comment on function wa_private.settle_uncertain_chats(uuid, uuid[]) is
'The same with all receipts of these chats: a row may be in doubt, or the only one whose id is unknown, only since '
'after its receipt has come.';

revoke execute on function wa_private.has_uncertain_outbox(uuid) from public, anon, authenticated;
revoke execute on function wa_private.settle_uncertain(uuid, uuid[], text[]) from public, anon, authenticated;
revoke execute on function wa_private.settle_uncertain_chats(uuid, uuid[]) from public, anon, authenticated;
grant execute on function wa_private.has_uncertain_outbox(uuid) to service_role;
grant execute on function wa_private.settle_uncertain(uuid, uuid[], text[]) to service_role;
grant execute on function wa_private.settle_uncertain_chats(uuid, uuid[]) to service_role;
