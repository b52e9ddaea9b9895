"""C and Go read it at exec(): the command is started again when it lacks some."""

from __future__ import annotations

import os
import sys

import pytest

from connector.environment import ENVIRONMENT, ensure


def test_what_is_missing_is_added_and_what_the_operator_chose_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: started.append(call))

    ensure({"GOGC": "200", "PATH": "/bin"})

    [(program, command, environ)] = started
    assert (program, command[0]) == (sys.executable, sys.executable)
    assert command[1:] == sys.orig_argv[1:]
    assert environ == {**ENVIRONMENT, "GOGC": "200", "PATH": "/bin"}


def test_nothing_happens_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("started again"))

    ensure(ENVIRONMENT)
