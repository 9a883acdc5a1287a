"""What every event means in every status: the whole of it, as data.

`machine` looks up (kind of event, known status) and performs the action that stands there; a pair that
means nothing says DROP, so nothing falls through. The table is read by people, by the tests and by the
diagram in the docs. Known status never goes backwards: an event for a lower or equal status is dropped.
What the engine tells by itself (created, started, exited) may skip a status; an answer that something
failed has a place only where that something can have been asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import CONTAINER_PROGRESS, ContainerStatus


class Action(Enum):
    """What the machine does about an event of one container."""

    DROP = "stale: nothing changes"
    NOTE = "only what is known about the container changes"
    RESOLVE = "the manifest step is done"
    TOLERATE_MANIFEST = "the manifest could not be looked up: stop, or go on with what is here"
    PULL = "the pull step is done"
    TOLERATE_PULL = "the image could not be pulled: stop, or go on with what is here"
    CREATE = "the container exists"
    START = "the process runs"
    RESTART = "the process runs again, or still"
    PROVISION = "the namespace of a pause container is ready"
    FAIL = "the step failed: the container is not wanted any more"
    FAIL_RESTART = "the restart failed, if there was one: the exit stands"
    EXIT = "the process ended"
    EXIT_UNSEEN = "the process ended before its start was told"
    DETAIL = "more about an exit that is known"
    STOP_AGAIN = "a stopped container runs: stop it once more"
    VANISH = "the container is gone"
    GIVE_UP_STOP = "stopping failed, if it was being stopped: it counts as stopped"
    HEALTH = "its health changed"
    TIME_OUT = "its startTimeout has passed"


_S = ContainerStatus
_BEFORE_PULLED = (_S.NONE, _S.MANIFEST_PULLED)
_BEFORE_CREATED = (*_BEFORE_PULLED, _S.PULLED)
_ALIVE = (_S.RUNNING, _S.RESOURCES_PROVISIONED)

_ROWS: tuple[tuple[type[ev.Event], Iterable[ContainerStatus], Action], ...] = (
    (ev.ManifestResolved, (_S.NONE,), Action.RESOLVE),
    (ev.ManifestFailed, (_S.NONE,), Action.TOLERATE_MANIFEST),
    (ev.PullStarted, _BEFORE_PULLED, Action.NOTE),
    (ev.Pulled, _BEFORE_PULLED, Action.PULL),
    (ev.PullFailed, (_S.MANIFEST_PULLED,), Action.TOLERATE_PULL),
    (ev.Created, _BEFORE_CREATED, Action.CREATE),
    (ev.CreateFailed, (_S.PULLED,), Action.FAIL),
    (ev.Started, (*_BEFORE_CREATED, _S.CREATED), Action.START),
    (ev.Started, _ALIVE, Action.RESTART),
    (ev.Started, (_S.STOPPED,), Action.STOP_AGAIN),
    (ev.StartFailed, (_S.CREATED,), Action.FAIL),
    (ev.StartFailed, _ALIVE, Action.FAIL_RESTART),
    (ev.Provisioned, (_S.RUNNING,), Action.PROVISION),
    (ev.ProvisionFailed, (_S.RUNNING,), Action.FAIL),
    (ev.Exited, (*_BEFORE_CREATED, _S.CREATED), Action.EXIT_UNSEEN),
    (ev.Exited, _ALIVE, Action.EXIT),
    (ev.Exited, (_S.STOPPED,), Action.DETAIL),
    (ev.Vanished, (_S.CREATED, *_ALIVE), Action.VANISH),
    (ev.StopFailed, (_S.CREATED, *_ALIVE), Action.GIVE_UP_STOP),
    (ev.HealthChanged, _ALIVE, Action.HEALTH),
    (ev.HealthProbed, _ALIVE, Action.NOTE),
    (ev.StartTimeoutElapsed, _ALIVE, Action.TIME_OUT),
)


def _complete() -> Mapping[tuple[type[ev.Event], ContainerStatus], Action]:
    table = {
        (kind, status): Action.DROP for kind in ev.CONTAINER_EVENT_TYPES for status in CONTAINER_PROGRESS
    }
    for kind, statuses, action in _ROWS:
        for status in statuses:
            table[kind, status] = action
    return table


TABLE: Mapping[tuple[type[ev.Event], ContainerStatus], Action] = _complete()
"""(kind of event, known status of its container) -> what is done."""

LEADS_TO: Mapping[Action, tuple[ContainerStatus, ...]] = {
    Action.DROP: (),
    Action.NOTE: (),
    Action.RESOLVE: (_S.MANIFEST_PULLED,),
    Action.TOLERATE_MANIFEST: (_S.MANIFEST_PULLED, _S.STOPPED),
    Action.PULL: (_S.PULLED,),
    Action.TOLERATE_PULL: (_S.PULLED, _S.STOPPED),
    Action.CREATE: (_S.CREATED,),
    Action.START: (_S.RUNNING,),
    Action.RESTART: (),
    Action.PROVISION: (_S.RESOURCES_PROVISIONED,),
    Action.FAIL: (_S.STOPPED,),
    Action.FAIL_RESTART: (_S.STOPPED,),
    Action.EXIT: (_S.STOPPED,),
    Action.EXIT_UNSEEN: (_S.STOPPED,),
    Action.DETAIL: (),
    Action.STOP_AGAIN: (),
    Action.VANISH: (_S.STOPPED,),
    Action.GIVE_UP_STOP: (_S.STOPPED,),
    Action.HEALTH: (),
    Action.TIME_OUT: (),
}
"""The statuses that an action can bring its container to; none where the status stays."""
