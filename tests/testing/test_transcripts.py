"""Transcripts themselves: what is read, what is written, and what is refused."""

import pytest

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, ResourceNeed, RestartPolicy
from pillion.core.lifecycle.states import (
    Condition,
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    PullBehavior,
)
from pillion.testing.transcript_lines import EMPTY_TASK, add_to_spec, answer_to, command_line, read_event
from pillion.testing.transcripts import Scene, TranscriptError, rewrite, scenes

ERROR = ev.NamedError(name="SomeError", text="it: broke")

SMALL = """\
# Told before the first scene.

== a start
container web
auto manifest

@0 start
  task PENDING: the task was started
  do manifest web: the task was started
  > manifest web
  web NONE -> MANIFEST_PULLED: the image needs no manifest lookup
  do pull web: the task was started
why
  web waits for the image to be pulled
@5 start
  nothing

== another
container web

@0 quietly stop
  = web STOPPED; task STOPPED
describe
  web STOPPED
  task STOPPED, wanted STOPPED, UserInitiated: Task stopped by user
why
  nobody waits for anything
"""


def test_a_right_transcript_is_written_as_it_is() -> None:
    assert rewrite(SMALL) == SMALL


def test_wrong_answers_are_replaced_and_missing_ones_written() -> None:
    wrong = SMALL.replace("do pull web", "do push web").replace("  nothing\n", "")
    assert rewrite(wrong) == SMALL


def test_scenes_have_titles_and_can_be_run_alone() -> None:
    first, second = scenes(SMALL)
    assert [first.title, second.title] == ["a start", "another"]
    assert rewrite(second.text) == second.text
    assert scenes("no scene") == ()


def test_a_scene_begins_with_nothing_of_the_one_before() -> None:
    assert isinstance(scenes(SMALL)[0], Scene)
    text = "== one\ncontainer a\n@0 start\n== two\ncontainer b\n@0 quietly start\n"
    assert rewrite(text).endswith("= b NONE; task PENDING\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("@noon start", "line 2: "),
        ("@0 dance", "'dance' is no event; there are start, stop"),
        ("@0 exited web", "'exited web' is not understood"),
        ("@0 exited web one", "'exited web one' is not understood"),
        ("@0 create-failed web no colon", "an error is written `Name: text`"),
        ("@0 pull-failed web perhaps E: x", "say whether the image is here: cached or missing"),
        ("@0 health web FINE", "'health web FINE' is not understood"),
        ("containers web", "'containers' is no definition: write task, resource or container"),
        ("container", "a container needs a name"),
        ("container web esential", "'esential' is no option of a container; there are essential"),
        ("container web dependsOn=db:SOON", "'dependsOn=db:SOON' is not understood"),
        ("container web startTimeout=soon", "'startTimeout=soon' is not understood"),
        ("task speed=9", "'speed=9' is no option of a task"),
        ("auto everything", "'everything' is no kind of work"),
    ],
)
def test_a_line_that_is_not_understood_is_named_with_its_number(line: str, words: str) -> None:
    with pytest.raises(TranscriptError) as raised:
        rewrite(f"== a scene\n{line}\n")
    assert str(raised.value).startswith("line 2: ")
    assert words in str(raised.value)


