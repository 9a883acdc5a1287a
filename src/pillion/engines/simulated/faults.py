"""What goes wrong around the containers: late, lost and repeated events, failing calls, a restarting engine.

Faults are scripted one by one, or drawn from a seed (`draw_faults`, `Chances`), or both. The same faults in
the same world give the same run. What a container itself does wrong is its `behaviour`, not a fault.

Surprising: what answers a call can be late or told twice, but never lost: an engine that does not answer is
an `Outage`. Events are reordered by delaying some of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from msgspec import Struct, field
from msgspec.structs import replace

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev


class EventFault(Struct, frozen=True, kw_only=True):
    """What happens to the `nth` event (from 0) of a kind of one container instead of being told at once.

    `delays_s` has one delay for each time that it is told: `()` loses it, `(5.0,)` delays it, `(0.0, 3.0)`
    tells it twice.
    """

    event: type[ev.Event]
    container: str
    nth: int = 0
    delays_s: tuple[float, ...] = ()


class CallFault(Struct, frozen=True, kw_only=True):
    """The `nth` call (from 0) of a kind for one container fails.

    With `takes_effect` a start that fails starts the process all the same, and is reported as one that may
    have; of other calls it changes nothing.
    """

    command: type[cmd.Command]
    container: str
    error: ev.NamedError
    nth: int = 0
    takes_effect: bool = False


class Outage(Struct, frozen=True, kw_only=True):
    """The engine restarts: every process is killed, events are lost and calls wait until it is back."""

    at_s: float
    for_s: float


class Removal(Struct, frozen=True, kw_only=True):
    """Somebody else removes a container by force."""

    container: str
    at_s: float


class StartByHand(Struct, frozen=True, kw_only=True):
    """Somebody else starts a container that has ended."""

    container: str
    at_s: float


class Chances(Struct, frozen=True, kw_only=True):
    """How likely each kind of trouble is, from 0 to 1, for every event or call anew."""

    delay: float = 0.0
    delay_s_max: float = 0.0
    loss: float = 0.0
    repeat: float = 0.0
    call_failure: float = 0.0


class Faults(Struct, frozen=True, kw_only=True):
    """All that goes wrong in one run."""

    seed: int = 0
    chances: Chances = field(default_factory=Chances)
    events: tuple[EventFault, ...] = ()
    calls: tuple[CallFault, ...] = ()
    outages: tuple[Outage, ...] = ()
    removals: tuple[Removal, ...] = ()
    starts_by_hand: tuple[StartByHand, ...] = ()

    @property
    def may_lose_events(self) -> bool:
        """Say whether something can happen that nobody is told of."""
        return bool(self.chances.loss or self.outages or any(not fault.delays_s for fault in self.events))


NO_FAULTS = Faults()

_CALL_ERRORS: dict[type[cmd.Command], ev.NamedError] = {
    cmd.ResolveManifest: ev.NamedError(name="CannotPullImageManifestError", text="registry did not answer"),
    cmd.PullImage: ev.NamedError(name="CannotPullContainerError", text="connection reset by peer"),
    cmd.CreateContainer: ev.NamedError(name="CannotCreateContainerError", text="no space left on device"),
    cmd.StartContainer: ev.NamedError(name="CannotStartContainerError", text="OCI runtime start failed"),
    cmd.ProvisionNamespace: ev.NamedError(name="ContainerNetworkingError", text="no address is left"),
    cmd.StopContainer: ev.NamedError(name="CannotStopContainerError", text="container is not responding"),
    cmd.KillContainer: ev.NamedError(name="CannotStopContainerError", text="container is not responding"),
}

_CALM, _ROUGH = Chances(), Chances(delay=0.3, delay_s_max=20.0, loss=0.15, repeat=0.2, call_failure=0.03)


def draw_faults(seed: int, containers: Sequence[str], *, until_s: float) -> Faults:
    """Draw faults from a seed: sometimes none, mostly some chances, now and then a disaster.

    Args:
        seed: the same seed gives the same faults.
        containers: names of the containers that something may happen to.
        until_s: disasters happen before this time of the run.
    """
    random = Random(seed)  # noqa: S311 - faults have to be repeatable, not secret
    rough = random.random() < 0.8
    chances = replace(_ROUGH, delay_s_max=random.choice((0.01, 1.0, 20.0))) if rough else _CALM
    outages = (
        (Outage(at_s=random.uniform(0, until_s), for_s=random.uniform(0.5, 30)),)
        if random.random() < 0.15
        else ()
    )
    removals = tuple(
        Removal(container=name, at_s=random.uniform(0, until_s))
        for name in containers
        if random.random() < 0.04
    )
    by_hand = tuple(
        StartByHand(container=name, at_s=random.uniform(0, until_s))
        for name in containers
        if random.random() < 0.04
    )
    return Faults(seed=seed, chances=chances, outages=outages, removals=removals, starts_by_hand=by_hand)


class Fate:
    """The faults of one run as they come: it counts what has been, and draws in order."""

    def __init__(self, faults: Faults) -> None:
        self._chances = faults.chances
        self._events = {(item.event, item.container, item.nth): item for item in faults.events}
        self._calls = {(item.command, item.container, item.nth): item for item in faults.calls}
        self._counts: Counter[tuple[type, str]] = Counter()
        self._random = Random(faults.seed)  # noqa: S311 - as above
        self._is_calm = faults.chances == _CALM

    def delays_of(self, event: ev.Event, *, can_be_lost: bool) -> tuple[float, ...]:
        """Return after how long an event is told, once for each time that it is."""
        scripted = self._events and self._events.get(self._numbered(event, getattr(event, "container", "")))
        if scripted:
            return scripted.delays_s or (() if can_be_lost else (0.0,))
        if self._is_calm:
            return (0.0,)
        chances, draw = self._chances, self._random.random
        if draw() < chances.loss and can_be_lost:
            return ()
        times = 2 if draw() < chances.repeat else 1
        return tuple(
            self._random.uniform(0, chances.delay_s_max) if draw() < chances.delay else 0.0
            for _ in range(times)
        )

    def failure_of(self, command: cmd.Command) -> CallFault | None:
        """Return how a call fails, or None where it does what it should."""
        container = getattr(command, "container", "")
        scripted = self._calls and self._calls.get(self._numbered(command, container))
        if scripted:
            return scripted
        error = _CALL_ERRORS.get(type(command))
        if self._is_calm or error is None or self._random.random() >= self._chances.call_failure:
            return None
        effect = self._random.random() < 0.5
        return CallFault(command=type(command), container=container, error=error, takes_effect=effect)

    def _numbered(self, what: ev.Event | cmd.Command, container: str) -> tuple[type, str, int]:
        number = self._counts[type(what), container]
        self._counts[type(what), container] += 1
        return type(what), container, number
