from devstack.supabase.gateway.realtime.connections import Outbox


async def test_frames_leave_in_order() -> None:
    outbox = Outbox()
    outbox.put("a")
    outbox.put(b"b")

    assert [await outbox.get(), await outbox.get()] == ["a", b"b"]


async def test_what_was_taken_no_longer_counts() -> None:
    outbox = Outbox(most=3)
    for _ in range(5):
        outbox.put("xx")
        assert await outbox.get() == "xx"


async def test_too_much_waiting_ends_the_outbox() -> None:
    outbox = Outbox(most=3)
    outbox.put("xx")
    outbox.put("xx")

    assert await outbox.get() is None