def test_a_definition_is_read_word_by_word() -> None:
    spec = add_to_spec(EMPTY_TASK, "task pull=once upfront=no")
    spec = add_to_spec(spec, "resource network volume:data")
    spec = add_to_spec(
        spec,
        "container web nonessential dependsOn=a:START,b:HEALTHY links=c volumesFrom=d logsThrough=e"
        " healthCheck=5 startTimeout=7 stopTimeout=8 restart=60 ignore=0,3 needs=volume:data:PULLED",
    )
    spec = add_to_spec(spec, "container pause networkPause")
    assert (spec.pull_behavior, spec.pull_upfront) == (PullBehavior.ONCE, False)
    assert spec.resources == ("network", "volume:data")
    assert spec.containers == (
        ContainerSpec(
            name="web",
            image="web:1",
            essential=False,
            depends_on=(
                Dependency(container="a", condition=Condition.START),
                Dependency(container="b", condition=Condition.HEALTHY),
                Dependency(container="c", condition=Condition.START, source="links"),
                Dependency(container="d", condition=Condition.CREATE, source="volumesFrom"),
                Dependency(container="e", condition=Condition.START, source="awsfirelens"),
            ),
            has_health_check=True,
            health_retries=5,
            start_timeout_s=7.0,
            stop_timeout_s=8.0,
            restart=RestartPolicy(ignored_exit_codes=frozenset({0, 3}), attempt_period_s=60.0),
            needs=(ResourceNeed(resource="volume:data", before=ContainerStatus.PULLED),),
        ),
        ContainerSpec(name="pause", image="pause:1", kind=ContainerKind.CNI_PAUSE),
    )


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("start", ev.StartRequested()),
        ("stop", ev.StopRequested()),
        ("stop Deployed anew", ev.StopRequested(reason="Deployed anew")),
        ("kill", ev.KillRequested()),
        ("ready volume:data", ev.ResourceReady(resource="volume:data")),
        ("resource-failed network SomeError: it: broke", ev.ResourceFailed(resource="network", error=ERROR)),
        ("manifest web", ev.ManifestResolved(container="web")),
        ("manifest web sha256:1", ev.ManifestResolved(container="web", digest="sha256:1")),
        (
            "manifest-failed web cached SomeError: it: broke",
            ev.ManifestFailed(container="web", error=ERROR, cached=True),
        ),
        ("pull-started web", ev.PullStarted(container="web")),
        ("pulled web", ev.Pulled(container="web")),
        ("pulled web cached", ev.Pulled(container="web", pulled=False)),
        (
            "pull-failed web missing SomeError: it: broke",
            ev.PullFailed(container="web", error=ERROR, cached=False),
        ),
        ("created web", ev.Created(container="web", runtime_id="id-of-web")),
        ("create-failed web SomeError: it: broke", ev.CreateFailed(container="web", error=ERROR)),
        ("started web", ev.Started(container="web", at_s=9.0)),
        ("started web at=7.5", ev.Started(container="web", at_s=7.5)),
        ("start-failed web SomeError: it: broke", ev.StartFailed(container="web", error=ERROR)),
        (
            "start-failed web may-run SomeError: it: broke",
            ev.StartFailed(container="web", error=ERROR, may_run=True),
        ),
        ("provisioned web", ev.Provisioned(container="web")),
        ("provision-failed web SomeError: it: broke", ev.ProvisionFailed(container="web", error=ERROR)),
        ("exited web 3", ev.Exited(container="web", exit_code=3, at_s=9.0)),
        ("exited web ?", ev.Exited(container="web", exit_code=None, at_s=9.0)),
        (
            "exited web 137 at=8 oom error=it: broke",
            ev.Exited(container="web", exit_code=137, at_s=8.0, out_of_memory=True, error="it: broke"),
        ),
        ("vanished web", ev.Vanished(container="web")),
        ("stop-failed web SomeError: it: broke", ev.StopFailed(container="web", error=ERROR)),
        ("health web UNHEALTHY", ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY)),
        ("probe web 2", ev.HealthProbed(container="web", failing_streak=2)),
        ("start-timeout web", ev.StartTimeoutElapsed(container="web")),
    ],
)
def test_an_event_is_read(line: str, event: ev.Event) -> None:
    assert read_event(line, 9.0) == event


def test_a_stop_is_shown_with_its_time_and_a_timer_with_its_hour() -> None:
    stop = cmd.StopContainer(container="web", cause="why", timeout_s=2.5)
    wake = cmd.SetStartTimeout(container="web", cause="why", at_s=120.0)
    assert command_line(stop) == "do stop web within 2.5 s: why"
    assert command_line(wake) == "do wake for web at 120: why"
    assert (answer_to(stop), answer_to(wake)) == (("stop", "exited web 143"), None)
