"""Volumes and mounts, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.running import Pillion, container, definition, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def mounted(volume: str, path: str, *, read_only: bool = False) -> list[dict[str, object]]:
    return [{"sourceVolume": volume, "containerPath": path, "readOnly": read_only}]


def after(name: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": "SUCCESS"}]


def test_an_empty_volume_is_shared_at_different_paths_and_gone_afterwards(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("writer", "echo hello > /out/x", essential=False, mountPoints=mounted("data", "/out")),
            container(
                "reader",
                "cat /in/x; echo no > /in/y",
                dependsOn=after("writer"),
                mountPoints=mounted("data", "/in", read_only=True),
            ),
            volumes=[{"name": "data"}],
        )
    )
    # Two streams: which of them is read first is not told by the order in which they were written.
    assert run.messages("reader", stream="stdout") == ["hello"]
    (refusal,) = run.messages("reader", stream="stderr")
    assert ("Read-only file system" in refusal, run.exit_code) == (True, 1)


def test_a_folder_of_the_machine_is_mounted_as_it_is(pillion: Pillion, tmp_path: Path) -> None:
    folder = tmp_path / "made by the run"
    run = pillion.run(
        definition(
            container("app", "echo hello > /data/x", mountPoints=mounted("data", "/data")),
            volumes=[{"name": "data", "host": {"sourcePath": str(folder)}}],
        )
    )
    assert run.exit_code == 0
    assert (folder / "x").read_text() == "hello\n"


@pytest.fixture
def shared_name(pillion: Pillion) -> Iterator[str]:
    """Return a name for a volume that outlives its tasks; it is removed after the test."""
    name = f"{pillion.cluster}-shared"
    yield name
    if name in docker("volume", "ls", "-q").split():
        docker("volume", "rm", name)


def test_a_shared_volume_outlives_its_task(pillion: Pillion, shared_name: str) -> None:
    volume = {
        "name": shared_name,
        "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True, "labels": {"team": "shop"}},
    }
    app = container("app", "cat /data/x; echo hello > /data/x", mountPoints=mounted(shared_name, "/data"))
    first = pillion.run(definition(app, volumes=[volume]))
    second = pillion.run(definition(app, volumes=[volume]))
    assert (first.exit_code, second.messages("app")) == (0, ["hello"])
    assert docker("volume", "inspect", "-f", "{{json .Labels}}", shared_name) == '{"team":"shop"}'


def test_a_shared_volume_that_has_to_exist_keeps_the_task_from_starting(
    pillion: Pillion, shared_name: str
) -> None:
    volume = {
        "name": shared_name,
        "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": False},
    }
    run = pillion.run(
        definition(container("app", mountPoints=mounted(shared_name, "/data")), volumes=[volume])
    )
    assert (run.exit_code, run.task["stopCode"]) == (125, "TaskFailedToStart")
    assert run.task["stoppedReason"] == (
        f"Volume {shared_name}: volume detection failed, volume '{shared_name}' does not exist and "
        "autoprovision is set to false"
    )


def test_a_task_volume_with_driver_options_is_dockers_and_gone_afterwards(pillion: Pillion) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    run = pillion.run(
        definition(
            container("app", "grep ' /data ' /proc/mounts", mountPoints=mounted("data", "/data")),
            volumes=[
                {
                    "name": "data",
                    "dockerVolumeConfiguration": {"scope": "task", "driver": "local", "driverOpts": options},
                }
            ],
        )
    )
    (mount,) = run.messages("app")
    assert mount.startswith("tmpfs /data tmpfs ")
    assert "size=1024k" in mount


def test_a_file_system_of_aws_begins_empty_with_a_note_or_is_a_folder(
    pillion: Pillion, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x").write_text("from here")
    value = definition(
        container(
            "app", "ls -A /data", mountPoints=[*mounted("efs", "/data"), *mounted("later", "/data/later")]
        ),
        volumes=[
            {"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678"}},
            {"name": "later", "configuredAtLaunch": True},
        ],
    )
    empty = pillion.run(value)
    assert empty.messages("app") == ["later"]
    assert [line for line in empty.errors.splitlines() if "begins empty" in line] == [
        (
            "pillion: note: volume efs is an EFS file system in AWS and begins empty here; "
            "choose a folder with --volume efs=PATH"
        ),
        (
            "pillion: note: volume later is configured at launch in AWS and begins empty here; "
            "choose a folder with --volume later=PATH"
        ),
    ]
    full = pillion.run(value, "--volume", "efs=./files")
    assert full.messages("app") == ["later", "x"]
    assert "volume efs" not in full.errors


def test_mounts_of_another_container_are_taken_over(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("owner", "echo hello > /data/x; sleep 60", mountPoints=mounted("data", "/data"))
            | {"stopTimeout": 1},
            container(
                "app",
                "until cat /data/x 2>/dev/null; do sleep 0.1; done; touch /data/y 2>/dev/null || echo kept",
                volumesFrom=[{"sourceContainer": "owner", "readOnly": True}],
            ),
            volumes=[{"name": "data"}],
        )
    )
    assert run.messages("app") == ["hello", "kept"]


def test_tmpfs_is_memory_of_the_given_size(pillion: Pillion) -> None:
    linux = {"tmpfs": [{"containerPath": "/scratch", "size": 3, "mountOptions": ["noexec"]}]}
    run = pillion.run(definition(container("app", "grep /scratch /proc/mounts", linuxParameters=linux)))
    (mount,) = run.messages("app")
    assert mount.startswith("tmpfs /scratch tmpfs ")
    assert {"noexec", "size=3072k"} <= set(mount.split()[3].split(","))


def test_an_image_that_fills_an_empty_volume_does_so_when_its_container_may_be_made_and_not_before(
    pillion: Pillion,
) -> None:
    run = pillion.run(
        definition(
            container(
                "loader",
                "seen=$(ls /out); echo ${seen:-nothing} > /out/found",
                essential=False,
                mountPoints=mounted("data", "/out"),
            ),
            container(
                "app",
                "cat /var/found",  # a folder in which the image has something
                dependsOn=after("loader"),
                mountPoints=mounted("data", "/var"),
            ),
            volumes=[{"name": "data"}],
        )
    )
    assert (run.messages("app"), run.exit_code) == (["nothing"], 0)
