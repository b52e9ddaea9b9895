import pytest

from devstack.supabase.gateway.realtime.scram import ScramClient, ScramRefused

# The exchange printed in RFC 7677, section 3.
NONCE = "rOprNGfwEbeRWgbNEkqO"
BOTH = f"{NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = f"r={BOTH},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_the_exchange_is_that_of_the_standard() -> None:
    client = ScramClient("pencil", user="user", nonce=NONCE)

    assert client.first() == f"n,,n=user,r={NONCE}"
    assert client.final(SERVER_FIRST) == f"c=biws,r={BOTH},p={PROOF}"
    client.verify(SERVER_FINAL)


def test_a_server_that_changes_the_nonce_is_refused() -> None:
    with pytest.raises(ScramRefused):
        ScramClient("pencil", nonce="another").final(SERVER_FIRST)


def test_a_server_that_does_not_know_the_password_is_refused() -> None:
    client = ScramClient("pencils", user="user", nonce=NONCE)
    client.final(SERVER_FIRST)

    with pytest.raises(ScramRefused):
        client.verify(SERVER_FINAL)
