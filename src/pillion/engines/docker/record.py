"""What is known of one container while its task runs, and how the engine is asked about it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillion.core.plan.model import ContainerPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.facts import Found
from pillion.engines.docker.ports import Published

INSPECT_DEADLINE_S = 30.0
"""What the ECS agent gives an inspection."""


@dataclass(slots=True)
class Record:
    """One container of a running task. `running` and `ended` are set while its process does and does not run.

    `starts` counts the starts that were asked for, `next_start` is set by one more; `found` is what
    the engine last said of its addresses.
    """

    plan: ContainerPlan
    runtime_id: str = ""
    warnings: tuple[str, ...] = ()
    starts: int = 0
    next_start: asyncio.Event = field(default_factory=asyncio.Event)
    started_at_s: float | None = None
    healthy: bool = False
    running: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    published: tuple[Published, ...] = ()
    found: Found = field(default_factory=Found)
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    log_options: Mapping[str, str] = field(default_factory=dict)

    def begin_start(self) -> None:
        """Note that a start is being asked for."""
        self.starts += 1
        self.running.clear()
        self.ended.clear()
        self.next_start.set()
        self.next_start = asyncio.Event()


async def inspect(client: DockerClient, record: Record) -> Any:  # noqa: ANN401 - JSON of the API
    """Ask the engine about a container. Raises what the client raises."""
    return await client.get(f"containers/{record.plan.engine_name}/json", deadline_s=INSPECT_DEADLINE_S)
