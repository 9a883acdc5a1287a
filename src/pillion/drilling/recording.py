"""What was seen of one run: states with their times, when the fault was made, answers, lines. Values only.

Times are seconds on the scale of the states: POSIX for a run, from 0 on for a prediction. A prediction is a
recording, too: what follows from one follows from the other by the same functions.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.lifecycle.commands import Command
from pillion.core.lifecycle.state import TaskState
from pillion.core.timeline.tracks import History


class Answer(Struct, frozen=True, kw_only=True):
    """One look at the URL. `status` is None where nobody answered; `error` says how that was."""

    at_s: float
    took_s: float
    status: int | None
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the application answered, if only that it does not know the page."""
        return self.status is not None and self.status < 500


class Lines(Struct, frozen=True, kw_only=True):
    """What became of the lines of one container. `arrived` is None where nobody can look."""

    container: str
    written: int
    arrived: int | None
    pipeline: str = ""

    @property
    def lost(self) -> int | None:
        """Lines that were written and did not arrive."""
        return None if self.arrived is None else max(self.written - self.arrived, 0)


class Recording(Struct, frozen=True, kw_only=True):
    """One run of a task, from its start to its end.

    Attributes:
        history: the states with the times at which they began; never empty.
        commands: what the machine asked for and reported, in the order of time.
        struck_at_s: when the fault was made; None: it was not.
        lifted_at_s: when it was taken back, for those that last.
        age_s: how long the struck process had run by then.
        asked_at_s: when we asked the task to stop, because enough was seen; None: it stopped by itself.
        ended_at_s: the end of the run.
        not_struck: why the fault could not be made; None where it was.
        timed_out: the case was ended because its time was over.
        answers: looks at the URL, in the order of time.
        lines: what became of the output, by pipeline.
        troubles: what went wrong beside the task.
    """

    history: History
    commands: tuple[tuple[float, Command], ...] = ()
    struck_at_s: float | None = None
    lifted_at_s: float | None = None
    age_s: float | None = None
    asked_at_s: float | None = None
    ended_at_s: float
    not_struck: str | None = None
    timed_out: bool = False
    answers: tuple[Answer, ...] = ()
    lines: tuple[Lines, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def last(self) -> TaskState:
        """The state at the end."""
        return self.history[-1][1]

    @property
    def began_at_s(self) -> float:
        """When the task was started."""
        return self.history[0][0]

    def before_we_asked(self) -> TaskState:
        """The last state that came by itself: before we asked for a stop, or the end."""
        if self.asked_at_s is None:
            return self.last
        earlier = [state for at_s, state in self.history if at_s < self.asked_at_s]
        return earlier[-1] if earlier else self.history[0][1]
