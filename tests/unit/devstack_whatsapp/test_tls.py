from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from devstack.whatsapp.wire.tls import issue


def test_a_client_with_the_bundle_trusts_us_and_the_public_authorities(
    tmp_path: Path,
) -> None:
    tls = issue(tmp_path)
    trusting = ssl.create_default_context(cafile=tls.ca_bundle)
    public = ssl.create_default_context(cafile=certifi.where())

    shake_hands(tls.context, trusting, "web.whatsapp.com")
    shake_hands(tls.context, trusting, "mmg.whatsapp.net")

    everybody = {cert["serialNumber"] for cert in trusting.get_ca_certs()}
    assert everybody > {cert["serialNumber"] for cert in public.get_ca_certs()}


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str) -> None:
    """In memory; raises ssl.SSLError when either side refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=hostname)
    waiting = {theirs, ours}
    while waiting:
        for side in (theirs, ours):
            try:
                side.do_handshake()
                waiting.discard(side)
            except ssl.SSLWantReadError:
                pass
