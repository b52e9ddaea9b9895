-- Purpose: what WhatsApp has to be asked about people and groups, and when it was.
-- Affects: wa_private.look_ups (new).

create table wa_private.look_ups (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  jid text not null,
  aspect text not null
  constraint look_ups_aspect_check check (aspect in ('group', 'picture')),
  asked_at timestamptz,
  stale_at timestamptz,
  primary key (session_id, jid, aspect)
);
comment on table wa_private.look_ups is
'Questions on their way, and answers that went out of date. When the last answer came is said where it is kept: '
'refreshed_at, avatar_checked_at.';
comment on column wa_private.look_ups.asked_at is 'Not again for a while, whatever becomes of the question.';
comment on column wa_private.look_ups.stale_at is 'Answers to what was asked before are out of date.';

alter table wa_private.look_ups enable row level security;
revoke all on table wa_private.look_ups from anon, authenticated;
grant select, insert, update, delete on table wa_private.look_ups to service_role;
