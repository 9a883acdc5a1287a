"""What the runtime needs from AWS for one task.

One `TaskAws` per task. It prepares those resources of the plan that come from AWS (`handles` says which), and
answers afterwards what a container gets from them. It raises `EngineError` with ECS's own names and texts, as
an engine does, so that the runtime treats both alike.

Order of calls: `prepare` for each resource; then for each container `extra_environment`, `log_options` and
`registry_login` when it is created, `before_start` between create and start, `log_sink` for its output;
`close` at the end, after the output of all containers has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from msgspec import Struct, field

from pillion.core.inputs.secret import SecretValue
from pillion.core.plan.model import Notice
from pillion.ports.engine import LogLine


class RegistryLogin(Struct, frozen=True, kw_only=True):
    """How to log in to a private registry."""

    username: SecretValue
    password: SecretValue


class RoleCredentials(Struct, frozen=True, kw_only=True):
    """Temporary credentials of a role. `expires_at_s` is POSIX time."""

    role_arn: str
    access_key_id: str
    secret_access_key: SecretValue
    session_token: SecretValue
    expires_at_s: float


class LogReport(Struct, frozen=True, kw_only=True):
    """What became of the lines of one container that logs through awslogs.

    `written` is the sum of the others. `blank` are empty lines, which CloudWatch does not take; `dropped`
    found the buffer full (non-blocking mode); `failed` could not be delivered, `causes` say why.
    """

    container: str
    group: str
    stream: str
    written: int = 0
    delivered: int = 0
    blank: int = 0
    dropped: int = 0
    failed: int = 0
    causes: Mapping[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Lines that were written and did not arrive."""
        return self.dropped + self.failed


class Exactness(Enum):
    """How the number of lines that were read here stands to the number that a container wrote."""

    EXACT = ""
    AT_LEAST = "at least"
    ABOUT = "about"


class Reading(Struct, frozen=True, kw_only=True):
    """What the engine gave of the output of one container: how many lines and characters.

    `before`: lines that were read by another process, which had the task then. `cut`: reading ended before
    the output did, so that it wrote more than this.
    """

    lines: int
    characters: int = 0
    before: int = 0
    cut: bool = False

    @property
    def all_lines(self) -> int:
        """Lines that were read by whomever."""
        return self.before + self.lines


class PipelineReport(Struct, frozen=True, kw_only=True):
    """What arrived of the lines of one container at the end of one pipeline.

    `written` is as many as were read here; `exactness` and `doubt` say how true that is, and why. `arrived`
    is None where nobody can look (a service outside, a router's stdout); `reason` says why. Lines that a
    filter of the definition takes out are not lost: `filtered` says that there is one.
    """

    container: str
    pipeline: str
    written: int
    arrived: int | None
    exactness: Exactness = Exactness.EXACT
    doubt: str = ""
    filtered: bool = False
    reason: str = ""

    @property
    def lost(self) -> int | None:
        """Lines that were read here and did not arrive; None where that cannot be said."""
        return None if self.arrived is None or self.filtered else self.written - self.arrived


class LogSink(Protocol):
    """Where the lines of one container go."""

    async def write(self, line: LogLine) -> None:
        """Take a line. Waits while the buffer is full, in blocking mode only."""
        ...

    async def close(self) -> LogReport:
        """Deliver what is left, for a bounded time, and say what became of all lines."""
        ...


class TaskAws(Protocol):
    """The AWS side of one task."""

    def handles(self, resource: str) -> bool:
        """Say whether a resource of the plan is prepared here."""
        ...

    async def prepare(self, resource: str) -> None:
        """Fetch what a resource stands for. Raises EngineError with ECS's text."""
        ...

    def extra_environment(
        self, container: str, image_environment: Mapping[str, str]
    ) -> Mapping[str, SecretValue]:
        """Return what goes on top of the plan's environment of a container."""
        ...

    def log_options(self, container: str) -> Mapping[str, SecretValue]:
        """Return the secret options of a container's own log driver."""
        ...

    def check_log_options(self, container: str) -> None:
        """Check the options of a log driver that the engine never sees.

        Raises EngineError (CannotCreateContainerError), as the engine does for its own.
        """
        ...

    def registry_login(self, container: str) -> RegistryLogin | None:
        """Return how to log in to the registry of a container's image, if the definition says so."""
        ...

    async def before_start(self, container: str, runtime_id: str) -> None:
        """Make the log stream of a container. Raises EngineError (CannotStartContainerError)."""
        ...

    def log_sink(self, container: str) -> LogSink | None:
        """Return where a container's lines go, or None if they go nowhere from here."""
        ...

    def notices(self) -> tuple[Notice, ...]:
        """Return what the user should know, also hints on what went wrong; more may come later."""
        ...

    async def close(self) -> tuple[LogReport, ...]:
        """Deliver the rest of the logs; return what became of the lines of each container."""
        ...


class RoleCredentialsSource(Protocol):
    """Gives out credentials of roles, for the credentials endpoint."""

    async def credentials_of(self, role_arn: str, session_name: str) -> RoleCredentials:
        """Return credentials that are valid for a while. Raises AwsCallError."""
        ...


class AwsCallError(Exception):
    """A call to AWS that failed. `code` is AWS's; the message has operation and cause, never a secret."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message
