"""What a drill needs from an engine beyond running a task: to harm one of its containers on purpose.

Containers are named as the engine knows them. Nothing here needs a program inside an image. What cannot be
done on this engine or by this user raises `InjectionUnavailableError`, whose text is for people.
"""

from __future__ import annotations

from typing import Protocol


class InjectionUnavailableError(Exception):
    """A fault cannot be made here, or not any more; `reason` says why in one half-sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Injector(Protocol):
    """Harms containers of one engine. Every method raises InjectionUnavailableError."""

    async def kill(self, container: str) -> None:
        """Send SIGKILL to the main process."""
        ...

    async def end(self, container: str, exit_code: int) -> None:
        """Make the main process end with this code, as if its program had called exit."""
        ...

    async def freeze(self, container: str) -> None:
        """Stop every process of the container where it stands; its health check still runs."""
        ...

    async def thaw(self, container: str) -> None:
        """Let the processes of a frozen container go on. One that has ended needs nothing."""
        ...

    async def exhaust_memory(self, container: str) -> None:
        """Use up the container's memory until the kernel kills its main process."""
        ...

    async def fill(self, container: str, path: str, size_bytes: int) -> None:
        """Fill the volume of `size_bytes` that is mounted at `path`, to the last byte."""
        ...

    async def cut_network(self, container: str) -> None:
        """Cut the wires of the container's network namespace. Those to the ECS endpoints stay."""
        ...

    async def mend_network(self, container: str) -> None:
        """Connect the wires again. Nothing is to be done where the namespace is gone."""
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...
