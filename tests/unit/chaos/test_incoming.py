"""What was said and what is stored: each story has one thing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from devstack.whatsapp import ClientReceipt, LinkedDevice, WhatsApp
from devstack.whatsapp.wire.nodes import PN, Jid
from tests.chaos.blows import Blow, Held
from tests.chaos.disturbances import Disturbance, Kind
from tests.chaos.incoming import ON_A_LOST_DISK, Hall, Received, judge
from tests.crashes.evidence import Receipts
from tests.crashes.oracle import Stored
from tests.crashes.rounds import WINDOW
from tests.crashes.talk import Kind as Said
from tests.crashes.talk import Utterance

DEVICE = cast("LinkedDevice", object())


class _Server:
    def __init__(self) -> None:
        self.receipts: list[ClientReceipt] = []


class Story:
    def __init__(self, *said: str) -> None:
        self._server = _Server()
        self._receipts = Receipts(cast("WhatsApp", self._server), DEVICE)
        self.said = [
            Utterance(one, Said.TEXT, one, "bob", "bob", f"says {one}") for one in said
        ]
        self.rows: list[dict[str, object]] = []
        self.blows: list[Blow] = []
        self.lost: set[str] = set()

    def confirmed(self, *ids: str, by: str = "first-1") -> None:
        place = Jid("1", PN)
        self._server.receipts += [
            ClientReceipt(DEVICE, "", (one,), place, None, by) for one in ids
        ]

    def stored(self, *ids: str, second: int = 0) -> None:
        self.rows += [
            {
                "whatsapp_id": one,
                "chat": "bob",
                "body": f"says {one}",
                "edited": False,
                "deleted": False,
                "sent_at": second,
                "seq": len(self.rows) + number,
            }
            for number, one in enumerate(ids)
        ]

    def killed(self, end: int | None, spooled: Sequence[str] = ()) -> None:
        disturbance = Disturbance(Kind.KILL_WORKER, 0, 0.0, at_its_connector=True)
        held = Held("s", end, frozenset(spooled))
        self.blows.append(Blow(1, disturbance, 0.0, held=[held]))

    def judged(self) -> Received:
        received = Received()
        hall = Hall(
            session_id="s",
            said=self.said,
            stored=Stored(self.rows, frozenset()),
            receipts=self._receipts,
            blows=self.blows,
            lost_disks=self.lost,
        )
        judge(received, hall)
        return received

    def found(self) -> dict[str, int]:
        return {
            name: len(notes) for name, notes in self.judged().defects().items() if notes
        }


def test_what_is_stored_once_and_in_order_is_right() -> None:
    story = Story("1", "2")
    story.stored("1", "2")

    assert story.found() == {}


def test_what_is_missing_without_a_kill_close_by_is_lost() -> None:
    story = Story("1")
    story.confirmed("1", *(f"other {n}" for n in range(WINDOW + 1)))
    story.killed(end=WINDOW + 1)
    story.killed(end=None)

    assert story.found() == {"said, unexplained": 1}

    story.killed(end=WINDOW)

    assert story.found() == {}
    assert story.judged().in_the_window == {"worker killed": 1}


def test_what_was_spooled_may_not_be_missing_unless_its_disk_is_lost() -> None:
    story = Story("1")
    story.confirmed("1")
    story.killed(end=0, spooled=["1"])

    assert story.found() == {"said, dropped": 1}

    story.lost.add("1")

    assert story.found() == {}
    assert story.judged().in_the_window == {ON_A_LOST_DISK: 1}


def test_what_is_stored_twice_or_out_of_order_is_a_defect() -> None:
    story = Story("1", "2", "3")
    story.stored("1", "1", "3", "2")

    assert story.found() == {"said, twice": 1, "said, disordered": 1}


def test_two_connectors_may_exchange_what_was_said_within_a_second() -> None:
    story = Story("1", "2")
    story.confirmed("1", by="first-1")
    story.confirmed("2", by="second-1")
    story.stored("2", "1")

    assert story.found() == {}
    assert len(story.judged().within_a_second) == 1


def test_what_nobody_said_is_wrong() -> None:
    story = Story("1")
    story.stored("1")
    story.rows[0]["body"] = "says 2"

    assert story.found() == {"said, wrong": 1}


def test_what_stays_unreadable_is_as_good_as_missing() -> None:
    """The placeholder is stored; what came for its retry receipt is not."""
    story = Story("1")
    story.stored("1")
    story.rows[0]["body"] = None

    assert story.found() == {"said, unexplained": 1}

    story.lost.add("1")

    assert story.found() == {}
    assert story.judged().in_the_window == {ON_A_LOST_DISK: 1}
