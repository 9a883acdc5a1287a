"""Stopping and killing a container, as patiently as the ECS agent does."""

from __future__ import annotations

import asyncio
import math
import random

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.retry import STOP, pauses_s

STOP_EXTRA_S = 120.0
"""The agent gives the stop call its stopTimeout and two minutes more."""

KILL_DEADLINE_S = 30.0


async def stop_container(client: DockerClient, engine_name: str, timeout_s: float) -> None:
    """Send the stop signal, wait, kill; tried again when it fails. One that is gone counts as stopped.

    Docker takes whole seconds: a part of one is rounded up. Raises EngineError (CannotStopContainerError).
    """
    path, whole_s = f"containers/{engine_name}/stop", math.ceil(timeout_s)
    last: ApiError | DeadlinePassedError | None = None
    for pause_s in (0.0, *pauses_s(STOP, random.random)):
        await asyncio.sleep(pause_s)
        try:
            await client.post(path, params={"t": str(whole_s)}, deadline_s=whole_s + STOP_EXTRA_S)
        except ApiError as error:
            if error.is_missing:
                return
            last = error
        except DeadlinePassedError as error:
            last = error
        else:
            return
    assert last is not None  # noqa: S101 - every try that did not return has set it
    raise named(last, "CannotStopContainerError", reaching="stopped") from last


async def kill_container(client: DockerClient, engine_name: str) -> None:
    """Kill a container's process. One that does not run, or is gone, is what was wanted.

    Raises EngineError (CannotStopContainerError).
    """
    try:
        await client.post(f"containers/{engine_name}/kill", deadline_s=KILL_DEADLINE_S)
    except ApiError as error:
        if not error.is_missing and not error.is_conflict:
            raise named(error, "CannotStopContainerError", reaching="stopped") from error
    except DeadlinePassedError as error:
        raise named(error, "CannotStopContainerError", reaching="stopped") from error
