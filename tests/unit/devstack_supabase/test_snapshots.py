import pytest

from devstack.supabase.gateway.realtime.snapshots import Snapshot


@pytest.mark.parametrize(
    ("snapshot", "xid", "sees"),
    [
        ("700:710:", 699, True),
        ("700:710:", 709, True),
        ("700:710:", 710, False),
        ("700:710:703,705", 704, True),
        ("700:710:703,705", 705, False),
        # The log knows 32 bits of an id: 2^32 + 5 is 5 there.
        ("4294967290:4294967301:", 4294967295, True),
        ("4294967290:4294967301:", 4, True),
        ("4294967290:4294967301:", 5, False),
        ("4294967290:4294967301:4294967300", 4, False),
    ],
)
def test_a_snapshot_sees_what_had_ended(snapshot: str, xid: int, *, sees: bool) -> None:
    assert Snapshot.parse(snapshot).sees(xid) is sees
