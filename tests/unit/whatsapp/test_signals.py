from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.whatsapp.event_codes import STORED, Code
from connector.adapters.whatsapp.process.signals import own_addresses, worker_event
from connector.adapters.whatsapp.protobufs import events
from connector.domain.addresses import Jid
from connector.ports import Signal, WorkerEvent
from tests.unit.whatsapp.neonize_events import ANA_LID, NOW, jid

REASON = events.ConnectFailureReason


@pytest.mark.parametrize(
    ("reason", "code"),
    [("LOGGED_OUT", 401), ("MAIN_DEVICE_GONE", 403), ("UNKNOWN_LOGOUT", 406)],
)
def test_a_refused_login_says_why(reason: str, code: int) -> None:
    raw = events.LoggedOut(OnConnect=True, Reason=REASON.Value(reason))

    assert worker_event(Code.LOGGED_OUT, raw.SerializeToString(), NOW) == WorkerEvent(
        signal=Signal.LOGGED_OUT, code=code, on_connect=True
    )


def test_an_unlinked_device_is_logged_out_while_connected() -> None:
    raw = events.LoggedOut(OnConnect=False, Reason=REASON.Value("GENERIC"))

    assert worker_event(Code.LOGGED_OUT, raw.SerializeToString(), NOW) == WorkerEvent(
        signal=Signal.LOGGED_OUT, code=401
    )


def test_a_ban_has_whatsapps_code_and_an_end() -> None:
    ban = events.TemporaryBan(
        Code=events.TemporaryBan.SEND_TO_TOO_MANY_PEOPLE, Expire=3600
    )

    assert worker_event(
        Code.TEMPORARY_BAN, ban.SerializeToString(), NOW
    ) == WorkerEvent(signal=Signal.BANNED, code=101, until=NOW + timedelta(hours=1))


def test_a_stream_error_has_its_code_only_when_it_is_one() -> None:
    for told, code in (("503", 503), ("nonsense", None), ("9" * 40, None)):
        raw = events.StreamError(Code=told, Raw=events.Node(Tag="x"))
        event = worker_event(Code.STREAM_ERROR, raw.SerializeToString(), NOW)
        assert event == WorkerEvent(signal=Signal.STREAM_ERROR, code=code)


def test_the_device_event_says_whose_number_it_is() -> None:
    device = events.Device(
        JID=jid("5511912345678:3@s.whatsapp.net"),
        LID=jid(ANA_LID),
        Platform="",
        BussinessName="",
        PushName="Ana",
        Initialized=True,
    )

    assert own_addresses(device.SerializeToString()) == WorkerEvent(
        signal=Signal.CONNECTED,
        jid=Jid.parse("5511912345678@s.whatsapp.net"),
        lid=Jid.parse(ANA_LID),
        push_name="Ana",
    )


@given(st.sampled_from(sorted(set(Code) - STORED)), st.binary(max_size=200))
def test_a_malformed_event_still_counts_for_its_code(code: Code, raw: bytes) -> None:
    worker_event(code, raw, NOW)
    own_addresses(raw)
