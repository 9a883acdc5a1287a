"""Exit codes, and the errors that end a command with one of them."""

from __future__ import annotations

USAGE = 2
"""A bad definition or a bad command line."""

NOT_RUN = 125
"""An essential container never ran, or pillion could not run the task at all."""

INTERRUPTED = 130
"""Ended with Ctrl-C."""


OUTPUT_CLOSED = 141
"""Nobody reads what is printed any more: what a shell says of a program that SIGPIPE ended."""


class UserError(Exception):
    """Ends a command with a message for the person who called it, and an exit code."""

    def __init__(self, message: str, *, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code
