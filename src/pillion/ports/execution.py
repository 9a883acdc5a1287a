"""A command that runs beside the process of a container, with its input, its output and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field


class ExecutionRequest(Struct, frozen=True, kw_only=True):
    """What is to be run in a container.

    Attributes:
        command: program and arguments.
        has_input: whether it gets standard input; else it finds its end at once.
        has_terminal: whether it gets a terminal; its two streams are one then.
        size: of the terminal at the beginning, rows and columns.
        user: `NAME|UID[:GROUP|GID]`; empty for the container's own.
        working_directory: empty for the container's own.
        environment: on top of the container's.
    """

    command: Sequence[str]
    has_input: bool = False
    has_terminal: bool = False
    size: tuple[int, int] | None = None
    user: str = ""
    working_directory: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class NotStartedError(Exception):
    """The command never ran: there is no such program, user or folder, or it may not be run.

    The message says which; `exit_code` is what a shell would end with, 126 or 127.
    """

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Execution(Protocol):
    """A command under way. Its methods raise EngineUnreachableError when the engine goes away."""

    def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what it writes, as it comes, with `stdout` or `stderr`, until it writes no more.

        Raises NotStartedError.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Give it input. What it no longer reads is dropped."""
        ...

    async def end_input(self) -> None:
        """Say that there is no more input."""
        ...

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of its terminal."""
        ...

    async def send_signal(self, number: int) -> None:
        """Send its process a signal. Raises EngineError where that cannot be done from here."""
        ...

    async def exit_code(self) -> int:
        """Return how it ended; call this when the output is over."""
        ...
