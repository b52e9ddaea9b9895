"""The oracle finds what it is there for: each story has one thing wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from devstack.whatsapp import HeardMessage, Person, WhatsApp
from devstack.whatsapp.messages import text_message
from tests.chaos.blows import Blow
from tests.chaos.disturbances import Disturbance, Kind
from tests.chaos.outgoing import Hearing, Post, Sent, judge
from tests.crashes.sends.letters import Letter


@dataclass
class Story:
    """Ana's letters to Bob, and what he heard of them."""

    ana: Person
    bob: Person
    letters: list[Letter] = field(default_factory=list)
    rows: dict[str, Mapping[str, object]] = field(default_factory=dict)
    blows: list[Blow] = field(default_factory=list)

    def letter(self, mark: str, state: str = "delivered", **row: object) -> None:
        self.letters.append(Letter(mark, "text", {"text": mark}, self.bob, mark))
        self.rows[mark] = {
            "seq": len(self.letters),
            "state": state,
            "status": "delivered",
            "whatsapp_id": f"3EB0{mark}",
            "claim_term": 1,
            "claimed_at": 100.0,
            "updated_at": 110.0,
            **row,
        }

    def hears(self, *marks: str, under: str = "3EB0") -> None:
        for mark in marks:
            message = text_message(mark)
            self.bob.heard.append(
                HeardMessage(self.ana, f"{under}{mark}", mark, self.ana, message)
            )

    def struck(self, kind: Kind, begun: float, ended: float, caller: str = "a") -> None:
        disturbance = Disturbance(kind, 0, ended - begun, at_its_connector=True)
        self.blows.append(Blow(1, disturbance, begun, caller=caller, ended=ended))

    def judged(self, callers: Sequence[str] = ("a", "b")) -> Sent:
        sent = Sent()
        post = Post(
            session_id="s",
            owner=self.ana,
            letters=self.letters,
            raced={"3EB0raced"},
            asked_again={"3EB0unread"},
            rows=self.rows,
            blows=self.blows,
            caller_at=lambda term: callers[term - 1],
        )
        judge(sent, post, Hearing([self.bob], self.ana))
        return sent

    def found(self) -> dict[str, int]:
        defects = self.judged().defects()
        return {name: len(notes) for name, notes in defects.items() if notes}


def _story() -> Story:
    whatsapp = WhatsApp(cast("object", None))  # type: ignore[arg-type]  # it never listens
    ana = whatsapp.person("5511900000001", "Ana")
    story = Story(ana, whatsapp.person("5511900000002", "Bob"))
    story.bob.receipts = "none"
    return story


def test_what_is_heard_once_and_in_order_is_right() -> None:
    story = _story()
    story.letter("one")
    story.letter("two")
    story.hears("one", "two")

    assert story.found() == {}


def test_what_is_heard_under_two_ids_was_sent_twice() -> None:
    story = _story()
    story.letter("one")
    story.hears("one")
    story.hears("one", under="3EB1")

    assert story.found() == {"twice": 1, "mistaken": 1}


def test_what_is_said_to_be_sent_and_was_never_heard_is_lost() -> None:
    story = _story()
    story.letter("one")

    assert story.found() == {"unsent": 1}


def test_a_neighbours_id_is_told_apart_from_one_that_is_of_nothing_near() -> None:
    story = _story()
    story.letter("one", whatsapp_id="3EB0two")
    story.letter("two", whatsapp_id="3EB0one")
    story.letter("three", whatsapp_id="3EB0four")
    story.letter("four", whatsapp_id="3EB0three", claim_term=2)
    story.hears("one", "two", "three", "four")

    assert story.found() == {"mistaken": 2}
    assert len(story.judged().exchanged) == 2


def test_what_the_library_lost_between_two_of_its_own_is_told_apart() -> None:
    story = _story()
    story.letter("raced")
    story.letter("lost")

    assert story.found() == {"unsent": 1}
    assert len(story.judged().raced) == 1


def test_what_failed_or_was_never_inserted_or_never_ends_is_a_defect() -> None:
    story = _story()
    story.letter("one", "failed")
    story.letter("two", "queued")
    story.letter("three")
    del story.rows["three"]

    assert story.found() == {"failed": 2, "open": 1}


def test_what_overtakes_is_out_of_order() -> None:
    story = _story()
    story.letter("one")
    story.letter("two")
    story.hears("two", "one")

    assert story.found() == {"disordered": 1}


def test_what_a_phone_asked_for_again_may_come_after_what_it_could_read() -> None:
    story = _story()
    story.letter("unread")
    story.letter("two")
    story.hears("two", "unread")

    assert story.found() == {}
    assert len(story.judged().late) == 1


def test_what_was_on_its_way_when_another_took_over_may_come_late() -> None:
    story = _story()
    story.letter("one")
    story.letter("two", claim_term=2)
    story.hears("two", "one")
    story.struck(Kind.FREEZE_CONNECTOR, 101, 113)

    assert story.found() == {}
    assert len(story.judged().late) == 1


def test_a_row_in_doubt_needs_a_reason_that_met_its_sender() -> None:
    story = _story()
    story.letter("one", "uncertain")
    story.struck(Kind.KILL_GATEWAY, 101, 102)
    story.struck(Kind.KILL_WORKER, 101, 101, caller="b")
    story.struck(Kind.KILL_WORKER, 90, 91)

    assert story.found() == {"doubted": 1}

    story.struck(Kind.KILL_WORKER, 105, 105)

    assert story.found() == {}
    assert story.judged().in_doubt == {"worker killed": 1}
