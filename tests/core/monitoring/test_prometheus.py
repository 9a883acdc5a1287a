"""Figures in Prometheus's text format."""

from __future__ import annotations

import re

from core.monitoring.making import BEGAN_S, figures, identity, running
from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.alarms import Alarm, AlarmDefinition, AlarmState
from pillion.core.monitoring.figures import Written
from pillion.core.monitoring.metrics import Metric
from pillion.core.monitoring.prometheus import escape_help, escape_label, prometheus_text

TASK = f'cluster="prod",family="shop",task="{identity().task_id}"'


def lines_of(text: str, name: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(rf"(# (HELP|TYPE) )?{name}[ {{]", line)]


def test_a_metric_has_help_type_unit_and_labels() -> None:
    text = prometheus_text([figures(60.0, written={"web": Written(lines=7, bytes=90)})])
    assert lines_of(text, "pillion_container_cpu_seconds_total") == [
        "# HELP pillion_container_cpu_seconds_total CPU time used since the process started.",
        "# TYPE pillion_container_cpu_seconds_total counter",
        f'pillion_container_cpu_seconds_total{{{TASK},container="web"}} 30.0',
        f'pillion_container_cpu_seconds_total{{{TASK},container="router"}} 30.0',
        f'pillion_container_cpu_seconds_total{{{TASK},container="envoy"}} 30.0',
    ]
    assert lines_of(text, "pillion_container_log_lines_total")[2:] == [
        f'pillion_container_log_lines_total{{{TASK},container="web"}} 7',
        f'pillion_container_log_lines_total{{{TASK},container="router"}} 0',
        f'pillion_container_log_lines_total{{{TASK},container="envoy"}} 0',
    ]
    assert lines_of(text, "pillion_task_status")[2:] == [
        f'pillion_task_status{{{TASK},status="PENDING"}} 0',
        f'pillion_task_status{{{TASK},status="RUNNING"}} 1',
        f'pillion_task_status{{{TASK},status="STOPPED"}} 0',
    ]


def test_what_is_not_known_is_left_out_and_so_is_a_metric_that_nobody_has() -> None:
    state = running(ev.Exited(container="envoy", exit_code=3, at_s=BEGAN_S + 1))
    text = prometheus_text([figures(60.0, state=state)])
    assert "log_lines" not in text
    assert lines_of(text, "pillion_container_exit_code")[2:] == [
        f'pillion_container_exit_code{{{TASK},container="envoy"}} 3'
    ]
    memory = lines_of(text, "pillion_container_memory_bytes")
    assert not any('container="envoy"' in line for line in memory)
    assert prometheus_text([]) == ""


def test_alarms_show_the_state_that_they_are_in() -> None:
    metric = Metric(name="ContainerMemoryUtilization", container="router")
    alarm = Alarm(
        definition=AlarmDefinition(name='ro"uter', metric=metric, threshold=80.0), state=AlarmState.ALARM
    )
    task = figures(60.0)
    assert lines_of(prometheus_text([task], [(task, alarm)]), "pillion_alarm_state")[2:] == [
        f'pillion_alarm_state{{{TASK},alarm="ro\\"uter",state="OK"}} 0',
        f'pillion_alarm_state{{{TASK},alarm="ro\\"uter",state="ALARM"}} 1',
        f'pillion_alarm_state{{{TASK},alarm="ro\\"uter",state="INSUFFICIENT_DATA"}} 0',
    ]


def test_every_line_is_one_of_the_format() -> None:
    text = prometheus_text([figures(60.0, written={})])
    sample = re.compile(r'[a-z_]+\{([a-z_]+="([^"\\\n]|\\.)*",?)+\} -?[0-9.e+-]+')
    comment = re.compile(r"# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ (counter|gauge))")
    assert text.endswith("\n")
    strange = [
        line for line in text.splitlines() if not sample.fullmatch(line) and not comment.fullmatch(line)
    ]
    assert strange == []
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))


def test_labels_and_help_are_escaped_as_the_format_wants_it() -> None:
    assert escape_label('a "b"\\c\nd') == 'a \\"b\\"\\\\c\\nd'
    assert escape_help('a "b"\\c\nd') == 'a "b"\\\\c\\nd'
