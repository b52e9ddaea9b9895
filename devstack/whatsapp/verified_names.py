"""The name under which a business is registered, which its messages carry."""

from __future__ import annotations

from devstack.whatsapp.network import unix_now
from devstack.whatsapp.wire.nodes import Attributes, Node
from devstack.whatsapp.wire.protobufs import Vname

Certificate = Vname.VerifiedNameCertificate


def verified_name(name: str) -> Node:
    """Unsigned: no client checks it."""
    details = Certificate.Details(serial=1, issuer="smb:wa", verifiedName=name)
    certificate = Certificate(details=details.SerializeToString())
    attrs: Attributes = {
        "v": 1,
        "verified_level": "unknown",
        "host_storage": 1,
        "actual_actors": 1,
        "privacy_mode_ts": unix_now(),
    }
    return Node("verified_name", attrs, certificate.SerializeToString())
