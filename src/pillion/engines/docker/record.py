"""What is known of one container while its task runs, and how the engine is asked about it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pillion.core.plan.model import ContainerPlan
from pillion.engines.docker.ahead import Ahead
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.facts import Found, found_in
from pillion.engines.docker.ports import Published
from pillion.engines.docker.watch import has_ended, parse_time

INSPECT_DEADLINE_S = 30.0
"""What the ECS agent gives an inspection."""


class Record(Struct):
    """One container of a running task. `running` and `ended` are set while its process does and does not run.

    `starts` counts the starts that were asked for; `found` is what the engine last said of its addresses.
    `is_pulled` says that its image was had here for it, `making` is held by whoever makes it, and `ahead` is
    what was made and is not asked for yet.
    """

    plan: ContainerPlan
    is_pulled: bool = False
    runtime_id: str = ""
    warnings: tuple[str, ...] = ()
    starts: int = 0
    started_at_s: float | None = None
    healthy: bool = False
    running: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    published: tuple[Published, ...] = ()
    found: Found = field(default_factory=Found)
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    log_options: Mapping[str, str] = field(default_factory=dict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    ahead: Ahead | None = None

    def begin_start(self) -> None:
        """Note that a start is being asked for."""
        self.starts += 1
        self.running.clear()
        self.ended.clear()

    def adopt(self, inspection: Mapping[str, Any]) -> None:
        """Take over a container as an inspection shows it: made, running or ended."""
        self.runtime_id = inspection["Id"]
        state = inspection["State"]
        self.started_at_s = parse_time(state.get("StartedAt", ""))
        if self.started_at_s is None:
            return
        self.starts = max(self.starts, 1)
        if has_ended(state):
            self.ended.set()
        else:
            self.found = found_in(inspection)
            self.running.set()


async def inspect(client: DockerClient, record: Record) -> Any:  # noqa: ANN401 - JSON of the API
    """Ask the engine about a container. Raises what the client raises."""
    return await client.get(f"containers/{record.plan.engine_name}/json", deadline_s=INSPECT_DEADLINE_S)
