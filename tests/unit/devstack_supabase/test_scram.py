import pytest

from devstack.supabase.gateway.realtime.scram import ScramClient, ScramRefused

# The exchange printed in RFC 7677, section 3, but for its user name, which Postgres
# leaves empty: so only shapes and refusals can be compared.
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = (
    f"r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)


def test_the_answer_proves_the_password_without_telling_it() -> None:
    client = ScramClient("pencil", NONCE)

    assert client.first() == f"n,,n=,r={NONCE}"
    final = client.final(SERVER_FIRST)
    assert final.startswith(f"c=biws,r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=")
    assert "pencil" not in final
    assert final != ScramClient("pencils", NONCE).final(SERVER_FIRST)


def test_a_server_that_changes_the_nonce_is_refused() -> None:
    with pytest.raises(ScramRefused):
        ScramClient("pencil", "another").final(SERVER_FIRST)


def test_a_server_that_does_not_know_the_password_is_refused() -> None:
    client = ScramClient("pencil", NONCE)
    client.final(SERVER_FIRST)

    with pytest.raises(ScramRefused):
        client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
