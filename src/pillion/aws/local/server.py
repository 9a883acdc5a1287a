"""What runs in the process of local AWS. Started by `process`, with moto's own server inside.

The process says on its standard output where it listens, as one line of JSON, and lives until its standard
input ends: that is when pillion ends, however it does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from pillion.aws.local.journal import Application, Environ, Journal, JournalError, read_body, replace_body
from pillion.aws.local.names import rewrite_names

_REWRITTEN: Final = ("secretsmanager.", "AmazonSSM.")


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True  # werkzeug writes head and body apart; Nagle would hold the body back

    def log(self, *_: object) -> None:
        """Say nothing: nobody reads it."""


class _Names:
    """WSGI middleware that turns ARNs in requests into names."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith(_REWRITTEN):
            body = read_body(environ)
            region = _region(environ.get("HTTP_AUTHORIZATION", ""))
            try:
                document = json.loads(body or b"{}")
            except ValueError:
                document = None  # moto says what is wrong with it
            if rewrite_names(target, document, lambda service, name: _exists(service, name, region)):
                replace_body(environ, json.dumps(document).encode())
        return self._application(environ, start_response)


def _region(authorization: str) -> str:
    """Return the region of a signature: `... Credential=KEY/20260101/eu-west-1/ssm/aws4_request, ...`."""
    scope = authorization.partition("Credential=")[2].split("/")
    return scope[2] if len(scope) > 2 else "us-east-1"


def _exists(service: str, name: str, region: str) -> bool:
    if service == "secretsmanager":
        return name in get_backend("secretsmanager")[DEFAULT_ACCOUNT_ID][region].secrets
    return name in get_backend("ssm")[DEFAULT_ACCOUNT_ID][region]._parameters


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path)
    state: Path | None = parser.parse_args().state
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    # moto prints here and there; the line that pillion waits for has to stay alone.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    application: Application = _Names(DomainDispatcherApplication(create_backend_app))
    try:
        if state is not None:
            journal = Journal(application, state, mock_random.seed)
            journal.replay()
            application = journal
    except JournalError as error:
        print(json.dumps({"error": str(error)}), file=answer, flush=True)
        sys.exit(1)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), file=answer, flush=True)
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(0)  # threads may be in the middle of an answer that nobody waits for any more


if __name__ == "__main__":
    main()
