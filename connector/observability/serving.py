"""`/metrics` and `/healthz`, from threads of their own (docs/decisions/0014).

For the private network: no TLS, no key, and nothing in it that needs one. Bounded all
the same: four connections at once, five seconds for each read, one request a connection.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

MOST_CONNECTIONS: Final = 4
READ_WITHIN: Final = 5.0

Health: TypeAlias = Callable[[], tuple[int, Mapping[str, Any]]]
_Application: TypeAlias = Callable[[dict[str, Any], Any], Iterable[bytes]]
_PHRASES: Final = {200: "200 OK", 404: "404 Not Found", 405: "405 Method Not Allowed"}


class FiguresServer:
    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, health: Health
    ) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        kind = _IPv6Server if ipaddress.ip_address(host).version == 6 else _Server  # noqa: PLR2004
        self._server = kind((host, port), _Handler)
        self._server.set_app(_application(make_wsgi_app(registry), health))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="figures", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are not waited for."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        # Not http.server's: that asks the resolver for our name, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked is gone, or too slow: nobody needs to read of it."""


class _IPv6Server(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = READ_WITHIN

    def log_message(self, *_: Any) -> None:
        """Requests are not worth a line."""


def _application(metrics: Any, health: Health) -> _Application:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if method != "GET":
            return _say(start_response, 405, {"error": "only GET"})
        if path == "/metrics":
            answered: Iterable[bytes] = metrics(environ, start_response)
            return answered
        if path == "/healthz":
            return _say(start_response, *health())
        return _say(start_response, 404, {"error": "see /metrics and /healthz"})

    return answer


def _say(start_response: Any, code: int, body: Mapping[str, Any]) -> Iterable[bytes]:
    text = json.dumps(body).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
    ]
    start_response(_PHRASES.get(code, f"{code} Service Unavailable"), headers)
    return [text]
