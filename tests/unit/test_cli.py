from __future__ import annotations

import pytest

from connector import __version__, cli


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"zapbase {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["dance"], ["run", "--faster"]])
def test_a_wrong_command_exits_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)

    assert left.value.code == 2
    assert "usage: zapbase" in capsys.readouterr().err


def test_wrong_settings_are_said_on_stderr_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SUPABASE_URL", "SUPABASE_SECRET_KEY", "WA_STATE_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert cli.main(["run"]) == 2
    assert capsys.readouterr().err.count("is not set") == 3
