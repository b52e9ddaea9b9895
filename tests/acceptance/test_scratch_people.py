from __future__ import annotations
import asyncio, time
from datetime import timedelta
import pytest
from tests.acceptance.world import Linked, World

JPEG = b"\xff\xd8\xff\xe0" + b"a jpeg" * 50


async def look(linked, table, **eq):
    q = linked.app.client.table(table).select("*").eq("session_id", linked.session_id)
    for k, v in eq.items():
        q = q.eq(k, v)
    return (await q.execute()).data


async def until(linked, table, cond, within=20.0, **eq):
    async def f():
        rows = await look(linked, table, **eq)
        for r in rows:
            if cond(r):
                return r
        return None

    try:
        return await linked.app.until(f, within)
    except TimeoutError:
        raise AssertionError(await look(linked, table, **eq))


async def test_all(world: World) -> None:
    ana = world.somebody("Ana")
    bob = world.somebody("Bob")
    carla = world.somebody("Carla")
    ana.phone.saves_contact(bob, "Bobby Saved")
    bob.shows_picture(JPEG)
    fam = world.stage.whatsapp.group("Família", ana, [bob, carla])
    ana.phone.archives(carla)
    ana.phone.mutes(bob)
    t = time.time()
    linked = await world.linked(ana, appear_online=True)
    print("linked", time.time() - t)
    r = await until(linked, "wa_contacts", lambda r: r["saved_name"] == "Bobby Saved")
    print("saved", time.time() - t, r)
    await bob.says(ana, "oi")
    await carla.says(fam, "hi fam")
    r = await until(linked, "wa_contacts", lambda r: r["avatar_path"], jid=str(bob.lid))
    print("avatar", time.time() - t, r["avatar_path"])
    r = await until(
        linked, "wa_chats", lambda r: r["name"] == "Família" and r["refreshed_at"]
    )
    print("group", time.time() - t, r)
    r = await until(linked, "wa_chats", lambda r: r["archived"])
    print("arch", time.time() - t, r["jid"])
    r = await until(linked, "wa_chats", lambda r: r["muted_until"])
    print("mute", time.time() - t, r["jid"], r["muted_until"])
    r = (
        await until(
            linked,
            "wa_sessions",
            lambda r: True,
        )
        if False
        else await linked.session()
    )
    print(r["push_name"], r["sync_state"], r["sync_progress"])
    ana.phone.saves_contact(carla, "Carlinha")
    r = await until(linked, "wa_contacts", lambda r: r["saved_name"] == "Carlinha")
    print("saved2", time.time() - t)
    ana.phone.removes_contact(carla)
    try:
        r = await until(
            linked, "wa_contacts", lambda r: not r["saved_name"], jid=str(carla.lid)
        )
        print("removed", time.time() - t)
    except AssertionError as e:
        print("NOT REMOVED", e)
    ana.phone.unmutes(bob)
    r = await until(
        linked, "wa_chats", lambda r: not r["muted_until"], jid=str(bob.lid)
    )
    print("unmuted", time.time() - t)
    bob.shows_picture(JPEG + b"2")
    old = (await look(linked, "wa_contacts", jid=str(bob.lid)))[0]["avatar_path"]
    r = await until(
        linked,
        "wa_contacts",
        lambda r: r["avatar_path"] not in (None, old),
        jid=str(bob.lid),
    )
    print("avatar2", time.time() - t)
    print([p.xml() for p in linked.device.presences])
    ud = world.stage.whatsapp.person(
        "5511987650001", "Duda", also_written=["551187650001"]
    )
    rid = await linked.sends("551187650001", "olá")
    heard = await ud.hears()
    print("heard", heard.text)
    r = await until(
        linked,
        "wa_outbox",
        lambda r: r["status"] == "sent" if "status" in r else r["state"] == "sent",
        id=rid,
    )
    print(
        await look(linked, "wa_contacts", jid=str(ud.lid)),
        [(c["jid"]) for c in await look(linked, "wa_chats")],
    )
    rid2 = await linked.sends("551187650001", "olá 2")
    heard = await ud.hears()
    print("heard", heard.text)
    nob = await linked.sends("5511900000009", "x")

    async def st():
        rows = await look(linked, "wa_outbox", id=nob)
        return rows[0] if rows[0]["state"] == "failed" else None

    print(await linked.app.until(st, 10))
    print(await look(linked, "wa_contacts", phone_number="5511900000009"))
    print(world.stage.whatsapp.look_ups)
    await bob.types(ana)
    await asyncio.sleep(1)
    print(await look(linked, "wa_events"))
