-- Purpose: files that apps send: members put them into the bucket wa-media, and send only what they may read.
-- Affects: a trigger on public.wa_outbox (new), a policy on storage.objects (new).

-- security invoker: the connector reads every file, so it must not be made to send one that the sender could not open.
create function wa_private.see_outbox_file()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  -- An app's server may read everything as it is, and may put the file there a moment later.
  if current_user <> 'service_role' and not exists (
    select from storage.objects as file
    where file.bucket_id = coalesce(new.payload ->> 'bucket', 'wa-media')
      and file.name = new.payload ->> 'storage_path'
  ) then
    raise exception 'payload.storage_path names no file that you may read.'
      using errcode = '23514', detail = 'media_not_found', hint =
        'Upload it first, for example to <workspace id>/outbox/… in the bucket wa-media, and name it without the bucket.';
  end if;
  return new;
end;
$$;
comment on function wa_private.see_outbox_file() is
'Trigger: whoever sends a file of Storage has to be able to read it, by the policies on storage.objects.';
revoke execute on function wa_private.see_outbox_file() from public, anon, authenticated;

-- After the payload was looked at: triggers of a kind fire in the order of their names.
create trigger before_insert_see_file
before insert on public.wa_outbox
for each row when (new.payload ->> 'storage_path' is not null)
execute function wa_private.see_outbox_file();

create policy "Members upload what their workspace sends"
on storage.objects
for insert
to authenticated
with check (
  bucket_id = 'wa-media'
  and (storage.foldername(name))[1] in (
    select mine.workspace_id::text from wa_private.my_workspace_ids() as mine (workspace_id)
  )
  and (storage.foldername(name))[2] = 'outbox'
  -- Nothing that some path on the way to the file would read as a way out of the folder.
  and not string_to_array(name, '/') && array['', '.', '..']
);
