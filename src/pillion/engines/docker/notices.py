"""What of a plan this engine cannot honour, said once and beforehand. Pure."""

from __future__ import annotations

from pillion.core.plan.model import Notice, TaskPlan
from pillion.ports.engine import Capabilities


def plan_notices(task: TaskPlan, engine: Capabilities) -> tuple[Notice, ...]:
    """Compare a plan with what the engine can do."""
    return ()
