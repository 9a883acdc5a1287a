"""A web application that listens on localhost only: nobody reaches it but through the proxy beside it."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = ("127.0.0.1", 8080)


class Handler(BaseHTTPRequestHandler):
    """Answers with the headers that the proxy added on the way."""

    def do_GET(self) -> None:
        """Show path and headers as they arrived."""
        body = f"GET {self.path} as the application saw it:\n{self.headers}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log to standard output, as containers should, and leave out the health checks."""
        if self.path != "/health":
            print(f"{self.command} {self.path} -> {arguments[1]}")


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    print(f"listening on {ADDRESS[0]}:{ADDRESS[1]}")
    ThreadingHTTPServer(ADDRESS, Handler).serve_forever()


if __name__ == "__main__":
    main()
