from __future__ import annotations

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.engines.simulated.faults import (
    CallFault,
    Chances,
    EventFault,
    Fate,
    Faults,
    Outage,
    draw_faults,
)

EXITED = ev.Exited(container="web", exit_code=0)
START = cmd.StartContainer(container="web", cause="test")
ERROR = ev.NamedError(name="CannotStartContainerError", text="no")


def test_without_faults_everything_is_told_at_once_and_nothing_fails() -> None:
    fate = Fate(Faults())
    assert fate.delays_of(EXITED, can_be_lost=True) == (0.0,)
    assert fate.failure_of(START) is None


def test_a_scripted_fault_meets_its_nth_event_of_its_container_only() -> None:
    fate = Fate(Faults(events=(EventFault(event=ev.Exited, container="web", nth=1, delays_s=(3.0,)),)))
    other = ev.Exited(container="other", exit_code=0)
    told = [fate.delays_of(event, can_be_lost=True) for event in (EXITED, other, other, EXITED, EXITED)]
    assert told == [(0.0,), (0.0,), (0.0,), (3.0,), (0.0,)]


def test_a_scripted_failure_meets_its_nth_call() -> None:
    fault = CallFault(command=cmd.StartContainer, container="web", error=ERROR, nth=1)
    fate = Fate(Faults(calls=(fault,)))
    assert [fate.failure_of(START) for _ in range(3)] == [None, fault, None]


def test_what_has_to_be_told_is_never_lost() -> None:
    fate = Fate(Faults(chances=Chances(loss=1.0)))
    assert fate.delays_of(EXITED, can_be_lost=True) == ()
    assert fate.delays_of(EXITED, can_be_lost=False) == (0.0,)


def test_chances_of_one_meet_every_event_and_every_call() -> None:
    fate = Fate(Faults(chances=Chances(delay=1.0, delay_s_max=5.0, repeat=1.0, call_failure=1.0)))
    delays_s = fate.delays_of(EXITED, can_be_lost=True)
    assert len(delays_s) == 2
    assert all(0.0 < delay_s <= 5.0 for delay_s in delays_s)
    assert fate.failure_of(START) is not None


def test_a_seed_gives_the_same_faults_every_time_and_seeds_differ() -> None:
    drawn = [draw_faults(seed, ("web", "db"), until_s=60.0) for seed in range(200)]
    assert drawn == [draw_faults(seed, ("web", "db"), until_s=60.0) for seed in range(200)]
    assert {bool(faults.outages) for faults in drawn} == {True, False}
    assert {bool(faults.removals) for faults in drawn} == {True, False}
    assert {bool(faults.starts_by_hand) for faults in drawn} == {True, False}
    assert {faults.chances == Chances() for faults in drawn} == {True, False}


def test_events_may_be_lost_where_something_can_lose_them() -> None:
    assert not Faults(chances=Chances(delay=1.0, delay_s_max=9.0)).may_lose_events
    assert Faults(chances=Chances(loss=0.1)).may_lose_events
    assert Faults(outages=(Outage(at_s=1.0, for_s=1.0),)).may_lose_events
    assert Faults(events=(EventFault(event=ev.Exited, container="web"),)).may_lose_events
