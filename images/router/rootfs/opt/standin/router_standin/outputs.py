"""Outputs other than CloudWatch: stdout, file, null, forward. `deliver` blocks; each has its own thread."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgpack

from router_standin.cloudwatch import CloudWatch, DeliveryError, Entry
from router_standin.configuration import ConfigurationError, Section


class Output(Protocol):
    """Where records end."""

    def deliver(self, entries: list[Entry]) -> None:
        """Send records. Raises DeliveryError."""
        ...


def make_output(section: Section, log: Callable[[str, str], None]) -> Output:
    """Make the output that a section describes. Raises ConfigurationError."""
    match section.name:
        case "cloudwatch" | "cloudwatch_logs":
            return CloudWatch(section, log)
        case "stdout":
            return _Stdout(section)
        case "file":
            return _File(section)
        case "null":
            return _Null()
        case "forward":
            return _Forward(section)
        case name:
            raise ConfigurationError(
                f"[config] section '{name}' tried to instance a plugin name that doesn't exist"
            )


class _Null:
    def deliver(self, entries: list[Entry]) -> None:
        """Forget them."""


class _Stdout:
    def __init__(self, section: Section) -> None:
        self._json_lines = (section.get("Format") or "").lower() == "json_lines"

    def deliver(self, entries: list[Entry]) -> None:
        """Print them as Fluent Bit does."""
        for number, (tag, at_s, record) in enumerate(entries):
            if self._json_lines:
                line = json.dumps({"date": at_s, **record})
            else:
                fields = ", ".join(f"{json.dumps(key)}=>{json.dumps(value)}" for key, value in record.items())
                line = f"[{number}] {tag}: [[{at_s:.9f}, {{}}], {{{fields}}}]"
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class _File:
    def __init__(self, section: Section) -> None:
        self._folder, self._name = Path(section.get("Path") or "."), section.get("File")
        self._plain = (section.get("Format") or "").lower() == "plain"

    def deliver(self, entries: list[Entry]) -> None:
        """Append them to the file, or to one for each tag."""
        try:
            for tag, at_s, record in entries:
                text = json.dumps(record)
                with (self._folder / (self._name or tag)).open("a") as file:
                    file.write(f"{text}\n" if self._plain else f"{tag}: [{at_s:.9f}, {text}]\n")
        except OSError as error:
            raise DeliveryError(f"[output:file] {error}") from error


class _Forward:
    def __init__(self, section: Section) -> None:
        self._unix_path = section.get("Unix_Path")
        self._address = (section.get("Host") or "127.0.0.1", int(section.get("Port") or 24224))
        self._socket: socket.socket | None = None

    def deliver(self, entries: list[Entry]) -> None:
        """Send them in the forward protocol's second kind of message, one for each tag."""
        by_tag: dict[str, list[tuple[float, object]]] = {}
        for tag, at_s, record in entries:
            by_tag.setdefault(tag, []).append((at_s, record))
        try:
            self._socket = self._socket or self._connect()
            for tag, pairs in by_tag.items():
                self._socket.sendall(msgpack.packb([tag, pairs]))
        except OSError as error:
            self._socket = None
            raise DeliveryError(f"[output:forward] {error}") from error

    def _connect(self) -> socket.socket:
        if self._unix_path is None:
            return socket.create_connection(self._address, timeout=10)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._unix_path)
        return connection
