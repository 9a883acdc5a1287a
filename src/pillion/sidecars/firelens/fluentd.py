"""The configuration as Fluentd's text. Fluentd gets no health check input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pillion.sidecars.firelens.configuration import (
    FORWARD_PORT,
    SOCKET_IN_ROUTER,
    Configuration,
    Grep,
    GrepAction,
)

_GREP_ELEMENTS = {GrepAction.KEEP: "regexp", GrepAction.DROP: "exclude"}


def render(configuration: Configuration) -> str:
    """Return the text of `fluent.conf`."""
    return "\n\n".join(_blocks(configuration)) + "\n"


def _blocks(configuration: Configuration) -> Iterator[str]:
    yield _element("source", "", ["@type unix", f"path {SOCKET_IN_ROUTER}"])
    if configuration.interface is not None:
        listen = [f"bind {configuration.interface.value}", f"port {FORWARD_PORT}"]
        yield _element("source", "", ["@type forward", *listen])
    yield from (_grep(grep) for grep in configuration.greps)
    if configuration.metadata:
        fields = [f"{key} {value}" for key, value in sorted(configuration.metadata.items())]
        yield _element("filter", " **", ["@type record_transformer", _element("record", "", fields)])
    if configuration.include is not None:
        yield f"@include {configuration.include}"
    for output in configuration.outputs:
        options = [f"{key} {value}" for key, value in sorted(output.options.items())]
        yield _element("match", f" {_match(output.container)}", [f"@type {output.plugin}", *options])


def _grep(grep: Grep) -> str:
    pattern = _element(_GREP_ELEMENTS[grep.action], "", ["key log", f"pattern {grep.pattern}"])
    return _element("filter", f" {_match(grep.container)}", ["@type grep", pattern])


def _match(container: str) -> str:
    return f"{container}-firelens**"


def _element(name: str, argument: str, lines: Iterable[str]) -> str:
    body = [f"    {line}" for text in lines for line in text.splitlines()]
    return "\n".join([f"<{name}{argument}>", *body, f"</{name}>"])
