"""Inputs: the forward protocol over a unix socket and TCP, and JSON over TCP.

The forward protocol is described at github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1: a
stream of msgpack arrays, one of four kinds, told apart by their second element.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack

from router_standin.configuration import ConfigurationError, Section
from router_standin.filters import Record

Ingest = Callable[[str, float, Record], None]
"""Takes one record: tag, POSIX time, fields."""

Room = Callable[[], Awaitable[None]]
"""Waits until there is room for more records."""

_READ_BYTES = 256 * 1024


async def start_input(section: Section, number: int, ingest: Ingest, room: Room) -> asyncio.Server:
    """Listen as a section says. Raises ConfigurationError."""
    if section.name == "forward":
        handle = _forward_handler(section.get("Tag"), ingest, room)
    elif section.name == "tcp":
        handle = _json_handler(section.get("Tag") or f"tcp.{number}", ingest)
    else:
        raise ConfigurationError(
            f"[config] section '{section.name}' tried to instance a plugin name that doesn't exist"
        )
    path = section.get("unix_path")
    try:
        if path is not None:
            _remove_stale(path)
            return await asyncio.start_unix_server(handle, path)
        host = section.get("Listen") or "0.0.0.0"
        default = "24224" if section.name == "forward" else "5170"
        return await asyncio.start_server(handle, host, int(section.get("Port") or default))
    except OSError as error:
        raise ConfigurationError(f"[input:{section.name}] cannot listen: {error.strerror}", 255) from error


def _forward_handler(
    tag: str | None, ingest: Ingest, room: Room
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unpacker = new_unpacker()
        try:
            while data := await reader.read(_READ_BYTES):
                unpacker.feed(data)
                for message in unpacker:
                    for time_s, record in entries_of(message):
                        ingest(tag or message[0], time_s, record)
                    if (chunk := chunk_of(message)) is not None:
                        writer.write(msgpack.packb({"ack": chunk}))
                await room()
        except (ConnectionError, ValueError, TypeError, IndexError):
            pass  # a peer that vanished, or that does not speak the protocol: its connection ends
        finally:
            writer.close()

    return handle


def _remove_stale(path: str) -> None:
    """Remove the socket of a router that was killed."""
    Path(path).unlink(missing_ok=True)


def new_unpacker() -> msgpack.Unpacker:
    """Return an unpacker for what loggers send: texts of any bytes, times of the protocol's own type."""
    return msgpack.Unpacker(
        raw=False,
        unicode_errors="replace",
        strict_map_key=False,
        ext_hook=_ext,
        max_buffer_size=256 * 1024 * 1024,
    )


def entries_of(message: list[Any]) -> Iterator[tuple[float, Record]]:
    """Return the records of one message, whichever of the four kinds it is."""
    second = message[1]
    if isinstance(second, list):
        yield from ((_time(at), record) for at, record in second)
    elif isinstance(second, (bytes, str)):
        packed = second if isinstance(second, bytes) else second.encode("utf-8", "surrogateescape")
        options = message[2] if len(message) > 2 else {}
        if options.get("compressed") == "gzip":
            packed = gzip.decompress(packed)
        unpacker = new_unpacker()
        unpacker.feed(packed)
        yield from ((_time(at), record) for at, record in unpacker)
    else:
        yield _time(second), message[2]


def chunk_of(message: list[Any]) -> str | None:
    """Return the id that the sender wants to have acknowledged, if it does."""
    options = message[-1]
    is_record = not isinstance(message[1], (list, bytes, str)) and len(message) == 3
    if is_record or not isinstance(options, dict):
        return None
    chunk = options.get("chunk")
    return chunk if isinstance(chunk, str) else None


def _ext(code: int, data: bytes) -> object:
    if code == 0 and len(data) == 8:
        seconds, nanoseconds = struct.unpack(">II", data)
        return float(seconds + nanoseconds / 1e9)
    return data


def _time(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and value else time.time()


def _json_handler(
    tag: str, ingest: Ingest
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = json.JSONDecoder()
        text = ""
        try:
            while data := await reader.read(_READ_BYTES):
                text = (text + data.decode(errors="replace")).lstrip()
                while text:
                    try:
                        value, end = decoder.raw_decode(text)
                    except ValueError:
                        break  # the rest is still to come
                    text = text[end:].lstrip()
                    ingest(tag, time.time(), value if isinstance(value, dict) else {"log": value})
        except ConnectionError:
            pass
        finally:
            writer.close()

    return handle
