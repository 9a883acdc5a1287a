"""The configuration as Fluent Bit's classic text.

Surprising: there is no [SERVICE] section, so the image's defaults hold unless the user's file says otherwise;
and the record that the health check sends gets the ECS metadata too, because that filter matches everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pillion.sidecars.firelens.configuration import (
    FORWARD_PORT,
    HEALTH_PORT,
    HEALTH_TAG,
    SOCKET_IN_ROUTER,
    Configuration,
    Grep,
    GrepAction,
    Output,
)

_GREP_KEYS = {GrepAction.KEEP: "Regex  log", GrepAction.DROP: "Exclude log"}

Pair = tuple[str, str]


def render(configuration: Configuration) -> str:
    """Return the text of `fluent-bit.conf`."""
    return "\n\n".join(_blocks(configuration)) + "\n"


def render_output(output: Output) -> str:
    """Return the text of one [OUTPUT] section."""
    head = [("Name", output.plugin), ("Match", _match(output.container))]
    return _section("OUTPUT", [*head, *sorted(output.options.items())])


def _blocks(configuration: Configuration) -> Iterator[str]:
    yield from _inputs(configuration)
    yield from (_grep(grep) for grep in configuration.greps)
    if configuration.metadata:
        records = [("Record", f"{key} {value}") for key, value in sorted(configuration.metadata.items())]
        yield _section("FILTER", [("Name", "record_modifier"), ("Match", "*"), *records])
    if configuration.include is not None:
        yield f"@INCLUDE {configuration.include}"
    if configuration.interface is not None:
        yield _section("OUTPUT", [("Name", "null"), ("Match", HEALTH_TAG)])
    yield from (render_output(output) for output in configuration.outputs)


def _inputs(configuration: Configuration) -> Iterator[str]:
    limit = ("Mem_Buf_Limit", f"{configuration.memory_buffer_mb}MB")
    yield _section("INPUT", [("Name", "forward"), limit, ("unix_path", SOCKET_IN_ROUTER)])
    if configuration.interface is not None:
        listen = ("Listen", configuration.interface.value)
        yield _section("INPUT", [("Name", "forward"), listen, ("Port", str(FORWARD_PORT))])
        health = [("Name", "tcp"), ("Tag", HEALTH_TAG), ("Listen", "127.0.0.1"), ("Port", str(HEALTH_PORT))]
        yield _section("INPUT", health)


def _grep(grep: Grep) -> str:
    head = [("Name", "grep"), ("Match", _match(grep.container))]
    return _section("FILTER", [*head, (_GREP_KEYS[grep.action], grep.pattern)])


def _match(container: str) -> str:
    return f"{container}-firelens*"


def _section(kind: str, pairs: Iterable[Pair]) -> str:
    return "\n".join([f"[{kind}]", *(f"    {key} {value}" for key, value in pairs)])
