"""The outputs cloudwatch (AWS's Go plugin) and cloudwatch_logs (Fluent Bit's own), to CloudWatch Logs.

cloudwatch_logs speaks TLS only, on port 443 unless `port` says otherwise, and finds extra CAs by their hashed
names in /etc/ssl/certs: what the real one does. Where AWS's host name is not mapped to a link-local address
and AWS_ENDPOINT_URL is set, that is used instead; the real one does not do this.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from router_standin.configuration import ConfigurationError, Section, is_on
from router_standin.filters import Record
from router_standin.signing import CredentialsError, CredentialsProvider, signed_headers

EVENTS_MAX = 10_000
BATCH_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
MESSAGE_BYTES_MAX = 1_000_000
CA_FOLDER = "/etc/ssl/certs"

_CORE_OPTIONS = frozenset(
    {"region", "log_group_name", "log_stream_name", "log_stream_prefix", "log_key", "log_format", "role_arn"}
    | {"external_id", "auto_create_group", "log_retention_days", "endpoint", "port", "sts_endpoint"}
    | {
        "extra_user_agent",
        "log_group_template",
        "log_stream_template",
        "metric_namespace",
        "metric_dimensions",
    }
    | {"auto_retry_requests", "profile", "log_group_class", "add_entity", "tls"}
)

Entry = tuple[str, float, Record]


class DeliveryError(Exception):
    """A batch that did not arrive; it may be tried again."""


@dataclass(frozen=True)
class Endpoint:
    """Where CloudWatch Logs is."""

    host: str
    port: int
    tls: bool
    verify: bool = True
    verify_name: bool = False


class CloudWatch:
    """One output section. `deliver` blocks, so it is called from a thread of its own."""

    def __init__(self, section: Section, log: Callable[[str, str], None]) -> None:
        self._go = section.name == "cloudwatch"
        label = f"{section.name}.0"
        if not self._go:
            if is_on(section.get("tls")):
                raise ConfigurationError(f"[config] {label} does not support TLS", 1)
            section.reject_unknown(_CORE_OPTIONS, label)
        self._region = _required(section, "region", label)
        self._group = _required(section, "log_group_name", label)
        self._stream, self._prefix = section.get("log_stream_name"), section.get("log_stream_prefix")
        if (self._stream is None) == (self._prefix is None):
            raise ConfigurationError(
                f"[{label}] Either 'log_stream_name' or 'log_stream_prefix' is required", 255
            )
        self._log_key = section.get("log_key")
        create = section.get("auto_create_group")
        # The Go plugin reads only true and false; On is its default, which is off.
        self._create_group = (create or "").lower() == "true" if self._go else is_on(create)
        self._section = section
        self._log = log
        self._credentials = CredentialsProvider()
        self._streams: set[str] = set()
        self._connection: http.client.HTTPConnection | None = None
        self._endpoint: Endpoint | None = None

    def deliver(self, entries: list[Entry]) -> None:
        """Send records. Raises DeliveryError; what was sent before it is sent again."""
        by_stream: dict[str, list[tuple[int, str]]] = {}
        for tag, at_s, record in entries:
            message = self._message(record)
            if message:
                stream = self._stream or f"{self._prefix}{tag}"
                by_stream.setdefault(stream, []).append((int(at_s * 1000), message))
        for stream, events in by_stream.items():
            self._ensure_stream(stream)
            events.sort(key=lambda event: event[0])
            for batch in _batches(events):
                self._call(
                    "PutLogEvents",
                    {
                        "logGroupName": self._group,
                        "logStreamName": stream,
                        "logEvents": [{"timestamp": at, "message": message} for at, message in batch],
                    },
                )

    def _message(self, record: Record) -> str:
        if self._log_key is not None:
            if self._log_key not in record:
                self._log("error", f"[output:{self._section.name}] Could not find log_key '{self._log_key}'")
                return ""
            value = record[self._log_key]
            text = value if isinstance(value, str) else json.dumps(value)
            return text.strip() if self._go else text
        if self._go:
            text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        return json.dumps(record, separators=(",", ":"))

    def _ensure_stream(self, stream: str) -> None:
        if stream in self._streams:
            return
        names = {"logGroupName": self._group, "logStreamName": stream}
        code = self._call("CreateLogStream", names, accept=("ResourceAlreadyExists", "ResourceNotFound"))
        if code.startswith("ResourceNotFound"):
            if not self._create_group:
                raise DeliveryError(f"log group {self._group} does not exist, and auto_create_group is off")
            self._call("CreateLogGroup", {"logGroupName": self._group}, accept=("ResourceAlreadyExists",))
            self._call("CreateLogStream", names, accept=("ResourceAlreadyExists",))
        self._streams.add(stream)

    def _call(self, operation: str, document: object, accept: tuple[str, ...] = ()) -> str:
        """Make a call; return its error code if that is one to accept, else ""."""
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        try:
            endpoint = self._endpoint = self._endpoint or self._find_endpoint()
            host = endpoint.host if endpoint.port in (80, 443) else f"{endpoint.host}:{endpoint.port}"
            headers = signed_headers(
                self._credentials.get(),
                host=host,
                region=self._region,
                service="logs",
                target=f"Logs_20140328.{operation}",
                body=body,
                at_s=time.time(),
            )
            status, answer = self._send(endpoint, body, headers)
        except CredentialsError as error:
            raise DeliveryError(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            raise DeliveryError(f"{operation}: {error}") from error
        if status == 200:
            return ""
        code, message = _error(answer)
        if code.startswith(accept) and accept:
            return code
        if code.startswith("ResourceNotFound"):
            self._streams.clear()
        raise DeliveryError(f"{operation}: HTTP {status} {code} {message}")

    def _send(self, endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        for is_last in (False, True):
            fresh = self._connection is None
            connection = self._connection = self._connection or _connect(endpoint)
            try:
                connection.request("POST", "/", body=body, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                self._connection = None
                if fresh or is_last:  # an idle connection that the other side closed is worth another try
                    raise
        raise AssertionError("the loop returns or raises")

    def _find_endpoint(self) -> Endpoint:
        given, verify = self._section.get("endpoint"), is_on(self._section.get("tls.verify"), default=True)
        verify_name = is_on(self._section.get("tls.verify_hostname"))
        port = int(self._section.get("port") or 443)
        if given is not None:
            if self._go:
                return _from_url(given)
            return Endpoint(given.removeprefix("https://"), port, True, verify, verify_name)
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        host = f"logs.{self._region}.{suffix}"
        url = os.environ.get("AWS_ENDPOINT_URL")
        if url and not _is_link_local(host):
            self._log("info", f"[output:{self._section.name}] stand-in: using AWS_ENDPOINT_URL {url}")
            return _from_url(url)
        return Endpoint(host, port, True, verify, verify_name)


def _required(section: Section, key: str, label: str) -> str:
    value = section.get(key)
    if value is None:
        raise ConfigurationError(f"[{label}] '{key}' is a required field", 255)
    return value


def _from_url(url: str) -> Endpoint:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    tls = parts.scheme == "https"
    return Endpoint(parts.hostname or "", parts.port or (443 if tls else 80), tls)


def _is_link_local(host: str) -> bool:
    try:
        return socket.gethostbyname(host).startswith("169.254.")
    except OSError:
        return False


def _connect(endpoint: Endpoint) -> http.client.HTTPConnection:
    if not endpoint.tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=30)
    context = ssl.create_default_context(capath=CA_FOLDER)
    context.check_hostname = endpoint.verify and endpoint.verify_name
    context.verify_mode = ssl.CERT_REQUIRED if endpoint.verify else ssl.CERT_NONE
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=30, context=context)


def _error(answer: bytes) -> tuple[str, str]:
    try:
        document: Any = json.loads(answer)
        return str(document.get("__type", "")).rpartition("#")[2], str(document.get("message", ""))
    except (ValueError, AttributeError):
        return "", answer[:200].decode(errors="replace")


def _batches(events: Iterable[tuple[int, str]]) -> Iterable[list[tuple[int, str]]]:
    batch: list[tuple[int, str]] = []
    size_bytes = 0
    for at_ms, text in events:
        data = text.encode("utf-8", "replace")
        message = (
            data[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore") if len(data) > MESSAGE_BYTES_MAX else text
        )
        length = min(len(data), MESSAGE_BYTES_MAX) + EVENT_OVERHEAD_BYTES
        if batch and (len(batch) == EVENTS_MAX or size_bytes + length > BATCH_BYTES_MAX):
            yield batch
            batch, size_bytes = [], 0
        batch.append((at_ms, message))
        size_bytes += length
    if batch:
        yield batch
