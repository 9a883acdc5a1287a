"""State of local AWS that outlives a run: every request that changed something, written down and done again.

moto keeps everything in memory and has no way of saving it. So each request that was answered with success,
and that does not only read, is appended to a file before its answer goes out, and repeated, in order, at the
next start. Each is done with a random seed of its own, which is written down with it, so that ids that moto
draws (the suffix of a secret's ARN, version ids) come out the same.

What does not survive: dates (creation dates are those of the repetition), sessions of STS, and what moto does
by the clock. Log events keep their own time; CloudWatch's limit of 14 days holds for them at the next start.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

JOURNAL_NAME: Final = "requests.jsonl"

_READS: Final = re.compile(
    r"(?:Get|List|Describe|BatchGet|Head|Filter|Query|Scan|Search|Lookup|Select|Simulate|Test|Validate)"
    r"(?=[A-Z]|$)|Decode|AssumeRole"
)
_NOT_KEPT: Final = ("HTTP_COOKIE", "HTTP_X_AMZ_SECURITY_TOKEN", "HTTP_TRANSFER_ENCODING")
_KEPT: Final = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_URI", "CONTENT_TYPE")

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class JournalError(Exception):
    """A state folder that cannot be used. The message says which, why, and what to do."""


def only_reads(method: str, target: str, body: bytes) -> bool:
    """Say whether a request leaves everything as it is.

    Args:
        method: HTTP method.
        target: X-Amz-Target, or "".
        body: the body; services with form parameters name their action there.
    """
    if method in ("GET", "HEAD", "OPTIONS"):
        return True
    action = target.rpartition(".")[2]
    if not action and (match := re.search(rb"(?:^|&)Action=(\w+)", body[:65536])) is not None:
        action = match[1].decode()
    return bool(action) and _READS.match(action) is not None


class Journal:
    """WSGI middleware over moto that writes requests down and repeats them.

    Args:
        application: moto.
        folder: where the file is; made if it does not exist, for the user alone: it holds secrets.
        seed_random: seeds moto's source of random ids.

    Raises:
        JournalError: the folder cannot be used, or another process uses it.
    """

    def __init__(self, application: Application, folder: Path, seed_random: Callable[[int], None]) -> None:
        self._application = application
        self._seed_random = seed_random
        self._lock = threading.Lock()
        self._path = path = folder / JOURNAL_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise JournalError(f"cannot keep the state of local AWS in {folder}: {error.strerror}") from error
        self._file = os.fdopen(descriptor, "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise JournalError(
                f"the state of local AWS in {folder} is in use by another run of pillion: "
                "end that one, or choose another folder with --aws-state"
            ) from error

    def replay(self) -> int:
        """Do again what was done; return how many requests that was.

        Raises:
            JournalError: the file is damaged, other than by a last line that was cut off.
        """
        count = 0
        whole_bytes = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break  # the process died while it wrote this one, before it answered
            try:
                entry = json.loads(line)
                environ, seed = _environ(entry), int(entry["seed"])
            except (ValueError, KeyError, TypeError) as error:
                raise JournalError(
                    f"{self._path}: line {number} cannot be read. Remove it, or the whole file to begin anew"
                ) from error
            self._seed_random(seed)
            for _ in self._application(environ, _ignore_status):
                pass
            count += 1
            whole_bytes += len(line)
        self._file.truncate(whole_bytes)
        self._file.seek(0, os.SEEK_END)
        return count

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, and write it down if it changed anything."""
        body = read_body(environ)
        method, target = environ["REQUEST_METHOD"], environ.get("HTTP_X_AMZ_TARGET", "")
        if only_reads(method, target, body):
            return self._application(environ, start_response)
        with self._lock:  # the order of the file is the order in which things happened
            return list(self._perform(environ, start_response, body))

    def _perform(self, environ: Environ, start_response: Callable[..., Any], body: bytes) -> Iterator[bytes]:
        seed = int.from_bytes(os.urandom(8))
        entry = _entry(environ, body, seed)  # before moto can change the environ
        statuses: list[str] = []

        def note_status(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            statuses.append(status)
            return start_response(status, headers, *rest)

        self._seed_random(seed)
        answer = b"".join(self._application(environ, note_status))
        if statuses and statuses[-1][0] in "23":
            self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
            self._file.flush()
        yield answer


def read_body(environ: Environ) -> bytes:
    """Read the whole body of a request and put it back, so that it can be read again."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    replace_body(environ, body)
    return body


def replace_body(environ: Environ, body: bytes) -> None:
    """Give a request this body."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _ignore_status(status: str, headers: list[tuple[str, str]], *rest: object) -> None:
    """Nobody waits for the answer of a repeated request."""


def _entry(environ: Environ, body: bytes, seed: int) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in environ.items()
        if key in _KEPT or (key.startswith(("HTTP_", "moto.")) and key not in _NOT_KEPT)
    }
    entry: dict[str, Any] = {"seed": seed, "environ": kept}
    with contextlib.suppress(UnicodeDecodeError):
        return {**entry, "text": body.decode()}
    return {**entry, "base64": base64.b64encode(body).decode()}


def _environ(entry: dict[str, Any]) -> Environ:
    body = entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"])
    environ: Environ = {
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **entry["environ"],
    }
    replace_body(environ, body)
    return environ
