"""Every other setting of a container definition, as the processes inside see it."""

from __future__ import annotations

import pytest

from scenarios.running import BUSYBOX, Pillion, container, definition, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_user_folder_environment_and_command_are_the_definitions(pillion: Pillion) -> None:
    app = {
        "name": "app",
        "image": BUSYBOX,
        "memory": 64,
        "user": "1000:1000",
        "workingDirectory": "/home",
        "entryPoint": ["sh", "-c"],
        "command": ['id -u; pwd; echo "$GREETING, $1"', "sh", "world"],
        "environment": [{"name": "GREETING", "value": "hello"}],
    }
    assert pillion.run(definition(app)).messages("app") == ["1000", "/home", "hello, world"]


def test_an_entry_point_alone_discards_the_images_command(pillion: Pillion) -> None:
    app = {"name": "app", "image": BUSYBOX, "memory": 64, "entryPoint": ["echo", "alone"]}
    assert pillion.run(definition(app)).messages("app") == ["alone"]


def test_rights_are_what_the_definition_says(pillion: Pillion) -> None:
    script = "grep CapEff /proc/self/status | cut -f 2; touch /x 2>&1 | tail -n 1; ls /dev/fuse 2>&1"
    plain = container("plain", script, essential=False, linuxParameters={"capabilities": {"drop": ["ALL"]}})
    added = container(
        "added",
        script,
        readonlyRootFilesystem=True,
        linuxParameters={
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
            "devices": [{"hostPath": "/dev/null", "containerPath": "/dev/fuse", "permissions": ["read"]}],
        },
    )
    run = pillion.run(
        definition(plain, {**added, "dependsOn": [{"containerName": "plain", "condition": "COMPLETE"}]})
    )
    assert run.messages("plain") == ["0000000000000000", "ls: /dev/fuse: No such file or directory"]
    assert run.messages("added") == [
        "0000000000001000",
        "touch: /x: Read-only file system",
        "/dev/fuse",
    ]


def test_a_privileged_container_has_the_machines_devices(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", "ls -d /dev/kmsg", privileged=True)))
    if "unable to apply caps" in run.container("app").get("reason", ""):
        pytest.skip("the engine of this machine runs no privileged containers")
    assert run.messages("app") == ["/dev/kmsg"]


def test_an_init_process_comes_first_and_a_terminal_is_one(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container(
                "app",
                "cat /proc/1/comm; tty; cat /proc/sys/net/core/somaxconn",
                pseudoTerminal=True,
                interactive=True,
                linuxParameters={"initProcessEnabled": True},
                systemControls=[{"namespace": "net.core.somaxconn", "value": "321"}],
            )
        )
    )
    assert run.messages("app") == ["docker-init", "/dev/pts/0", "321"]


def test_processes_and_ipc_are_shared_where_the_definition_says(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("other", "exec sleep 4321", stopTimeout=1),
            container(
                "app",
                "for i in $(seq 300); do ps -o args | grep -q '^[s]leep 4321' && echo seen && break; "
                "sleep 0.1; done; theirs=/proc/$(pidof sleep | cut -d ' ' -f 1)/ns/ipc; "
                "[ $(readlink /proc/self/ns/ipc) = $(readlink $theirs) ] && echo shared",
            ),
            pidMode="task",
            ipcMode="task",
        )
    )
    assert run.messages("app") == ["seen", "shared"]


def test_labels_of_the_definition_and_of_ecs_are_on_the_container(pillion: Pillion) -> None:
    with pillion.session(
        definition(container("app", dockerLabels={"team": "shop"}), family="labelled")
    ) as session:
        session.until_running()
        found = docker("ps", "-q", "--filter", f"label=com.amazonaws.ecs.cluster={pillion.cluster}").split()
        labels = {
            docker("inspect", "-f", '{{index .Config.Labels "com.amazonaws.ecs.container-name"}}', one): one
            for one in found
        }
        family = '{{index .Config.Labels "com.amazonaws.ecs.task-definition-family"}}'
        wanted = f'{{{{index .Config.Labels "team"}}}} {family}'
        told = docker("inspect", "-f", wanted, labels["app"])
        session.interrupt()
        session.finish()
    assert told == "shop labelled"


def test_a_crash_on_start_has_dockers_own_words(pillion: Pillion) -> None:
    run = pillion.run(definition({"name": "app", "image": BUSYBOX, "memory": 64, "command": ["/nope"]}))
    assert run.exit_code == 125
    assert run.container("app")["reason"].startswith("CannotStartContainerError: ")
    assert "/nope" in run.container("app")["reason"]


def test_a_restart_policy_starts_a_container_again_that_ran_long_enough(pillion: Pillion) -> None:
    worker = container(
        "worker",
        "echo up; sleep 3; exit 3",  # long enough also where the start is told late
        essential=False,
        restartPolicy={"enabled": True, "restartAttemptPeriod": 1},
    )
    with pillion.session(definition(container("app"), worker)) as session:
        session.until(type="log", container="worker", message="up")
        session.until(type="log", container="worker", message="up")
        session.interrupt()
        run = session.finish()
    assert run.exit_code == 130
    assert run.statuses("app")[-1] == "STOPPED"
