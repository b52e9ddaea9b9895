from __future__ import annotations

import base64
from pathlib import Path

import pytest

from connector.errors import InvalidSetting
from connector.settings import Settings

KEY = base64.b64encode(bytes(range(32))).decode()
OLD_KEY = base64.b64encode(bytes(32)).decode()
COMPLETE = {
    "SUPABASE_URL": "http://127.0.0.1:54321/",
    "SUPABASE_SECRET_KEY": "sb_secret_invented",
    "WA_STATE_KEY": KEY,
}


def jwt(claims: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


def complaint(**changes: str) -> str:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment(COMPLETE | changes)
    return str(caught.value)


def test_three_variables_are_enough() -> None:
    settings = Settings.from_environment(COMPLETE)

    assert settings.supabase_url == "http://127.0.0.1:54321"
    assert settings.state_keys == (bytes(range(32)),)
    assert settings.data_directory == Path("/data")
    assert (settings.max_sessions, settings.lease_seconds) == (None, 30.0)
    assert (settings.poll_seconds, settings.poll_blind_seconds) == (15.0, 2.0)
    assert settings.spool_limit_bytes == 512 * 1024 * 1024
    assert (settings.fetch_media, settings.media_limit_bytes) == (True, 100 * 1024**2)
    assert settings.send_limit_bytes == 32 * 1024**2
    assert settings.trusted_url_hosts == frozenset()
    assert settings.log_level == "info"
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9091)


def test_every_other_variable_changes_something() -> None:
    settings = Settings.from_environment(
        COMPLETE
        | {
            "WA_STATE_KEY": f"{KEY}, {OLD_KEY}",
            "WA_DATA_DIR": "/tmp/zapbase",  # noqa: S108 - never created
            "WA_MAX_SESSIONS": "3",
            "WA_LEASE_SECONDS": "12.5",
            "WA_POLL_SECONDS": "5",
            "WA_POLL_BLIND_SECONDS": "0.5",
            "WA_LOG_LEVEL": "DEBUG",
            "WA_METRICS_PORT": "Off",
            "WA_METRICS_HOST": "::",
            "WA_SPOOL_LIMIT_MB": "1",
            "WA_MEDIA": "Off",
            "WA_MEDIA_LIMIT_MB": "2",
            "WA_SEND_LIMIT_MB": "3",
            "WA_TRUSTED_URL_HOSTS": "Files.internal, 10.0.0.7:8443,[fd00::1]:443,",
        }
    )

    assert settings.state_keys == (bytes(range(32)), bytes(32))
    assert settings.data_directory == Path("/tmp/zapbase")  # noqa: S108 - the same
    assert (settings.max_sessions, settings.lease_seconds) == (3, 12.5)
    assert (settings.poll_seconds, settings.poll_blind_seconds) == (5.0, 0.5)
    assert settings.log_level == "debug"
    assert (settings.metrics_host, settings.metrics_port) == ("::", None)
    assert settings.spool_limit_bytes == 1024 * 1024
    assert (settings.fetch_media, settings.media_limit_bytes) == (False, 2 * 1024**2)
    assert settings.send_limit_bytes == 3 * 1024**2
    assert settings.trusted_url_hosts == {
        "files.internal",
        "10.0.0.7:8443",
        "[fd00::1]:443",
    }


@pytest.mark.parametrize("name", sorted(COMPLETE))
@pytest.mark.parametrize("value", ["", "  "])
def test_a_missing_variable_is_named_with_its_cure(name: str, value: str) -> None:
    sentence = complaint(**{name: value})

    assert sentence.startswith(f"{name} is not set: set it to ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_as_many_numbers_as_there_is_memory_for_may_be_asked_for_by_name() -> None:
    settings = Settings.from_environment({**COMPLETE, "WA_MAX_SESSIONS": "Auto"})

    assert settings.max_sessions is None


def test_several_problems_are_all_named() -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment({"WA_MAX_SESSIONS": "many"})

    names = [line.split()[0] for line in str(caught.value).splitlines()]
    assert names == [*COMPLETE, "WA_MAX_SESSIONS"]


MALFORMED = [
    ("SUPABASE_URL", "wxyz.supabase.co", "is not a project's URL"),
    ("SUPABASE_URL", "postgres://wxyz", "is not a project's URL"),
    ("SUPABASE_URL", "http://[::1", "is not a project's URL"),
    ("SUPABASE_URL", "http://wxyz:99999", "is not a project's URL"),
    ("SUPABASE_URL", "http://wx yz", "is not a project's URL"),
    ("SUPABASE_URL", "https://a:wxyz@host", "is not a project's URL"),
    (
        "SUPABASE_URL",
        "https://wxyz.supabase.co/rest/v1/",
        "is not a project's URL",
    ),
    (
        "SUPABASE_URL",
        "https://supabase.com/dashboard/project/wxyz",
        "is not a project's URL",
    ),
    ("SUPABASE_SECRET_KEY", "sb_publishable_x", "is a publishable key"),
    ("SUPABASE_SECRET_KEY", "two words", "is not a key"),
    ("SUPABASE_SECRET_KEY", jwt(b'{"role":"anon"}'), "is a key for anon"),
    ("WA_STATE_KEY", "not base64!", "not 32 bytes"),
    ("WA_STATE_KEY", "c2hvcnQ=", "not 32 bytes"),
    ("WA_STATE_KEY", f"{KEY},", "not 32 bytes"),
    ("WA_MAX_SESSIONS", "0", "a whole number from 1 to 1000, or auto"),
    ("WA_MAX_SESSIONS", "1.5", "a whole number from 1 to 1000"),
    ("WA_LEASE_SECONDS", "5", "a number of seconds from 10 to 600"),
    ("WA_POLL_SECONDS", "nan", "a number of seconds from 0.1 to 300"),
    ("WA_POLL_BLIND_SECONDS", "soon", "a number of seconds from 0.1 to 300"),
    ("WA_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    ("WA_SPOOL_LIMIT_MB", "-1", "a whole number from 1 to 1000000"),
    ("WA_MEDIA", "maybe", "must be on or off"),
    ("WA_MEDIA_LIMIT_MB", "all", "a whole number from 1 to 1000000"),
    ("WA_TRUSTED_URL_HOSTS", "https://files", "must be host names"),
    ("WA_TRUSTED_URL_HOSTS", "a b", "must be host names"),
]


def test_a_malformed_value_is_named_but_not_quoted() -> None:
    for name, value, words in MALFORMED:
        sentence = complaint(**{name: value})

        assert sentence.startswith(f"{name} "), (name, value)
        assert words in sentence, (name, value)
        assert len(value) < len("secret") or value not in sentence, (name, value)


@pytest.mark.parametrize(
    "key",
    [
        jwt(b'{"role":"service_role","ref":"wxyz"}'),
        jwt(b'{"role":"a_role_of_the_project"}'),
        jwt(b"[]"),
        jwt(b"no json"),
        "e30.$.x",
        "sb_secret_a.b.c",
    ],
)
def test_any_key_that_may_be_a_secret_one_is_left_to_supabase(key: str) -> None:
    settings = Settings.from_environment(COMPLETE | {"SUPABASE_SECRET_KEY": key})

    assert settings.supabase_secret_key == key


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings.from_environment(COMPLETE)

    assert "invented" not in repr(settings)
