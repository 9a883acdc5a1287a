"""What can go wrong between us and the Docker API, and what ECS calls it.

`client` raises only what stands here, and `EngineUnreachableError` of the port; nothing above `client` sees
an exception of an HTTP library. The names and texts of `EngineError` are those of the ECS agent.

    ApiError                the engine answered, and said no
    DeadlinePassedError     the engine did not answer in the time that the agent gives this call
"""

from __future__ import annotations

import re

from pillion.ports.engine import EngineError

NOT_FOUND = 404
CONFLICT = 409

_CONFLICT = re.compile(r"is already in use|container state improper|has dependent containers")
_NOBODY_LISTENS = re.compile(r"dial unix .*: connect: ")


class ApiError(Exception):
    """The engine answered a call with an error. `status` is the HTTP status, 0 for one told in a stream."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def is_missing(self) -> bool:
        """Whether the engine knows no such thing."""
        return self.status == NOT_FOUND

    @property
    def is_conflict(self) -> bool:
        """Whether the thing is there already, or in a state that forbids the call."""
        # Podman gives some of these the status of an internal error.
        return self.status == CONFLICT or _CONFLICT.search(self.message) is not None

    @property
    def is_driver_unready(self) -> bool:
        """Whether a log driver could not be opened because nobody listens at its socket, for now."""
        return _NOBODY_LISTENS.search(self.message) is not None

    @property
    def as_docker_says(self) -> str:
        """The text as Docker's own client, and so the ECS agent, words it."""
        if not self.status:  # told in the middle of a stream
            return self.message
        return f"Error response from daemon: {self.message}"


class DeadlinePassedError(Exception):
    """The engine did not answer within `deadline_s` seconds."""

    def __init__(self, deadline_s: float) -> None:
        super().__init__(f"no answer within {duration(deadline_s)}")
        self.deadline_s = deadline_s


def duration(seconds: float) -> str:
    """Write a duration as the agent's texts do: `4m0s`, `30s`, `1h0m0s`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def named(
    error: ApiError | DeadlinePassedError, name: str, *, reaching: str, cached: bool = False
) -> EngineError:
    """Turn a failed call into ECS's error.

    A passed deadline is a `DockerTimeoutError` whatever was asked, and leaves open whether the call took
    effect; `reaching` is the state that its text names (`created`, `started`, `stopped` ...).
    """
    if isinstance(error, DeadlinePassedError):
        text = f"Could not transition to {reaching}; timed out after waiting {duration(error.deadline_s)}"
        return EngineError("DockerTimeoutError", text, cached=cached, may_run=True)
    return EngineError(name, error.as_docker_says, cached=cached, may_run=error.message.endswith("EOF"))
