"""What was seen against what the simulation predicted: every difference, and why it may be. Pure."""

from __future__ import annotations

from msgspec import Struct

from pillion.core.timeline.axis import short_duration
from pillion.drilling.faults import Case, Fault
from pillion.drilling.observing import Observed
from pillion.rehearsing.rehearsal import Effect

TOLERANCE_S = 4.0
TOLERANCE_SHARE = 0.5
"""A stop that takes longer than predicted by both, in seconds and as a share, differs."""


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that was other than predicted; `why` is a sentence, as far as that can be known."""

    what: str
    predicted: str
    observed: str
    why: str


def compare(case: Case, predicted: Observed, observed: Observed) -> tuple[Difference, ...]:
    """Return every difference, the one that explains most first."""
    found: list[Difference] = []

    def differ(what: str, before: str, after: str, why: str) -> None:
        if before != after:
            found.append(Difference(what=what, predicted=before, observed=after, why=why))

    differ(
        "other containers that ended",
        _ended(predicted),
        _ended(observed),
        _why_ended(case, predicted, observed),
    )
    differ("the task", predicted.effect.value, observed.effect.value, _why_effect(case, predicted, observed))
    if predicted.effect is observed.effect:
        before, after = predicted.stopped_reason or "-", observed.stopped_reason or "-"
        differ("stoppedReason", before, after, "The chain of causes was another one.")
    differ("exit code", _code(predicted), _code(observed), _why_code(case, predicted, observed))
    differ("health", _health(predicted), _health(observed), _why_health(case, predicted, observed))
    differ("restarts", str(predicted.restarts), str(observed.restarts), _why_restarts(case))
    if observed.unhealthy and observed.effect is predicted.effect:
        differ(
            "recovery", _well(predicted), _well(observed), "It did not get well within the time of the case."
        )
    if _is_slower(predicted.stopped_after_s, observed.stopped_after_s):
        differ(
            "time until STOPPED",
            _time(predicted.stopped_after_s),
            _time(observed.stopped_after_s),
            _why_slow(observed),
        )
    return tuple(found)


def _ended(seen: Observed) -> str:
    return ", ".join(f"{name} with {code}" for name, code in seen.others_ended) or "none"


def _why_ended(case: Case, predicted: Observed, observed: Observed) -> str:
    more = [name for name, _ in observed.others_ended if name not in dict(predicted.others_ended)]
    if more:
        one = more[0] if len(more) == 1 else f"{', '.join(more[:-1])} and {more[-1]}"
        does = "ends" if len(more) == 1 else "end"
        return (
            f"{one} {does} by itself when {case.words}. "
            "The simulation knows the rules of ECS, not what a program does without its neighbour."
        )
    return "The simulation took the end of a container for one that follows from the fault."


def _why_effect(case: Case, predicted: Observed, observed: Observed) -> str:
    if observed.others_ended and observed.effect in (Effect.STOPS, Effect.NEVER_RUNS):
        return f"It stopped because of {_ended(observed)}, and not because of the fault itself."
    if case.fault in (Fault.VOLUME, Fault.NETWORK):
        return "ECS watches neither volumes nor the network; the program took notice by itself."
    if predicted.effect is Effect.HANGS:
        return "The wait that the simulation takes for endless came to an end."
    if observed.effect is Effect.HANGS:
        return "Something that was to start did not, within the time of the case."
    if observed.effect is Effect.RUNS_ON:
        return "What would have stopped the task did not come about within the time of the case."
    return "The fault reached further than the rules of ECS say."


def _code(seen: Observed) -> str:
    text = "did not end" if seen.exit_code is None else str(seen.exit_code)
    return f"{text}, OutOfMemoryError" if seen.out_of_memory else text


def _why_code(case: Case, predicted: Observed, observed: Observed) -> str:
    if case.fault is Fault.MEMORY and observed.exit_code == predicted.exit_code:
        return "The engine did not say that the kernel killed it for its memory."
    if case.fault in (Fault.VOLUME, Fault.NETWORK, Fault.FREEZE, Fault.UNHEALTHY):
        return f"Its own program ended when {case.words}; ECS would not have ended it."
    if observed.exit_code is None:
        return "Its main process survived, or a restart policy had started it again."
    return "It ended otherwise, or sooner, than by the fault."


def _health(seen: Observed) -> str:
    return "turned UNHEALTHY" if seen.unhealthy else "never turned UNHEALTHY"


def _why_health(case: Case, predicted: Observed, observed: Observed) -> str:
    if predicted.unhealthy and case.fault is Fault.FREEZE:
        return (
            "The health check passes while every process of the container stands still: it does not ask the "
            "program, so it would not notice one that hangs."
        )
    if predicted.unhealthy:
        return "The check did not fail often enough within the time of the case."
    if observed.unhealthy:
        return f"The health check notices that {case.words}, which the simulation cannot know."
    return ""


def _well(seen: Observed) -> str:
    return "well again" if seen.recovered_after_s is not None else "not well again"


def _why_restarts(case: Case) -> str:
    return (
        f"The restart policy looks at how long the process has run when {case.words}, and at its exit code; "
        "one of them was other than predicted."
    )


def _is_slower(predicted_s: float | None, observed_s: float | None) -> bool:
    if predicted_s is None or observed_s is None:
        return False
    return observed_s - predicted_s > TOLERANCE_S and observed_s > predicted_s * (1 + TOLERANCE_SHARE)


_YOUNG_S = 3.0
"""A process that is told to stop so soon may not listen to the signal yet."""


def _why_slow(observed: Observed) -> str:
    if not observed.slow_stops:
        return "The engine or the machine was busy: no container took long to end."
    parts = [
        f"{item.container} took {_time(item.took_s)} to end"
        f"{', all of its stopTimeout, and was killed' if item.is_killed else ''}"
        for item in observed.slow_stops
    ]
    text = f"{'; '.join(parts)}."
    if any(item.is_killed and item.age_s < _YOUNG_S for item in observed.slow_stops):
        text += (
            " Right after its start a program that is process 1 does not hear the stop signal, because it "
            "does not listen yet (initProcessEnabled changes that)."
        )
    return text


def _time(seconds: float | None) -> str:
    return "never" if seconds is None else short_duration(round(seconds, 1))
