"""What containers call: task metadata, statistics, role credentials, task protection.

Shapes are pure functions of a task at one moment (`metadata`, `networks`, `stats`, `credentials`,
`protection`); `answers` joins them to the paths, `server` speaks HTTP, `desk` answers for one running
task. Where the sockets come from is not decided here.
"""

from __future__ import annotations

from pillion.endpoints.desk import TaskDesk
from pillion.endpoints.sampling import StatsSampler
from pillion.endpoints.server import EndpointServer

__all__ = ["EndpointServer", "StatsSampler", "TaskDesk"]
