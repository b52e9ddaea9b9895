"""`python -m devstack.supabase.gateway`: serve until told to stop."""

from __future__ import annotations

import logging

import uvicorn

from devstack.supabase.gateway.app import create_app
from devstack.supabase.gateway.config import GatewayConfig

# Between a browser's reload and a slow laptop; the phone-home of a socket is 25-30 s.
WEBSOCKET_PING_SECONDS = 20.0
LARGEST_FRAME = 4 * 1024 * 1024
SHUTDOWN_SECONDS = 3


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    config = GatewayConfig.from_environment()
    uvicorn.run(
        create_app(config),
        host=config.host,
        port=config.port,
        log_level="warning",
        access_log=False,  # query strings carry filters and keys
        ws_max_size=LARGEST_FRAME,
        ws_ping_interval=WEBSOCKET_PING_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
