"""Events and states as JSON: exact shapes, tolerance, and errors that say what to do."""

import json
from typing import Any

import pytest

from core.lifecycle.making import at, container, state_of, task
from pillion.core.codec import CodecError
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.codec import (
    FORMAT,
    decode_event,
    decode_state,
    encode_event,
    encode_state,
)
from pillion.core.lifecycle.spec import ResourceNeed, RestartPolicy
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, StopCode

ERROR = ev.NamedError(name="CannotPullContainerError", text="no")

SHAPES = [
    (ev.StartRequested(), {"type": "StartRequested"}),
    (ev.StopRequested(), {"type": "StopRequested"}),
    (
        ev.StopRequested(reason="Deployed anew", stop_code=StopCode.SERVICE_SCHEDULER_INITIATED),
        {"type": "StopRequested", "reason": "Deployed anew", "stop_code": "ServiceSchedulerInitiated"},
    ),
    (ev.ManifestResolved(container="web"), {"type": "ManifestResolved", "container": "web"}),
    (
        ev.PullFailed(container="web", error=ERROR, cached=False),
        {
            "type": "PullFailed",
            "container": "web",
            "error": {"name": "CannotPullContainerError", "text": "no"},
            "cached": False,
        },
    ),
    (
        ev.Exited(container="web", exit_code=None, at_s=1.5, out_of_memory=True),
        {"type": "Exited", "container": "web", "exit_code": None, "at_s": 1.5, "out_of_memory": True},
    ),
    (
        ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY, output="curl: (7)", exit_code=7),
        {
            "type": "HealthChanged",
            "container": "web",
            "status": "UNHEALTHY",
            "output": "curl: (7)",
            "exit_code": 7,
        },
    ),
]


@pytest.mark.parametrize(("event", "shape"), SHAPES)
def test_an_event_is_written_with_its_type_its_format_and_what_differs_from_the_default(
    event: ev.Event, shape: dict[str, Any]
) -> None:
    assert encode_event(event) == {**shape, "format": FORMAT}


@pytest.mark.parametrize(("event", "shape"), SHAPES)
def test_an_event_is_read_from_its_shape(event: ev.Event, shape: dict[str, Any]) -> None:
    assert decode_event({**shape, "format": FORMAT}) == event


def test_a_field_that_nobody_here_knows_is_ignored() -> None:
    value = {"type": "PullStarted", "format": FORMAT, "container": "web", "colour": {"of": ["the sea"]}}
    assert decode_event(value) == ev.PullStarted(container="web")


def test_a_whole_number_is_read_as_a_time() -> None:
    value = {"type": "Started", "format": FORMAT, "container": "web", "at_s": 7}
    event = decode_event(value)
    assert event == ev.Started(container="web", at_s=7.0)
    assert isinstance(event, ev.Started)
    assert isinstance(event.at_s, float)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "a stored event has to be a JSON object, not []"),
        ({"type": "Started"}, 'the stored event does not say its format: {"type": "Started"}'),
        ({"type": "Started", "format": True}, "does not say its format"),
        ({"type": "Exploded", "format": 1}, "the unknown type 'Exploded'"),
        ({"type": ["Started"], "format": 1}, "the unknown type ['Started']"),
        ({"format": 1}, "the unknown type None"),
        ({"type": "Started", "format": 999}, "has format 999 and this pillion reads up to 1"),
        ({"type": "Started", "format": 1, "container": "web"}, "Started.at_s is missing"),
        ({"type": "Started", "format": 1, "container": "web", "at_s": "noon"}, "has to be of type float"),
        (
            {"type": "Started", "format": 1, "container": 5, "at_s": 1},
            "Started.container has to be of type str",
        ),
        ({"type": "Exited", "format": 1, "container": "web", "exit_code": True}, "of type int, not true"),
        (
            {"type": "HealthChanged", "format": 1, "container": "web", "status": "FINE"},
            'HealthChanged.status is "FINE"; allowed are UNKNOWN, HEALTHY, UNHEALTHY',
        ),
        (
            {"type": "CreateFailed", "format": 1, "container": "web", "error": "no"},
            'CreateFailed.error has to be a JSON object, not "no"',
        ),
    ],
)
def test_what_cannot_be_read_is_said(value: Any, words: str) -> None:
    with pytest.raises(CodecError) as raised:
        decode_event(value)
    assert words in str(raised.value)


def test_an_unknown_type_says_what_to_do() -> None:
    with pytest.raises(CodecError, match="bring this one up to date"):
        decode_event({"type": "Exploded", "format": 1})


def test_an_error_about_a_long_value_stays_short() -> None:
    with pytest.raises(CodecError) as raised:
        decode_event(["x" * 10_000])
    assert len(str(raised.value)) < 200


RICH = state_of(
    task(
        container(
            "web",
            waits={"db": "SUCCESS"},
            restart=RestartPolicy(ignored_exit_codes=frozenset({3, 0}), attempt_period_s=60.0),
            needs=(ResourceNeed(resource="network", before=ContainerStatus.CREATED),),
            start_timeout_s=20.0,
        ),
        container("db", essential=False),
        resources=("network",),
    ),
    web=at("RUNNING", restarting=ev.Exited(container="web", exit_code=1), error=ERROR),
)


def test_a_state_comes_back_as_it_was() -> None:
    assert decode_state(json.loads(json.dumps(encode_state(RICH)))) == RICH


def test_a_set_is_written_in_order_so_that_the_same_state_is_the_same_text() -> None:
    (web, _) = encode_state(RICH)["spec"]["containers"]
    assert web["restart"] == {"ignored_exit_codes": [0, 3], "attempt_period_s": 60.0}


def test_a_state_of_a_newer_pillion_is_read_as_far_as_it_is_known() -> None:
    value = encode_state(RICH)
    value["mood"] = "good"
    value["containers"]["web"]["mood"] = "better"
    assert decode_state(value) == RICH


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "a stored state has to be a JSON object, not null"),
        ({"format": 2}, "has format 2 and this pillion reads up to 1"),
        ({"format": 1}, "state.spec is missing"),
        ({**encode_state(RICH), "containers": []}, "state.containers has to be a JSON object, not []"),
        ({**encode_state(RICH), "known": "ASLEEP"}, 'state.known is "ASLEEP"; allowed are NONE'),
        (
            {**encode_state(RICH), "spec": {"task_arn": "x", "containers": {}}},
            "state.spec.containers has to be a list",
        ),
        (
            {**encode_state(RICH), "spec": {"task_arn": "x", "containers": [{}]}},
            "state.spec.containers[0].name is missing",
        ),
    ],
)
def test_a_state_that_cannot_be_read_says_where(value: Any, words: str) -> None:
    with pytest.raises(CodecError) as raised:
        decode_state(value)
    assert words in str(raised.value)
