"""The relay of a task: what is asked of Docker."""

from __future__ import annotations

from engines.docker.making import PAUSE, joined, pause, task
from pillion.engines.docker.relay import relay_body, relay_name

ROUTES = [("169.254.170.2:80", "unix:/run/pillion/task.sock"), ("169.254.170.2:4566", "172.17.0.1:5000")]


def test_the_relay_joins_the_namespace_with_the_rights_it_needs_and_no_others() -> None:
    plan = task(pause(), joined("app"))
    body = relay_body(plan, beside="ecs-pause", image="holder:1", routes=ROUTES, socket_folder="/tmp/x")
    assert body == {
        "Image": "holder:1",
        "Cmd": ["/holder", "relay", *ROUTES[0], *ROUTES[1]],
        "Labels": {
            "dev.pillion.task": plan.identity.task_id,
            "dev.pillion.container": "ecs-pause-relay",
            "dev.pillion.kind": "RELAY",
        },
        "HostConfig": {
            "NetworkMode": "container:ecs-pause",
            "CapDrop": ["ALL"],
            "CapAdd": ["NET_ADMIN", "SYS_ADMIN", "NET_BIND_SERVICE", "DAC_OVERRIDE"],
            "ReadonlyRootfs": True,
            "LogConfig": {"Type": "json-file", "Config": {}},
            "Binds": ["/tmp/x:/run/pillion:ro"],
        },
    }


def test_without_a_folder_nothing_is_mounted() -> None:
    body = relay_body(task(pause()), beside=PAUSE, image="holder:1", routes=ROUTES)
    assert body["HostConfig"]["Binds"] == []


def test_the_relay_is_named_after_whom_it_stands_beside() -> None:
    assert relay_name("ecs-web-1-pause-0a") == "ecs-web-1-pause-0a-relay"
