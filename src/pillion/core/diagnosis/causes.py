"""From evidence to explanations: the reasons, the exits, the health, the output and the waits of one task."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from pillion.core.diagnosis.culprit import Culprit, never_ran
from pillion.core.diagnosis.definition import DefinitionFacts
from pillion.core.diagnosis.evidence import ContainerEvidence, TaskEvidence
from pillion.core.diagnosis.exits import KILLED_AFTER_STOP_TIMEOUT, ExitMeaning, meaning_of
from pillion.core.diagnosis.known import KnownText, Match, Role, Scope, recognise
from pillion.core.diagnosis.model import Explanation
from pillion.core.diagnosis.outputs import OUTPUTS
from pillion.core.diagnosis.pulls import PULLS
from pillion.core.diagnosis.resources import RESOURCES
from pillion.core.diagnosis.starts import STARTS
from pillion.core.diagnosis.stops import BY_STOP_CODE, SAYS_NOTHING, STOPS
from pillion.core.lifecycle.explain import Waiting, WaitKind
from pillion.core.lifecycle.spec import STOP_TIMEOUT_DEFAULT_S
from pillion.core.lifecycle.states import Condition
from pillion.core.units import format_duration_s

REASON_TABLES: tuple[tuple[KnownText, ...], ...] = (PULLS, RESOURCES, STARTS)
"""What a container's reason may say. Fargate copies it into the task's stoppedReason, too."""

TASK_TABLES: tuple[tuple[KnownText, ...], ...] = (STOPS, *REASON_TABLES)
"""What a task's stoppedReason may say."""

_STOPPED_BY_A_SIGNAL = (None, 0, 143)
"""Exit codes that need no explanation in a container that was told to stop."""

_WAITS = {
    WaitKind.TASK: ("not-started", Role.EXPECTED),
    WaitKind.OPERATION: ("working", Role.EXPECTED),
    WaitKind.DEPENDENCY: ("waits", Role.EXPECTED),
    WaitKind.HOLDER: ("waits", Role.EXPECTED),
    WaitKind.RESOURCE: ("waits", Role.EXPECTED),
    WaitKind.STOP_ORDER: ("waits-to-stop", Role.NOTE),
}
"""The finding that a wait is, and its part: who waits for others to stop is not why the task stops."""

_CLOCK_SLACK_S = 1.5
"""ECS's times come from several clocks; a stopTimeout that is missed by less was probably reached."""


