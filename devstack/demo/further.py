"""What a newcomer can do next: look at the tables, subscribe, insert."""

from __future__ import annotations

from typing import Final

from devstack.demo.narrator import Narrator
from devstack.demo.story import Story

COLUMNS: Final = {
    "wa_sessions": ("name", "state", "phone_number", "state_message"),
    "wa_chats": ("name", "kind", "unread_count", "last_message_preview"),
    "wa_messages": ("from_me", "sender_name", "kind", "body", "status", "source"),
    "wa_attachments": ("state", "mime_type", "size_bytes", "error_code"),
    "wa_outbox": ("to", "kind", "state", "attempts", "error_code"),
}

SNIPPET: Final = """\
import {{ createClient }} from '@supabase/supabase-js'

// Browsers and Node 22 have a WebSocket of their own; Node 20 has not.
globalThis.WebSocket ??= (await import('ws')).default

const supabase = createClient('{url}', '{key}')
await supabase.auth.signInWithPassword({{
  email: '{email}', password: '{password}' }})
const session_id = '{session_id}'

const channel = supabase.channel('demo')
  .on('postgres_changes',
      {{ event: 'UPDATE', schema: 'public', table: 'wa_sessions',
        filter: `id=eq.${{session_id}}` }},
      ({{ new: row }}) => console.log(row.state, row.state_message))
  .on('postgres_changes',
      {{ event: 'INSERT', schema: 'public', table: 'wa_messages',
        filter: `session_id=eq.${{session_id}}` }},
      ({{ new: row }}) => console.log(row.from_me ? 'us: ' : 'Bob:', row.body ?? row.kind))
await new Promise((ready) =>
  channel.subscribe((status) => status === 'SUBSCRIBED' && ready()))

const {{ data: row, error }} = await supabase.from('wa_outbox').insert({{
  session_id, to: '+{number}', kind: 'text', payload: {{ text: 'Oi!' }} }}).select().single()
if (error) throw error
console.log('Inserted. Ctrl-C ends this.')

// A linked number sends at a pace: this says why a row has not left yet.
const {{ data: [waits] }} = await supabase.rpc('wa_why_waiting', {{
  p_session_id: session_id, p_ids: [row.id] }})
if (waits) console.log(waits.reason, waits.until ?? '', waits.message)"""


async def show_tables(story: Story, narrator: Narrator) -> None:
    narrator.says("")
    for name, rows in (await story.tables()).items():
        narrator.table(name, COLUMNS[name], rows)


def show_ways_in(story: Story, narrator: Narrator) -> None:
    supabase = story.stage.supabase
    narrator.says("\n[bold]Look further[/]")
    narrator.block(
        f"  API URL          {supabase.url}\n"
        f"  publishable key  {supabase.keys.publishable}\n"
        f"  secret key       {supabase.keys.secret}\n"
        f"  database         psql '{supabase.database_url}'\n"
        f"  the app's user   {story.app.email}  password {story.app.password}\n"
        f"  connector's log  {story.connector.log_file}\n"
        "  what waits       "
        f"WA_DATA_DIR={story.connector.data_folder} .venv/bin/zapbase spool list"
    )
    snippet = SNIPPET.format(
        url=supabase.url,
        key=supabase.keys.publishable,
        email=story.app.email,
        password=story.app.password,
        session_id=story.session_id,
        number=story.bob.number,
    )
    file = story.stage.directory / "app.mjs"
    file.write_text(snippet + "\n", "utf-8")
    narrator.says("\n[bold]Subscribe and send from your own code[/] (supabase-js)")
    narrator.block(snippet)
    narrator.says(f"\nThat is {file}. With Node: npm ci && node {file}")
