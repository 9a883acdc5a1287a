"""What containers should be given, after what they were seen to use."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.findings import Edit, EditAction
from pillion.core.monitoring.spread import Spread
from pillion.core.rightsizing import Advice, Change, proposal_lines, proposal_shape, rightsize
from pillion.core.rules.check import check_definition
from pillion.core.usage import Observed


def spread(*values: float) -> Spread:
    found = Spread()
    for value in values:
        found = found.with_value(value)
    return found


def seen(
    memory_mib: int = 100,
    cpu_units: int = 64,
    *,
    usual_mib: int = 40,
    usual_units: int = 32,
    for_s: float = 600,
) -> Observed:
    """Return what was seen of a container: a hundred usual looks and one peak."""
    return Observed(
        memory_mib=memory_mib,
        cpu_units=cpu_units,
        memory=spread(*[float(usual_mib)] * 100, float(memory_mib)),
        cpu=spread(*[float(usual_units)] * 100, float(cpu_units)),
        watched_s=for_s,
    )


def definition(*containers: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"family": "shop", "containerDefinitions": list(containers), **members}


WEB = {"name": "web", "image": "web:1", "cpu": 256, "memory": 512}
ROUTER = {
    "name": "router",
    "image": "fluent-bit:3",
    "memoryReservation": 64,
    "firelensConfiguration": {"type": "fluentbit"},
}


def test_what_is_usual_is_reserved_and_a_peak_fills_four_fifths_of_the_limit() -> None:
    proposal = rightsize(definition(WEB), {"web": seen()})
    assert proposal.advice == (
        Advice(
            container="web",
            changes=(
                Change(
                    member="cpu",
                    now=256,
                    proposed=48,
                    why="it used 35 units or less in 95 of 100 looks, and 64 at most; 35 / 0.8",
                ),
                Change(member="memory", now=512, proposed=128, why="its peak was 100 MiB; 100 / 0.8"),
                Change(
                    member="memoryReservation",
                    now=None,
                    proposed=48,
                    why="it held 42 MiB or less in 95 of 100 looks",
                ),
            ),
        ),
    )
    path = ("containerDefinitions", 0)
    assert proposal.edits == (
        Edit(path=(*path, "cpu"), action=EditAction.SET, value=48),
        Edit(path=(*path, "memory"), action=EditAction.SET, value=128),
        Edit(path=(*path, "memoryReservation"), action=EditAction.SET, value=48),
    )


def test_a_container_without_a_hard_limit_gets_none() -> None:
    proposal = rightsize(definition({**WEB, "memory": None, "memoryReservation": 64}), {"web": seen()})
    assert [item.member for item in proposal.advice[0].changes] == ["cpu", "memoryReservation"]


def test_one_that_was_at_its_limit_may_want_more_than_was_seen() -> None:
    proposal = rightsize(definition(WEB), {"web": seen(memory_mib=510)})
    memory = proposal.advice[0].changes[1]
    assert memory.proposed == 640
    assert memory.why.endswith("it was at its limit, so it may want more still")


def test_a_log_router_keeps_room_for_its_buffer() -> None:
    proposal = rightsize(definition(WEB, ROUTER), {"router": seen(memory_mib=20, usual_mib=16)})
    _, router = proposal.advice
    reservation = router.changes[-1]
    assert (reservation.now, reservation.proposed) == (64, 50)
    assert "FireLens makes its buffer half as large" in reservation.why


def test_what_was_seen_too_little_stays_and_counts_as_it_is() -> None:
    task = definition(WEB, {**WEB, "name": "other"}, cpu="1024", memory="2048")
    proposal = rightsize(task, {"web": seen(), "other": seen(for_s=20)})
    assert proposal.advice[1] == Advice(
        container="other", reason="it was seen for 20s only, and 5m are wanted"
    )
    assert proposal.knows_enough
    size = proposal.advice[2]
    assert [(item.member, item.now, item.proposed) for item in size.changes] == [
        ("cpu", 1024, 384),
        ("memory", 2048, 640),
    ]
    assert size.changes[0].why == "its containers need 304 CPU units and 640 MiB together"
    assert rightsize(task, {"other": seen(for_s=20)}, seen_for_s=10).knows_enough


def test_nothing_seen_is_no_proposal() -> None:
    proposal = rightsize(definition(WEB, cpu="256", memory="512"), {})
    assert not proposal.knows_enough
    assert proposal.edits == ()
    assert proposal_lines(proposal) == ["web", "  stays as it is: it was never seen to run"]


def test_a_job_that_ends_need_not_be_seen_for_long() -> None:
    job = {"name": "init", "image": "i:1", "memory": 512, "essential": False}
    wait = {"containerName": "init", "condition": "SUCCESS"}
    proposal = rightsize(definition(job, {**WEB, "dependsOn": [wait]}), {"init": seen(for_s=1)})
    assert proposal.advice[0].changes


@pytest.mark.parametrize(
    ("peak_mib", "units", "size"),
    [(100, 64, ("256", "512")), (1700, 64, ("512", "3072")), (100, 3000, ("4096", "8192"))],
)
def test_fargate_gets_the_smallest_size_that_it_offers(
    peak_mib: int, units: int, size: tuple[str, str]
) -> None:
    task = definition(WEB, cpu="1024", memory="4096", requiresCompatibilities=["FARGATE"])
    proposal = rightsize(task, {"web": seen(memory_mib=peak_mib, cpu_units=units, usual_units=units)})
    edited = apply(task, proposal.edits)
    assert (edited["cpu"], edited["memory"]) == size


def test_more_than_fargate_offers_is_said() -> None:
    task = definition(WEB, cpu="1024", memory="4096", requiresCompatibilities=["FARGATE"])
    proposal = rightsize(task, {"web": seen(memory_mib=120_000)})
    assert proposal.advice[-1].reason.endswith("and Fargate offers nothing so large")


def test_a_proposal_is_told_in_lines_and_as_json() -> None:
    proposal = rightsize(definition({**WEB, "cpu": 48}), {"web": seen()})
    assert proposal_lines(proposal) == [
        "web",
        (
            "  cpu               fits              it used 35 units or less in 95 of 100 looks, "
            "and 64 at most; 35 / 0.8"
        ),
        "  memory            512 -> 128        its peak was 100 MiB; 100 / 0.8",
        "  memoryReservation not set -> 48     it held 42 MiB or less in 95 of 100 looks",
    ]
    assert proposal_shape(proposal)[0]["changes"][1] == {
        "member": "memory",
        "now": 512,
        "proposed": 128,
        "why": "its peak was 100 MiB; 100 / 0.8",
    }


def apply(task: dict[str, Any], edits: tuple[Edit, ...]) -> dict[str, Any]:
    edited = copy.deepcopy(task)
    for edit in edits:
        place: Any = edited
        for part in edit.path[:-1]:
            place = place[part]
        place[edit.path[-1]] = edit.value
    return edited


NUMBERS = st.integers(min_value=1, max_value=4000)


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=3),
    st.sampled_from([None, "EC2", "FARGATE"]),
)
def test_a_proposal_is_never_one_that_aws_refuses(
    uses: list[tuple[int, int, int, int]], launch_type: str | None
) -> None:
    containers = [{**WEB, "name": f"c{number}", "cpu": 0, "memory": 64} for number in range(len(uses))]
    members: dict[str, Any] = {"networkMode": "awsvpc"}
    if launch_type is not None:
        members |= {"requiresCompatibilities": [launch_type], "cpu": "1024", "memory": "2048"}
    if launch_type == "FARGATE":
        members["executionRoleArn"] = "arn:aws:iam::123456789012:role/x"
    task = definition(*containers, **members)
    observed = {
        f"c{number}": seen(
            memory_mib=max(peak_mib, usual_mib),
            cpu_units=max(peak, usual),
            usual_mib=usual_mib,
            usual_units=usual,
        )
        for number, (peak_mib, usual_mib, peak, usual) in enumerate(uses)
    }
    refused = {item.code for item in check_definition(task) if item.severity.value == "error"}
    edited = apply(task, rightsize(task, observed).edits)
    after = {item.code for item in check_definition(edited) if item.severity.value == "error"}
    assert after <= refused
