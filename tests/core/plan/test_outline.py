from __future__ import annotations

from core.plan.plans import FIVE, container, plan_of
from pillion.core.plan.outline import outline_json, outline_mermaid, outline_text

TEXT = """\
web:7, network mode awsvpc

start
  1  loader                    at once
  1  envoy   essential         at once
  2  web     essential  ≥ 5 s  when loader has exited with 0; when envoy is HEALTHY
  3  worker             ≥ 5 s  when web has started

stop
  1  worker  killed after 30 s
  2  web     killed after 20 s
  3  loader  killed after 30 s
  3  envoy   killed after 5 s

times that the definition implies
  critical path  envoy → web → worker
  all started    after 5 s at the soonest, and maybe never
                 web waits for loader (SUCCESS) without end: loader has no startTimeout
  longest stop   55 s: worker → web → envoy
  health checks  envoy  first probe 5 s after its start; if none passes, UNHEALTHY by 31 s
                 web    first probe 30 s after its start; if none passes, UNHEALTHY by 1 min 45 s"""

ALONE = """\
web:7, network mode awsvpc

start
  1  web  essential  at once

stop
  1  web  killed after 30 s

times that the definition implies
  all started    at once
  longest stop   30 s: web"""

MERMAID = """\
flowchart LR
  c0["loader"]
  c1[["envoy"]]
  c2[["web<br/>≥ 5 s"]]
  c3["worker<br/>≥ 5 s"]
  c0 -->|SUCCESS| c2
  c1 -->|HEALTHY| c2
  c2 -->|START| c3
  linkStyle 1,2 stroke:#d9622b,stroke-width:3px"""


def test_text_shows_order_and_times() -> None:
    assert outline_text(FIVE) == TEXT


def test_a_container_alone_has_no_critical_path() -> None:
    assert outline_text(plan_of(container("web"))) == ALONE


def test_mermaid_draws_the_critical_path_strong() -> None:
    assert outline_mermaid(FIVE) == MERMAID


def test_json_has_the_times_in_seconds() -> None:
    found = outline_json(FIVE)
    assert [[item["startsAtTheSoonest"] for item in wave] for wave in found["start"]] == [[0, 0], [5], [5]]
    assert found["times"] == {
        "criticalPath": ["envoy", "web", "worker"],
        "allStartedAtTheSoonest": 5.0,
        "allStartedAtTheLatest": None,
        "waitsWithoutEnd": [{"name": "web", "containerName": "loader", "condition": "SUCCESS"}],
        "longestStop": {"path": ["worker", "web", "envoy"], "seconds": 55.0},
        "healthChecks": [
            {"name": "envoy", "firstProbeAfter": 5.0, "unhealthyAtTheLatestAfter": 31.0},
            {"name": "web", "firstProbeAfter": 30.0, "unhealthyAtTheLatestAfter": 105.0},
        ],
    }
