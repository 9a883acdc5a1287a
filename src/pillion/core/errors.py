"""The exceptions that a person has to act on, as one tree; each lives with those who raise it.

    PillionError                  something a person has to act on
    │                             what was given to pillion: the same input fails again
    ├── DocumentError             a file cannot be read, or is not JSON or YAML
    ├── DefinitionError           a task definition has problems; carries all of them
    ├── OverridesError            run-time overrides cannot be laid over a definition
    ├── OptionError               an option means nothing               (core.plan.options)
    ├── SettingsError             pillion.toml cannot be used           (settings)
    ├── MonitorSettingsError      its table [monitor] means nothing     (core.monitoring.settings)
    ├── ControlError              another pillion refuses, or is gone   (ports.control)
    │                             what pillion stands on: may work later
    ├── StoreError                the state folder cannot be used       (ports.store)
    ├── ClaimError                another process supervises it already (control.claims)
    └── EngineUnreachableError    no container engine answers           (ports.engine)

Every message says what is wrong and where; `hint` says what to do. What goes wrong inside a task is no
exception but an event with ECS's own name for it (`core.lifecycle.events.NamedError`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillion.core.taskdef.problem import Problem


class PillionError(Exception):
    """Something that a person has to act on.

    Attributes:
        message: What is wrong, and where.
        hint: What to do; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class DocumentError(PillionError):
    """A file cannot be read, or its text is not JSON or YAML.

    Attributes:
        file: Name of the document, as it was given.
        line: Line of the mistake, counted from 1, or None where no line is to blame.
        column: Column of the mistake, counted from 1, or None.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str,
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
    ) -> None:
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{place}: {what}", hint=hint)
        self.what = what
        self.file = file
        self.line = line
        self.column = column


class DefinitionError(PillionError):
    """A task definition has problems of structure.

    Attributes:
        problems: All of them, in the order of the document.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class OverridesError(PillionError):
    """Run-time overrides cannot be laid over a definition; `message` is AWS's own text where it has one."""


def raised_at(error: BaseException) -> str:
    """Return the file and line where an exception was raised, in brackets; nothing where none is known."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f" ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})" if place else ""


def unforeseen(error: BaseException) -> str:
    """Return what is said of an exception that nobody foresaw: its kind, and the place where it was raised.

    Its text may hold a value of the task, and is left out, but for files and modules that are missing.
    """
    what = f": {error}" if isinstance(error, ImportError | OSError) else ""
    if isinstance(error, ImportError):
        why = "was pillion removed or replaced while it ran?"
    else:
        why = "this is a bug of pillion, please report it"
    return f"{type(error).__name__}{what}{raised_at(error)}; {why}"
