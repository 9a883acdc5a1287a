"""Where images come from: this machine, another name, a folder, a registry that does not answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scenarios.running import BUSYBOX, Pillion, container, definition, docker

# What they count is the engine's: they run one after the other.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("images")]

CLOUD = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/app:7"
"""An image that exists in the cloud only."""

UNHEALTHY_BY_ITSELF = f"""FROM {BUSYBOX}
HEALTHCHECK --interval=1s --timeout=1s --retries=1 CMD exit 1
"""


def app(script: str, image: str = CLOUD) -> dict[str, object]:
    return {**container("app", script), "image": image}


@pytest.fixture
def built(pillion: Pillion) -> Iterator[str]:
    """Return a name for an image that a test builds; the image is removed after the test."""
    name = f"{pillion.cluster}/app:1"
    yield name
    for image in docker("images", "-q", name).split():
        docker("rmi", "-f", image)


def write_context(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {BUSYBOX}\nCOPY greeting /greeting\n")
    (folder / "greeting").write_text(text)


def test_another_image_runs_and_the_definitions_name_is_reported(pillion: Pillion) -> None:
    run = pillion.run(definition(app("echo hello")), "--image", f"{CLOUD}={BUSYBOX}")
    assert (run.messages("app"), run.container("app")["image"]) == (["hello"], CLOUD)


def test_a_folder_is_built_and_built_again_only_when_it_changed(
    pillion: Pillion, built: str, tmp_path: Path
) -> None:
    write_context(tmp_path / "app", "one\n")
    value = definition(app("cat /greeting", built))
    first = pillion.run(value, "--build", f"{built}=app")
    id_of_first = docker("images", "-q", built)
    again = pillion.run(value, "--build", f"{built}=app")
    id_of_again = docker("images", "-q", built)
    write_context(tmp_path / "app", "two\n")
    changed = pillion.run(value, "--build", f"{built}=app")
    assert [run.messages("app") for run in (first, again, changed)] == [["one"], ["one"], ["two"]]
    assert id_of_first == id_of_again != docker("images", "-q", built)
    docker("rmi", "-f", id_of_first)


def test_a_build_that_fails_shows_the_builders_words(pillion: Pillion, built: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(f"FROM {BUSYBOX}\nRUN ls /no-such-file\n")
    run = pillion.run(definition(app("echo hello", built)), "--build", f"{built}=app")
    assert (run.exit_code, run.task["stopCode"]) == (125, "TaskFailedToStart")
    reason = run.container("app")["reason"]
    assert reason.startswith("CannotPullContainerError: ")
    assert "ls: /no-such-file: No such file or directory" in reason


def test_a_folder_without_a_dockerfile_is_said(pillion: Pillion, built: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    run = pillion.run(definition(app("echo hello", built)), "--build", f"{built}=app")
    assert run.exit_code == 125
    assert "Dockerfile" in run.container("app")["reason"]


def test_pillion_toml_beside_the_definition_says_the_same_as_options(
    pillion: Pillion, built: str, tmp_path: Path
) -> None:
    write_context(tmp_path / "app", "from the folder\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text("from the volume\n")
    pillion.write(
        f"""
[run]
mute = ["meter"]

[run.images]
"{CLOUD}" = "{BUSYBOX}"

[run.builds]
"{built}" = "./app"

[run.volumes]
data = "data"
""",
        "pillion.toml",
    )
    other = {**container("other", "cat /greeting", essential=False), "image": built}
    main = {
        **app("cat /data/x"),
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        "dependsOn": [{"containerName": "other", "condition": "SUCCESS"}],
    }
    meter = {**container("meter"), "image": "no/such:image"}
    run = pillion.run(definition(main, other, meter, volumes=[{"name": "data"}]))
    assert (run.messages("app"), run.messages("other")) == (["from the volume"], ["from the folder"])
    assert "meter is muted" in run.errors


def test_an_option_wins_over_pillion_toml(pillion: Pillion) -> None:
    pillion.write(f'[run.images]\n"{CLOUD}" = "no/such:image"\n', "pillion.toml")
    run = pillion.run(definition(app("echo hello")), "--image", f"{CLOUD}={BUSYBOX}")
    assert run.messages("app") == ["hello"]


def test_an_option_for_an_image_that_nobody_uses_is_noted(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", "true")), "--image", f"web:1={BUSYBOX}")
    assert (run.exit_code, "note: --image web:1 names no image of the definition" in run.errors) == (0, True)


def test_the_images_own_health_check_does_not_count(pillion: Pillion, built: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(UNHEALTHY_BY_ITSELF)
    with pillion.session(definition(app("echo up; sleep 2.5", built)), "--build", f"{built}=app") as session:
        run = session.finish()
    assert (run.exit_code, run.container("app")["healthStatus"]) == (0, "UNKNOWN")
    assert [line for line in run.lines if line["type"] == "health"] == []


@pytest.mark.parametrize("pull", ["never", "prefer-cached"])
def test_an_image_that_is_here_is_used_as_it_is(pillion: Pillion, pull: str) -> None:
    assert pillion.run(definition(container("app", "echo hello")), "--pull", pull).messages("app") == [
        "hello"
    ]


def test_an_image_that_is_not_here_and_not_to_be_pulled_ends_the_task(pillion: Pillion) -> None:
    run = pillion.run(definition(app("echo hello")), "--pull", "never")
    assert run.exit_code == 125
    assert run.container("app")["reason"] == (
        f"CannotPullContainerError: image {CLOUD} is not here, and it is not to be pulled"
    )


@pytest.fixture
def empty_registry() -> Iterator[str]:
    """Serve a registry that has nothing; return its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
            here = self.path == "/v2/"
            self.send_response(200 if here else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "0" if here else str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if here else body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_image_that_cannot_be_pulled_is_told_to_a_person_with_the_engines_words(
    pillion: Pillion, empty_registry: str
) -> None:
    done = pillion.run_text(definition(app("echo hello", f"{empty_registry}/shop/app:1")))
    assert done.returncode == 125
    told = re.search(r"app : never ran  (CannotPull\w+Error: .*)$", done.stderr, re.MULTILINE)
    assert told, done.stderr
    assert "manifest unknown" in told[1]
    assert "Traceback" not in done.stderr
