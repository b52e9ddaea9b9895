"""What piled up while Supabase was away: how fast it is stored once Supabase is back."""

from __future__ import annotations

import time

from devstack.supabase.local import LocalSupabase
from tests.benchmarks import bare
from tests.benchmarks.figures import Figures
from tests.benchmarks.inbound import as_spooled
from tests.benchmarks.scene import Scene

PATIENCE = 120.0


async def drain(scene: Scene) -> Figures:
    """Rows a second from the first batch stored; how long that took is told apart."""
    supabase = scene.stage.supabase
    if not isinstance(supabase, LocalSupabase):
        print("not measured: this stops servers, and these are somebody else's")
        return {}
    await supabase.gateway.stop()
    ids = await scene.friend_says("backlog", scene.sizes.backlog)
    await scene.device.has_everything(timeout=PATIENCE)
    await supabase.gateway.start()
    back = time.monotonic()
    await scene.commits.until(ids, within=PATIENCE)
    times = sorted(scene.commits.committed[each] for each in ids)
    rest = sum(at > times[0] for at in times)
    rate = rest / (times[-1] - times[0])
    rpc = await bare.messages_per_s(scene, as_spooled(scene, len(ids)))
    return {
        "drain_per_s": round(rate),
        "drain_bare_rpc_per_s": round(rpc),
        "drain_of_bare_rpc": round(rate / rpc, 2),
        "drain_begins_after_s": round(times[0] - back, 2),
    }
