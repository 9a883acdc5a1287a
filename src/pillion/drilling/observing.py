"""What a recording says about the task after a fault, in the few words in which runs can be compared.

Pure, and the same for a run on the real engine and one in the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus, StopCode, TaskStatus
from pillion.drilling.faults import Case
from pillion.drilling.recording import Answer, Recording
from pillion.rehearsing.rehearsal import Effect

GAP_LEAST_S = 0.5
"""A shorter time without an answer is not told: two looks that failed."""


SLOW_STOP_S = 2.0
"""A container that takes longer to end after its stop signal is told by name."""


class SlowStop(Struct, frozen=True, kw_only=True):
    """A container that took long to end when the task stopped by itself.

    `age_s` is how long its process had run when it was told to; `is_killed`: its stopTimeout was over.
    """

    container: str
    took_s: float
    age_s: float
    is_killed: bool


class Observed(Struct, frozen=True, kw_only=True):
    """What became of the task. Times are seconds from the fault.

    Attributes:
        effect: what became of the task by itself.
        stop_code: why it stopped, as DescribeTasks says it; None where it did not by itself.
        stopped_reason: the same as a sentence.
        exit_code: what the struck container ended with; None where it did not end by itself.
        out_of_memory: whether ECS would report that it ran out of memory.
        unhealthy: whether the container was UNHEALTHY after the fault.
        unhealthy_after_s: how long that took.
        restarts: how often its restart policy restarted it.
        recovered_after_s: from the fault to the restart, or from its end to HEALTHY again.
        others_ended: other containers that ended by themselves before the task was stopping, with their exit
            codes, that do not in a run without a fault.
        stopping_after_s: when the task began to stop by itself.
        stopped_after_s: when it was STOPPED, where it stopped by itself.
        waits: who waits for whom, where the task waits for ever.
        slow_stops: who took long to end, where the task stopped by itself.
    """

    effect: Effect
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    unhealthy: bool = False
    unhealthy_after_s: float | None = None
    restarts: int = 0
    recovered_after_s: float | None = None
    others_ended: tuple[tuple[str, int | None], ...] = ()
    stopping_after_s: float | None = None
    stopped_after_s: float | None = None
    waits: tuple[str, ...] = ()
    slow_stops: tuple[SlowStop, ...] = ()


class Gap(Struct, frozen=True, kw_only=True):
    """A time without an answer from the URL, in seconds from the fault; None: to the end of the case."""

    begins_s: float
    ends_s: float | None
    length_s: float
    error: str


def observe(recording: Recording, case: Case, usual: Mapping[str, int | None]) -> Observed:
    """Return what became of the task.

    Args:
        recording: the run; the fault was made.
        case: the fault.
        usual: exit codes of the containers that end by themselves in a run without a fault.
    """
    struck_s = recording.struck_at_s or 0.0
    state = recording.before_we_asked()
    by_itself = state.stop_code is not None and state.stop_code is not StopCode.USER_INITIATED
    mine = state.containers[case.container] if case.container else None
    unhealthy_s = next(_moments(recording, case.container, HealthStatus.UNHEALTHY, struck_s), None)
    effect = _effect(state, by_itself=by_itself)
    return Observed(
        effect=effect,
        stop_code=state.stop_code.value if by_itself and state.stop_code else None,
        stopped_reason=state.stopped_reason if by_itself else None,
        exit_code=_own_exit_code(recording, case.container),
        out_of_memory=bool(mine and mine.error and mine.error.name == "OutOfMemoryError"),
        unhealthy=unhealthy_s is not None,
        unhealthy_after_s=_since(unhealthy_s, struck_s),
        restarts=mine.restart_count if mine else 0,
        recovered_after_s=_recovered(recording, case.container, mine, unhealthy_s),
        others_ended=_others_ended(recording, case.container, usual),
        stopping_after_s=_since(state.stopping_at_s, struck_s) if by_itself else None,
        stopped_after_s=_since(state.stopped_at_s, struck_s) if by_itself else None,
        waits=tuple(item.text for item in waiting(state)) if effect is Effect.HANGS else (),
        slow_stops=tuple(_slow_stops(recording)) if by_itself else (),
    )


def gaps_of(recording: Recording) -> tuple[Gap, ...]:
    """Return when the URL did not answer, from the fault to the stop of the task, ours or its own.

    A gap begins with the first look that failed and ends with the next answer. Until the first answer the
    application is still coming up.
    """
    stops = (recording.asked_at_s, recording.last.stopping_at_s)
    ends_s = min((at_s for at_s in stops if at_s is not None), default=recording.ended_at_s)
    struck_s = recording.struck_at_s or 0.0
    looks = [look for look in recording.answers if look.at_s <= ends_s]
    first = next((number for number, look in enumerate(looks) if look.is_good), None)
    if first is None:
        return ()
    found: list[Gap] = []
    failed: Answer | None = None
    for look in looks[first:]:
        if look.at_s + look.took_s < struck_s:
            continue
        if look.is_good and failed is not None:
            found.append(_gap(failed, look.at_s + look.took_s, struck_s, open_end=False))
            failed = None
        elif not look.is_good and failed is None:
            failed = look
    if failed is not None:
        found.append(_gap(failed, ends_s, struck_s, open_end=True))
    return tuple(gap for gap in found if gap.length_s >= GAP_LEAST_S)


def _gap(failed: Answer, ends_s: float, struck_s: float, *, open_end: bool) -> Gap:
    return Gap(
        begins_s=failed.at_s - struck_s,
        ends_s=None if open_end else ends_s - struck_s,
        length_s=ends_s - failed.at_s,
        error=failed.error or f"status {failed.status}",
    )


def _effect(state: TaskState, *, by_itself: bool) -> Effect:
    if by_itself:
        return Effect.STOPS if state.started_at_s is not None else Effect.NEVER_RUNS
    return Effect.RUNS_ON if state.known is TaskStatus.RUNNING else Effect.HANGS


def _own_exit_code(recording: Recording, name: str | None) -> int | None:
    """The exit code of the struck container, where it ended without being told to."""
    return next((code for other, code in _ended_by_themselves(recording) if other == name), None)


def _others_ended(
    recording: Recording, name: str | None, usual: Mapping[str, int | None]
) -> tuple[tuple[str, int | None], ...]:
    return tuple(
        (other, code)
        for other, code in _ended_by_themselves(recording)
        if other != name and not (other in usual and usual[other] == code)
    )


def _ended_by_themselves(recording: Recording) -> Iterator[tuple[str, int | None]]:
    """Yield who ended while nobody had told it to, and before the task was stopping.

    The last inspection may add to an exit, so the code is that of the end.
    """
    last = recording.last
    for (_, before), (at_s, after) in pairwise(recording.history):
        if before.is_stopping or (recording.asked_at_s is not None and at_s >= recording.asked_at_s):
            return
        for item in after.spec.containers:
            was, now = before.containers[item.name], after.containers[item.name]
            ended = now.known is ContainerStatus.STOPPED and was.known is not ContainerStatus.STOPPED
            asked = was.in_flight is ContainerStatus.STOPPED
            if item.kind is ContainerKind.NORMAL and ended and not asked and now.has_run:
                yield item.name, last.containers[item.name].exit_code


def _slow_stops(recording: Recording) -> Iterator[SlowStop]:
    """Yield who took long to end after it had been told to."""
    asked: dict[str, float] = {}
    for (_, before), (at_s, after) in pairwise(recording.history):
        for item in after.spec.containers:
            was, now = before.containers[item.name], after.containers[item.name]
            if now.in_flight is ContainerStatus.STOPPED and was.in_flight is not ContainerStatus.STOPPED:
                asked[item.name] = at_s
            ended = now.known is ContainerStatus.STOPPED and was.known is not ContainerStatus.STOPPED
            took_s = at_s - asked.get(item.name, at_s)
            if ended and item.kind is ContainerKind.NORMAL and took_s >= SLOW_STOP_S:
                started_s = now.process_started_at_s
                yield SlowStop(
                    container=item.name,
                    took_s=took_s,
                    age_s=0.0 if started_s is None else max(at_s - took_s - started_s, 0.0),
                    is_killed=took_s >= item.stop_timeout_s,
                )


def _moments(recording: Recording, name: str | None, status: HealthStatus, after_s: float) -> Iterator[float]:
    """Yield when a container came to a health status after some time."""
    if name is None:
        return
    for (_, before), (at_s, after) in pairwise(recording.history):
        was, now = before.containers[name].health.status, after.containers[name].health.status
        if at_s >= after_s and now is status and was is not status:
            yield at_s


def _recovered(
    recording: Recording, name: str | None, mine: ContainerState | None, unhealthy_s: float | None
) -> float | None:
    if name is None or mine is None or recording.struck_at_s is None:
        return None
    if mine.restart_count and mine.process_started_at_s is not None:
        return mine.process_started_at_s - recording.struck_at_s
    if unhealthy_s is None or recording.lifted_at_s is None:
        return None
    again = next(_moments(recording, name, HealthStatus.HEALTHY, recording.lifted_at_s), None)
    return _since(again, recording.lifted_at_s)


def _since(at_s: float | None, zero_s: float) -> float | None:
    return None if at_s is None else max(at_s - zero_s, 0.0)