class Causes:
    """Collects the explanations of one task."""

    def __init__(
        self,
        task: TaskEvidence,
        facts: DefinitionFacts | None,
        culprit: Culprit | None,
        waits: tuple[Waiting, ...],
    ) -> None:
        self._task = task
        self._facts = facts
        self._culprit = culprit
        self._waits = waits
        self._dependencies = tuple(
            word for item in task.containers if (word := dependency_in(item.reason)) is not None
        )
        self._late = {
            word: item.name
            for item in task.containers
            if (word := dependency_in(item.reason)) is not None and _has_timed_out(item.reason)
        }

    def all(self) -> tuple[Explanation, ...]:
        """Return every explanation, in the order in which they matter."""
        found: list[Explanation] = []
        for item in self._task.containers:
            found += self._of_container(item)
        found += self._of_task({item.code for item in found})
        found += self._of_waits()
        found += self._of_router()
        if not any(item.role in (Role.FAULT, Role.EXPECTED) for item in found):
            found += self._unknown()
        return tuple(sorted(found, key=self._rank))

    def _rank(self, item: Explanation) -> tuple[int, int]:
        first = item.container in self._dependencies or self._is_culprit(item.container)
        roles = (Role.FAULT, Role.EXPECTED, Role.CONSEQUENCE, Role.NOTE)
        return roles.index(item.role), 0 if first else 1

    def _is_culprit(self, name: str | None) -> bool:
        return self._culprit is not None and self._culprit.name == name

    def _of_container(self, item: ContainerEvidence) -> Iterator[Explanation]:
        yield from self._of_reason(item)
        yield from self._of_lateness(item)
        yield from self._of_exit(item)
        yield from self._of_health(item)
        yield from self._of_output(item)

    def _of_reason(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if not item.reason:
            return
        match = recognise(item.reason, REASON_TABLES)
        if match is None:
            yield self._unknown_reason(item)
            return
        found = self._explanation(match, item.name, item.reason, f"{item.name} reason")
        if match.known.code == "out-of-memory":
            found = replace(found, evidence=(*found.evidence, *self._memory_words(item)))
        if match.known in PULLS and self._runs_anyway(item):
            found = replace(
                found,
                code="stale-pull-error",
                role=Role.NOTE,
                what=f"an earlier pull failed ({found.what}), and an older image of that name is used",
                why="ECS keeps a container's first error, also where it went on well.",
            )
        yield found

    @staticmethod
    def _runs_anyway(item: ContainerEvidence) -> bool:
        return item.last_status == "RUNNING" or bool(item.has_run)

    def _unknown_reason(self, item: ContainerEvidence) -> Explanation:
        return Explanation(
            code="unknown-reason",
            role=Role.FAULT,
            container=item.name,
            what="ECS gives a reason that pillion does not know",
            evidence=(f"{item.name} reason: {item.reason}", *_exit_words(item)),
            advice=("The words are ECS's or the engine's own: search for them as they are.",),
            path=self._path(item.name, (), Scope.CONTAINER),
            is_certain=False,
        )

    def _memory_words(self, item: ContainerEvidence) -> tuple[str, ...]:
        if item.memory_mib:
            limit = f"its limit is {item.memory_mib} MiB"
        elif self._task.memory:
            limit = f"it has no limit of its own; the task's is {self._task.memory} MiB"
        else:
            limit = ""
        peak = ""
        if item.memory_peak_mib is not None:
            peak = f"it was seen to use {item.memory_peak_mib} MiB at most"
        elif self._task.is_local:
            peak = "what it used was not seen: it ended before its first sample"
        return tuple(text for text in (*_exit_words(item), limit, peak) if text)

    def _of_exit(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if item.last_status != "STOPPED" or item.exit_code is None or never_ran(item):
            return
        if "OutOfMemoryError" in item.reason:
            return
        held_up = item.name in self._dependencies and not self._was_late(item)
        if self._is_culprit(item.name) or held_up:
            yield self._exit(item, meaning_of(item.exit_code), Role.FAULT)
        elif self._was_told_to_stop(item):
            yield from self._of_stop(item)
        elif item.exit_code != 0:
            yield self._exit(item, meaning_of(item.exit_code), Role.FAULT)

    def _was_late(self, item: ContainerEvidence) -> bool:
        """Whether others gave up waiting for a container that ran on; its exit came later, and is not why."""
        return item.name in self._late and (item.last_status != "STOPPED" or self._was_told_to_stop(item))

    def _of_lateness(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if not self._was_late(item):
            return
        waiter = self._late[item.name]
        edge = self._facts.dependency(waiter, item.name) if self._facts else None
        spec = self._facts.container(item.name) if self._facts else None
        goal = edge.condition.value if edge else "what others wait for"
        limit = f" ({spec.start_timeout_s:g} s)" if spec and spec.start_timeout_s else ""
        probed = edge is not None and edge.condition is Condition.HEALTHY
        yield Explanation(
            code="not-in-time",
            role=Role.FAULT,
            container=item.name,
            what=f"it did not get to {goal} within its startTimeout{limit}",
            why="The time runs from its own start, health check and startPeriod included.",
            evidence=(*(self._health_words(item) if probed else ()), *_last_words(item)),
            advice=(
                *(("Run its health check by hand: does it succeed, and how soon?",) if probed else ()),
                "Raise startTimeout, or leave it out: then there is no limit on EC2.",
            ),
            path=self._path(item.name, ("startTimeout",), Scope.CONTAINER),
        )

    def _was_told_to_stop(self, item: ContainerEvidence) -> bool:
        begun_s = self._task.stopping_at_s
        if item.stopped_at_s is not None and begun_s is not None:
            return item.stopped_at_s >= begun_s
        return self._task.is_stopped or self._task.desired_status == "STOPPED"

    def _of_stop(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if item.exit_code in _STOPPED_BY_A_SIGNAL:
            return
        if item.exit_code != 137:
            found = self._exit(item, meaning_of(item.exit_code or 0), Role.NOTE)
            yield replace(found, what=f"{found.what}, when it was stopped or before", is_certain=False)
            return
        taken_s, limit_s = self._stop_taken_s(item), self._stop_timeout_s(item.name)
        if taken_s is not None and taken_s < limit_s - _CLOCK_SLACK_S:
            words = (
                f"it ended {format_duration_s(taken_s)} after the stop began; "
                f"its stopTimeout is {limit_s:g} s{self._assumed()}"
            )
            found = self._exit(item, meaning_of(137), Role.NOTE)
            yield replace(found, evidence=(*found.evidence, words), is_certain=False)
            return
        found = self._exit(item, KILLED_AFTER_STOP_TIMEOUT, Role.NOTE)
        if taken_s is not None:
            words = f"stopTimeout {limit_s:g} s{self._assumed()}; the stop took {format_duration_s(taken_s)}"
            found = replace(found, evidence=(*found.evidence, words))
        yield replace(found, is_certain=taken_s is not None)

    def _assumed(self) -> str:
        return "" if self._facts else " (the default; the definition is not known)"

    def _stop_taken_s(self, item: ContainerEvidence) -> float | None:
        end_s, begun_s = item.stopped_at_s or self._task.stopped_at_s, self._task.stopping_at_s
        return None if end_s is None or begun_s is None else max(0.0, end_s - begun_s)

    def _stop_timeout_s(self, name: str) -> float:
        spec = self._facts.container(name) if self._facts else None
        return spec.stop_timeout_s if spec else STOP_TIMEOUT_DEFAULT_S

    def _exit(self, item: ContainerEvidence, meaning: ExitMeaning, role: Role) -> Explanation:
        certain = not (self._is_culprit(item.name) and self._culprit and not self._culprit.is_certain)
        hint = recognise("\n".join(item.lines), (OUTPUTS,)) if item.lines else None
        return Explanation(
            code=meaning.code,
            role=role,
            container=item.name,
            what=meaning.cause,
            why=meaning.explanation,
            evidence=(*_exit_words(item), *_last_words(item)),
            advice=(*(hint.advice if hint else ()), *meaning.advice),
            path=self._path(item.name, meaning.member, Scope.CONTAINER),
            is_certain=certain,
        )

    def _of_health(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if item.health_status != "UNHEALTHY":
            return
        hint = recognise(item.health_output, (OUTPUTS,)) if item.health_output.strip() else None
        yield Explanation(
            code="unhealthy",
            role=Role.FAULT,
            container=item.name,
            what="its health check fails",
            why="The command of the definition's healthCheck is run inside the container; any exit code "
            "but 0 is a failure, and so is no answer within timeout.",
            evidence=self._health_words(item),
            advice=(
                *(hint.advice if hint else ()),
                "Run the command inside the image by hand: is the program there, does the address answer?",
                "startPeriod longer than the program takes to start.",
            ),
            path=self._path(item.name, ("healthCheck",), Scope.CONTAINER),
        )

    def _health_words(self, item: ContainerEvidence) -> tuple[str, ...]:
        check = self._facts.health_check(item.name) if self._facts else None
        timing = ""
        if check is not None:
            interval, retries, start = check.interval or 30, check.retries or 3, check.start_period or 0
            first = f"after {start} s of startPeriod, " if start else "without a startPeriod, "
            timing = (
                f"{first}{_failed_probes(retries)} it UNHEALTHY; one is made every {interval} s, "
                f"with {check.timeout or 5} s to answer"
            )
        output = f"its last output: {item.health_output.strip()}" if item.health_output.strip() else ""
        words = (f"{item.name} healthStatus: {item.health_status}", _unhealthy_since(item), output, timing)
        return tuple(text for text in words if text)

    def _of_output(self, item: ContainerEvidence) -> Iterator[Explanation]:
        if item.last_status != "STOPPED" or item.exit_code in (0, None, 143):
            return
        for line in reversed(item.lines):
            match = recognise(line, (OUTPUTS,))
            if match is not None:
                yield self._explanation(match, item.name, line, f"{item.name} wrote", is_certain=False)
                return

    def _of_task(self, told: set[str]) -> Iterator[Explanation]:
        reason, code = self._task.stopped_reason, self._task.stop_code
        if reason and not _says_nothing(reason):
            match = recognise(reason, TASK_TABLES)
            if match is not None and match.known.code not in told:
                yield self._explanation(match, None, reason, "stoppedReason")
                return
            if match is not None:
                return
        if code in BY_STOP_CODE:
            match = _bare(BY_STOP_CODE[code])
            yield self._explanation(match, None, f"{code}: {reason}".rstrip(": "), "stopCode")

    def _of_waits(self) -> Iterator[Explanation]:
        for wait in self._waits:
            if self._task.container(wait.container) is None:
                continue  # a pause container: those who wait for it say so
            target = wait.on[0] if wait.on else ""
            member = ("dependsOn",) if wait.kind is WaitKind.DEPENDENCY else ()
            advice: tuple[str, ...] = ()
            if wait.for_ever:
                advice = (
                    "Nothing but stopping the task ends this wait: ECS does not look for it.",
                    "Set startTimeout on the dependency, make it essential, or wait for another condition.",
                )
            yield Explanation(
                code="waits-for-ever" if wait.for_ever else _WAITS[wait.kind][0],
                role=Role.FAULT if wait.for_ever else _WAITS[wait.kind][1],
                container=wait.container,
                what=wait.text.removeprefix(f"{wait.container} "),
                evidence=tuple(self._status_words(name) for name in wait.on),
                advice=advice,
                path=self._path(wait.container, member, Scope.CONTAINER, about=target) if member else (),
            )

    def _status_words(self, name: str) -> str:
        item = self._task.container(name)
        if item is None:
            return f"{name}: not among the task's containers"
        exit_code = f", exit code {item.exit_code}" if item.exit_code is not None else ""
        health = f", {item.health_status}" if item.health_status != "UNKNOWN" else ""
        return f"{name} is {item.last_status or 'in no known status'}{exit_code}{health}"

    def _of_router(self) -> Iterator[Explanation]:
        """A router that ended takes the output of everybody who logs through it along."""
        name = self._facts.log_router if self._facts else _router_by_image(self._task)
        item = self._task.container(name) if name else None
        if item is None or item.last_status != "STOPPED" or self._was_told_to_stop_not_first(item):
            return
        users = self._facts.logging_through_router if self._facts else ()
        whose = f" of {', '.join(users)}" if users else " of the containers that log through it"
        yield Explanation(
            code="log-router-ended",
            role=Role.FAULT,
            container=item.name,
            what=f"the log router ended and took the output{whose} along",
            why="Lines that it had not delivered yet are lost, and so is what is written after it, "
            "until the task ends.",
            evidence=tuple(_exit_words(item)),
            advice=(
                "An essential router ends the task instead of losing logs in silence: choose on purpose.",
                "Give it memory for its buffers: a limit of 50 MiB is often too little under load.",
            ),
            path=self._path(item.name, ("essential",), Scope.CONTAINER),
            is_certain=self._facts is not None,
        )

    def _was_told_to_stop_not_first(self, item: ContainerEvidence) -> bool:
        return self._was_told_to_stop(item) and not self._is_culprit(item.name)

    def _unknown(self) -> Iterator[Explanation]:
        """Say that nobody here knows, and what there is; only for tasks that ended or were told to."""
        task = self._task
        if not task.is_stopped and task.desired_status != "STOPPED":
            return
        words = [
            f"stopCode: {task.stop_code or '(none)'}",
            f"stoppedReason: {task.stopped_reason or '(none)'}",
        ]
        for item in task.containers:
            words += _exit_words(item)
        yield Explanation(
            code="unknown",
            role=Role.FAULT,
            what="why it stopped is not known here",
            why="Neither the reason nor the exit codes fit anything that pillion knows.",
            evidence=tuple(words),
            advice=(
                "Look at the output of the containers.",
                "Search for the reason as it is; the words are AWS's own.",
            ),
            is_certain=False,
        )

    def _explanation(
        self, match: Match, container: str | None, text: str, source: str, *, is_certain: bool = True
    ) -> Explanation:
        known = match.known
        about = match.words.get("dependency") or text
        owner = container or self._owner(known, text)
        local = known.local_advice if self._task.is_local else ()
        return Explanation(
            code=known.code,
            role=known.role,
            container=container,
            what=match.cause,
            why=match.explanation,
            evidence=(f"{source}: {text}",),
            advice=(*local, *match.advice),
            path=self._path(owner, known.member, known.scope, about=about),
            is_certain=is_certain,
        )

    def _owner(self, known: KnownText, text: str) -> str | None:
        """Return the container whose member a reason of the task is about: one that is named in it."""
        names = [item.name for item in self._task.containers]
        for name in names:
            if len(self._path(name, known.member, known.scope, about=text)) > len(known.member) + 2:
                return name
        return names[0] if len(names) == 1 else None

    def _path(
        self, container: str | None, member: tuple[str, ...], scope: Scope, *, about: str = ""
    ) -> tuple[str | int, ...]:
        return self._facts.path(container, member, scope, about=about) if self._facts else ()


def dependency_in(reason: str) -> str | None:
    """Return the container that a reason names as the dependency which did not hold, or None."""
    match = recognise(reason, (STARTS,)) if "dependency graph:" in reason else None
    return match.words.get("dependency") or None if match else None


def _has_timed_out(reason: str) -> bool:
    match = recognise(reason, (STARTS,))
    return match is not None and match.known.code == "dependency-timed-out"


def _bare(known: KnownText) -> Match:
    return Match(known=known, cause=known.cause, explanation=known.explanation, advice=known.advice)


def _says_nothing(reason: str) -> bool:
    return reason.strip().rstrip(".") in SAYS_NOTHING


def _exit_words(item: ContainerEvidence) -> tuple[str, ...]:
    return () if item.exit_code is None else (f"{item.name} exitCode: {item.exit_code}",)


def _failed_probes(retries: int) -> str:
    return "one failed probe makes" if retries == 1 else f"{retries} failed probes in a row make"


def _unhealthy_since(item: ContainerEvidence) -> str:
    """Return how long after its start a container became UNHEALTHY, where both are known."""
    since_s, started_s = item.health_since_s, item.started_at_s
    if item.health_status != "UNHEALTHY":
        return ""
    if since_s is None or started_s is None or since_s < started_s:
        return ""
    return f"it became UNHEALTHY {format_duration_s(since_s - started_s)} after its start"


_SHOWN_LINES = 3


def _last_words(item: ContainerEvidence) -> tuple[str, ...]:
    shown = [line for line in item.lines if line.strip()][-_SHOWN_LINES:]
    return tuple(f"{item.name} wrote: {line}" for line in shown)


def _router_by_image(task: TaskEvidence) -> str | None:
    """Guess the log router by its image, where there is no definition to ask."""
    for item in task.containers:
        if "fluent-bit" in item.image or "fluentbit" in item.image or "fluentd" in item.image:
            return item.name
    return None
