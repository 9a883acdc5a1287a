"""How a simulated container behaves: one frozen script per container, one part per life of its process.

Only values live here; `world` plays them and `script` reads them from text. All times are seconds. Those of
a `Life` are counted from the start of that process, so a restart begins the next life at zero.
"""

from __future__ import annotations

from msgspec import Struct

SIGTERM_EXIT_CODE = 143
"""128 + 15: what a process that does nothing about SIGTERM ends with."""


class Line(Struct, frozen=True, kw_only=True):
    """One line of output, `after_s` after the start of the process. `stream` is stdout or stderr."""

    message: str
    after_s: float = 0.0
    stream: str = "stdout"


class Life(Struct, frozen=True, kw_only=True):
    """What one process of a container does between its start and its end.

    By default it runs until it is told to stop, is healthy from the first probe, and ends on SIGTERM after
    a moment as a process does that has no handler for it.

    Attributes:
        exits_after_s: When it ends by itself; None: never.
        exit_code: What it ends with by itself.
        healthy_after_s: From when on a health check succeeds; None: never.
        unhealthy_after_s: From when on it fails again; None: never.
        healthy_again_after_s: From when on it succeeds once more after that; None: never.
        probe_s: How long one health check takes; longer than its timeout, and it fails.
        stops_after_s: How long it takes to end after the stop signal; None: it ignores the signal.
        stop_exit_code: What it ends with on the stop signal.
        memory_mib: How much memory it needs; None: so little that no limit matters.
        memory_after_s: When it needs it.
        cpu_units: How much CPU it uses from its start on, 1024 for one vCPU.
        output: What it writes, in the order of time.
    """

    exits_after_s: float | None = None
    exit_code: int = 0
    healthy_after_s: float | None = 0.0
    unhealthy_after_s: float | None = None
    healthy_again_after_s: float | None = None
    probe_s: float = 0.05
    stops_after_s: float | None = 0.1
    stop_exit_code: int = SIGTERM_EXIT_CODE
    memory_mib: float | None = None
    memory_after_s: float = 0.5
    cpu_units: float = 0.0
    output: tuple[Line, ...] = ()

    def passes_probe(self, age_s: float) -> bool:
        """Say whether a health check that begins at this age of the process succeeds."""
        if self.healthy_after_s is None or age_s < self.healthy_after_s:
            return False
        if self.unhealthy_after_s is None or age_s < self.unhealthy_after_s:
            return True
        return self.healthy_again_after_s is not None and age_s >= self.healthy_again_after_s

    def probes_change_after(self, age_s: float) -> bool:
        """Say whether a health check may answer otherwise at some later age than it does at this one."""
        turns = (self.healthy_after_s, self.unhealthy_after_s, self.healthy_again_after_s)
        return any(turn_s is not None and turn_s > age_s for turn_s in turns)


class Behaviour(Struct, frozen=True, kw_only=True):
    """How a container behaves from its image to its end. The defaults are those of a plain healthy service.

    Attributes:
        image_present: Whether the image is on the machine before the task starts.
        manifest_error: What looking up the image in its registry fails with; None: it works.
        pull_s: How long a pull takes, also one that fails.
        pull_error: What a pull fails with; None: it works.
        create_s: How long the create call takes.
        create_error: What the create call fails with; None: it works.
        start_s: How long the start call takes until the process runs.
        start_error: What the start call fails with; None: it works.
        lives: One process after the other; the last one is repeated for every later restart.
    """

    image_present: bool = False
    manifest_error: str | None = None
    pull_s: float = 2.0
    pull_error: str | None = None
    create_s: float = 0.007
    create_error: str | None = None
    start_s: float = 0.06
    start_error: str | None = None
    lives: tuple[Life, ...] = (Life(),)

    def life(self, number: int) -> Life:
        """Return what the process does that is started for the `number`-th time, counted from 0."""
        return self.lives[min(number, len(self.lives) - 1)]


PAUSE = Behaviour(image_present=True, lives=(Life(stops_after_s=0.01, stop_exit_code=0),))
"""A pause container: its image is made here, and it ends with 0 on SIGTERM, as ECS's own does."""
