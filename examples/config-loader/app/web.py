"""A web application that cannot start without its configuration, and cannot change it either."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = Path(os.environ.get("CONFIG_FILE", "/etc/app/app.json"))
ADDRESS = (os.environ.get("BIND", "0.0.0.0"), int(os.environ.get("PORT", "8080")))


class Handler(BaseHTTPRequestHandler):
    """Answers every GET with the greeting of the configuration."""

    greeting = ""

    def do_GET(self) -> None:
        """Greet, and say through whom the request came."""
        proxied = "x-request-id" in self.headers  # Envoy gives every request one
        answer = {"greeting": self.greeting, "path": self.path, "through_proxy": proxied}
        body = json.dumps(answer).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log to standard output, as containers should, and leave out the health checks."""
        if self.path != "/health":
            print(f"{self.command} {self.path} -> {arguments[1]}")


def main() -> None:
    """Read the configuration once, then serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    Handler.greeting = json.loads(CONFIG.read_text())["greeting"]
    print(f"read {CONFIG}; listening on {ADDRESS[0]}:{ADDRESS[1]}")
    ThreadingHTTPServer(ADDRESS, Handler).serve_forever()


if __name__ == "__main__":
    main()
