"""`zapbase spool`: what was set aside is listed, closed, and can be had back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import cli
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool.writer import HighWater, connect
from connector.adapters.whatsapp.store.orphans import set_aside
from tests.contract.spool.both_halves import Spool, at_most, texts
from tests.unit.whatsapp.neonize_events import history_event, message

NOBODY = 65534


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sessions").mkdir()
    monkeypatch.setenv("WA_DATA_DIR", str(tmp_path))
    for name in ("SUPABASE_URL", "SUPABASE_SECRET_KEY", "WA_STATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def ana(data: Path) -> Iterator[Spool]:
    (data / "sessions" / "ana").mkdir()
    spool = Spool(data / "sessions" / "ana")
    yield spool
    spool.close()


async def refuse(spool: Spool, *bodies: str) -> None:
    """Let Supabase refuse these messages."""
    writer = spool.writer()
    for body in bodies:
        writer.append(Code.MESSAGE, message(body, id=body))
        batch = await spool.reader.read(at_most(1))
        assert batch is not None
        await spool.reader.reject(batch, "code 23514")


def run(*arguments: str) -> int:
    return cli.main(["spool", *arguments])


def listed(capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run("list", "--json") == 0
    return json.loads(capsys.readouterr().out)["sessions"]


async def test_what_waits_and_what_was_set_aside_is_listed(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "not for your eyes")
    ana.writer().append(Code.MESSAGE, message("nor this"))
    ana.writer().append(Code.HISTORY_SYNC, history_event())

    assert run("list") == 0

    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == [
        "SESSION",
        "LIVE",
        "HISTORY",
        "SIZE",
        "OLDEST",
        "DEAD",
        "LETTERS",
    ]
    assert lines[1][:3] == ["ana", "1", "1"]
    assert lines[1][-1] == "1"
    assert lines[-1][:2] == ["1", "message"]
    assert lines[-1][-2:] == ["code", "23514"]
    assert "eyes" not in said


async def test_programs_read_the_list_as_json(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one")
    ana.writer().append(Code.MESSAGE, message("two"))

    [session] = listed(capsys)

    assert session["session_id"] == "ana"
    assert (session["live"], session["history"]) == (1, 0)
    assert session["bytes"] > 0
    assert session["oldest_at"].endswith("+00:00")
    [letter] = session["dead_letters"]
    assert letter.pop("received_at").endswith("+00:00")
    assert letter.pop("bytes") > 0
    assert letter == {"id": 1, "event": "message", "reason": "code 23514"}


async def test_replaying_puts_dead_letters_behind_what_waits(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one", "two")
    writer = ana.writer()
    writer.append(Code.MESSAGE, message("waited", id="W"))

    assert run("replay") == 0
    writer.append(Code.MESSAGE, message("came later", id="L"))

    assert "Session ana: 2 dead letters are back" in capsys.readouterr().out
    batch = await ana.reader.read(at_most(10))
    assert texts(batch) == ["waited", "one", "two", "came later"]
    assert listed(capsys)[0]["dead_letters"] == []


async def test_one_dead_letter_can_be_replayed_alone(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one", "two")

    assert run("replay", "--session", "ana", "--id", "2") == 0

    assert texts(await ana.reader.read(at_most(10))) == ["two"]
    assert [letter["id"] for letter in listed(capsys)[0]["dead_letters"]] == [1]


async def test_what_is_discarded_is_gone_and_gives_its_room_back(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "x" * 100_000)
    narrow = HighWater(spool_bytes=90_000, free_bytes=0)
    assert not ana.writer(high_water=narrow).has_room()

    assert run("discard", "--session", "ana", "--yes") == 0

    assert capsys.readouterr().out == "Session ana: 1 dead letter dropped.\n"
    assert listed(capsys)[0]["dead_letters"] == []
    assert ana.writer(high_water=narrow).has_room()
    assert await ana.reader.depth() == 0


async def test_one_dead_letter_can_be_discarded_alone(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one", "two")
    ana.writer().append(Code.MESSAGE, message("waits", id="W"))

    assert run("discard", "--session", "ana", "--id", "1", "--yes") == 0

    [session] = listed(capsys)
    assert [letter["id"] for letter in session["dead_letters"]] == [2]
    assert texts(await ana.reader.read(at_most(10))) == ["waits"]


async def test_nothing_is_discarded_unless_somebody_is_sure(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one", "two")

    assert run("discard", "--session", "ana") == 2

    assert "2 dead letters of session ana for good" in capsys.readouterr().err
    assert len(listed(capsys)[0]["dead_letters"]) == 2


async def test_what_is_refused_again_is_a_dead_letter_again(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one")
    run("replay")
    batch = await ana.reader.read(at_most(1))
    assert batch is not None

    await ana.reader.reject(batch, "code 23514")

    assert [letter["id"] for letter in listed(capsys)[0]["dead_letters"]] == [2]


async def test_a_replay_for_which_there_is_no_room_changes_nothing(
    ana: Spool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "x" * 100_000)

    def full(path: Path) -> Any:
        connection = connect(path)
        connection.execute("vacuum")
        connection.execute("pragma max_page_count = 1")  # as many as there are
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("connector.adapters.whatsapp.spool.overview.connect", full)
        assert run("replay") == 1

    assert "Nothing of session ana was replayed" in capsys.readouterr().err
    assert len(listed(capsys)[0]["dead_letters"]) == 1
    assert await ana.reader.depth() == 0


async def test_dead_letters_of_an_earlier_release_are_taken_along(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one")
    ana.reader.close()
    connection = connect(ana.path)
    connection.executescript(
        """
        create table earlier (seq integer primary key, code integer not null,
          term integer not null, received_at integer not null, reason text not null,
          body blob not null);
        insert into earlier (code, term, received_at, reason, body)
        select code, term, received_at, reason, body from dead_letters;
        drop table dead_letters;
        alter table earlier rename to dead_letters;
        """
    )
    connection.close()

    assert len(listed(capsys)[0]["dead_letters"]) == 1
    assert run("replay") == 0

    assert texts(await ana.reader.read(at_most(10))) == ["one"]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("replay",), 1, "Nothing to replay: there is no dead letter."),
        (("replay", "--id", "7"), 1, "Nothing to replay: there is no dead letter 7."),
        (("replay", "--session", "bob"), 2, "No session bob has a spool"),
        (("list", "--session", "../.."), 2, "No session ../.. has a spool"),
        (("discard", "--session", "bob"), 2, "No session bob has a spool"),
    ],
)
def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    assert run(*arguments) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_without_a_spool_the_list_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert capsys.readouterr().out == "No session has a spool here.\n"


async def test_there_may_be_nothing_to_discard(
    ana: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    ana.writer()

    assert run("discard", "--session", "ana", "--id", "7", "--yes") == 1

    said = capsys.readouterr().err
    assert said == "Nothing to discard: there is no dead letter 7.\n"


async def test_an_id_that_several_sessions_have_needs_the_session(
    ana: Spool, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "sessions" / "bob").mkdir()
    bob = Spool(data / "sessions" / "bob")
    await refuse(ana, "one")
    await refuse(bob, "two")
    bob.close()

    assert run("replay", "--id", "1") == 2
    assert "--session" in capsys.readouterr().err
    assert run("replay") == 0
    assert capsys.readouterr().out.count("1 dead letter is back") == 2


@pytest.mark.parametrize("folder", ["nowhere", "somewhere else"])
def test_a_wrong_folder_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
) -> None:
    (tmp_path / "somewhere else").mkdir()
    monkeypatch.setenv("WA_DATA_DIR", str(tmp_path / folder))

    assert run("list") == 2

    said = capsys.readouterr().err
    assert folder in said
    assert "WA_DATA_DIR" in said


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("number", ["0", "-1", "one"])
def test_an_id_is_a_number_from_the_list(number: str) -> None:
    with pytest.raises(SystemExit) as left:
        run("replay", "--id", number)

    assert left.value.code == 2


async def test_what_a_deleted_session_left_is_listed_and_can_be_dropped(
    ana: Spool, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await refuse(ana, "one")
    ana.writer().append(Code.MESSAGE, message("two"))
    ana.close()
    set_aside(data, data / "sessions" / "ana")

    assert run("list") == 0
    said = capsys.readouterr().out
    assert "No session has a spool here." in said
    assert "Left by deleted sessions, and removed 7 days after that:" in said
    assert said.splitlines()[-1].split()[:3] == ["ana", "1", "1"]
    assert run("list", "--session", "ana", "--json") == 0
    [left] = json.loads(capsys.readouterr().out)["deleted"]
    assert (left["waiting"], left["dead_letters"]) == (1, 1)
    assert left["deleted_at"] < left["removed_after"]

    assert run("discard", "--session", "ana") == 2
    assert "add --yes" in capsys.readouterr().err
    assert run("discard", "--session", "ana", "--yes") == 0
    assert "2 events dropped" in capsys.readouterr().out
    assert list((data / "orphaned").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_writes_nothing_that_would_be_closed_to_the_connector() -> None:
    act = (
        "import os; from connector.commands import become_connector, data_folder;"
        "become_connector(data_folder(os.environ));"
        "(data_folder(os.environ) / 'rewritten').touch()"
    )
    with tempfile.TemporaryDirectory() as name:
        holder = Path(name) / "holder"
        holder.touch()
        for path in (name, holder):
            os.chown(path, NOBODY, NOBODY)

        subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", act],
            check=True,
            env={**os.environ, "WA_DATA_DIR": name},
        )

        assert (Path(name) / "rewritten").stat().st_uid == NOBODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_root_without_rights_is_told_whose_command_it_is(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "holder").touch()
    os.chown(data / "holder", NOBODY, NOBODY)

    def refuse_all(_groups: list[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setgroups", refuse_all)

    assert run("list") == 2
    assert f"as that user (its number is {NOBODY})" in capsys.readouterr().err
