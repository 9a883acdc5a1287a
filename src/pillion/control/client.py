"""Asking the process that supervises a task, over its control socket. Blocking: for commands."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

from pillion.control.claims import Claimant
from pillion.ports.control import ControlError, UnknownTaskError

ANSWER_S = 60.0
"""How long an answer may take that waits for nothing but the process itself."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class ControlClient:
    """Asks one process. Every method raises ControlError where it cannot be asked or refuses."""

    def __init__(self, claimant: Claimant) -> None:
        self._claimant = claimant

    def about(self) -> Mapping[str, Any]:
        """Return what it says of itself: `version`, `pid`, `tasks`."""
        return self._ask("GET", "/v1/about")

    def submit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin a task; return `task_id`, `notices` and `engine`."""
        return self._ask("POST", "/v1/tasks", request)

    def adopt(self) -> None:
        """Have it take over what other processes have left."""
        self._ask("POST", "/v1/adopt", {})

    def stop(self, task_id: str, reason: str | None) -> None:
        """Stop a task in order."""
        self._ask("POST", f"/v1/tasks/{task_id}/stop", {"reason": reason})

    def kill(self, task_id: str) -> None:
        """End a task now."""
        self._ask("POST", f"/v1/tasks/{task_id}/kill", {})

    def ended(self, task_id: str) -> Mapping[str, Any]:
        """Wait for a task to end; return `exitCode` and `task`."""
        return self._ask("GET", f"/v1/tasks/{task_id}/end", timeout_s=None)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = ANSWER_S,
    ) -> Mapping[str, Any]:
        connection = _UnixConnection(self._claimant.socket_path, timeout_s)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer: Mapping[str, Any] = json.loads(response.read() or b"{}")
        except (ConnectionError, FileNotFoundError) as error:
            raise ControlError(
                f"process {self._claimant.process_id} is gone; the tasks that it supervised go on without "
                "it, and pillion serve takes them over"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ControlError(
                f"process {self._claimant.process_id} supervises the task and does not answer: "
                f"{str(error) or type(error).__name__}"
            ) from error
        finally:
            connection.close()
        if response.status == http.client.NOT_FOUND:
            raise UnknownTaskError(str(answer.get("error", path)))
        if response.status >= http.client.BAD_REQUEST:
            raise ControlError(str(answer.get("error", f"HTTP {response.status}")))
        return answer
