#!/usr/bin/env python3
"""Runs examples/everything and tells what happens: start order, a request through Envoy, stop order, logs.

It reads the JSON lines of `pillion run --format json`, as any other program could, and in the end the logs in
the local AWS that the run has left, with `pillion env` and boto3. It exits with 1 when something that it
promises to show did not happen, so it is a test as well.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PILLION = ".venv/bin/pillion"
DEFINITION = "examples/everything/task.json"
ENVOY_PORT = 10000
ORDERS_TO_SHOW = 3
LOG_LINES_TO_SHOW = 3
TIME_LIMIT_S = 120
ANSWER_LIMIT_S = 10
INTERRUPTED = 130  # exit code of `pillion run` after Ctrl-C
LOGS = {
    "/everything/web": "the application's, through FireLens",
    "/everything/router": "the router's, by awslogs",
}
SHOW_LOGS = """
import boto3, json, sys
logs, found = boto3.client("logs"), {}
for group in sys.argv[1:]:
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    found[group] = {
        each["logStreamName"]: [
            event["message"]
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=each["logStreamName"], startFromHead=True
            )["events"]
        ]
        for each in streams
    }
print(json.dumps(found))
"""
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")

INTRODUCTION = f"""\
This is one ECS task, {DEFINITION}, unchanged: a web application with five sidecars.

  loader     reads a parameter with the AWS CLI, must end with SUCCESS before web starts
  envoy      the real proxy, must be HEALTHY before web starts
  router     the log router: web's output goes through FireLens to CloudWatch Logs
  web        the application, listens on localhost only
  writer     writes orders into a shared volume, starts after web
  processor  reads the same volume at another path, not essential, starts after writer
"""
TRY_NEXT = f"""\
Try next:
  .venv/bin/pillion run {DEFINITION}        the same by hand; Ctrl-C stops it
  .venv/bin/pillion plan {DEFINITION}       who waits for whom, without running anything
  .venv/bin/pillion run examples/config-loader/task-failing.json    a sidecar that fails at the wrong moment
"""


class Story:
    """What has been seen so far, and the lines that tell it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: dict[str, Any] | None = None
        self.orders = 0
        self.records: list[dict[str, Any]] = []
        self.stopping = False
        self._first: datetime | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Print one JSON line of `pillion run` for a person."""
        match event:
            case {"type": "container", "container": name, "to": "RUNNING" | "STOPPED" as status}:
                self._line(event, name, status, event.get("cause"))
            case {"type": "health", "container": name, "status": "HEALTHY" | "UNHEALTHY" as status}:
                self._line(event, name, status)
            case {"type": "task", "lastStatus": status}:
                self._line(event, "the task", status, event.get("cause"))
            case {"type": "log", "container": "processor", "message": message}:
                if self.answer and not self.stopping:
                    self.orders += message.startswith("order")
                    self._line(event, "processor", f"| {message}")
            case _:
                pass

    def request(self) -> None:
        """Send a request to Envoy and print the answer of the application behind it."""
        print(f"\n{BOLD}The task is RUNNING: a request to Envoy, which passes it on over localhost{PLAIN}")
        answer, server = _get(self.url)
        self.answer = json.loads(answer)
        print(f"  GET {self.url}\n  server: {server}\n  {answer.strip()}")
        print(f"\n{BOLD}The processor reads what the writer writes{PLAIN}", flush=True)

    def show_logs(self, aws_folder: str) -> None:
        """Print what CloudWatch Logs holds, in the local AWS that the run has left in a folder."""
        print(f"\n{BOLD}What CloudWatch Logs holds{PLAIN}", flush=True)
        for group, streams in _logs(aws_folder).items():
            for stream, messages in streams.items():
                print(f"  {group}  {stream}  ({LOGS[group]})")
                for message in messages[-LOG_LINES_TO_SHOW:]:
                    self._show_record(message)

    def _show_record(self, message: str) -> None:
        try:
            record = json.loads(message)
        except ValueError:
            print(f"    {message}")
            return
        self.records.append(record)
        for name, value in record.items():
            print(f"    {name:20} {value}")
        print()

    def missing(self, exit_code: int, result: dict[str, Any]) -> list[str]:
        """List what should have been seen and was not."""
        task = result.get("task", {})
        containers = task.get("containers", [])
        exit_codes = {container["name"]: container.get("exitCode") for container in containers}
        expected = {
            "the application answered through Envoy": bool(self.answer and self.answer["through_proxy"]),
            "the loader's configuration arrived": bool(self.answer and "Envoy" in self.answer["greeting"]),
            f"the processor read {ORDERS_TO_SHOW} orders": self.orders >= ORDERS_TO_SHOW,
            "the request's log record arrived in CloudWatch Logs, with ECS's metadata": any(
                "GET /hello" in str(record.get("log")) and record.get("ecs_task_arn") == task.get("taskArn")
                for record in self.records
            ),
            "every container ended with exit code 0": len(exit_codes) == 6 and not any(exit_codes.values()),
            f"pillion run ended with exit code {INTERRUPTED}": exit_code == INTERRUPTED,
        }
        return [promise for promise, kept in expected.items() if not kept]

    def _line(self, event: dict[str, Any], who: str, what: str, why: str | None = None) -> None:
        at = datetime.fromisoformat(event["at"])
        self._first = self._first or at
        seconds = (at - self._first).total_seconds()
        print(f"{seconds:6.1f} s  {who:10} {what:10}{'  ' + why if why else ''}".rstrip(), flush=True)


def main() -> int:
    """Run the demo; return its exit code."""
    with tempfile.TemporaryDirectory(prefix="pillion-demo-") as aws_folder:
        return _show(aws_folder)


def _show(aws_folder: str) -> int:
    port = _free_port(ENVOY_PORT)
    story = Story(f"http://127.0.0.1:{port}/hello")
    print(INTRODUCTION)
    print(f"{BOLD}Starting{PLAIN}", flush=True)
    # In a session of its own, so that a Ctrl-C in this terminal reaches it once, through us.
    process = subprocess.Popen(
        [
            *(PILLION, "run", DEFINITION, "--format", "json", "--aws-state", aws_folder),
            *("--publish", f"{port}:{ENVOY_PORT}"),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(TIME_LIMIT_S, process.send_signal, [signal.SIGINT])
    watchdog.daemon = True
    watchdog.start()
    result: dict[str, Any] = {}
    for event in _events(process):
        story.tell(event)
        if event["type"] == "task" and event["lastStatus"] == "RUNNING":
            story.request()
        elif event["type"] == "result":
            result = event
        if story.orders >= ORDERS_TO_SHOW and not story.stopping:
            story.stopping = True
            print(f"\n{BOLD}Stopping, in the reverse order (this is what Ctrl-C does){PLAIN}", flush=True)
            process.send_signal(signal.SIGINT)
    watchdog.cancel()
    exit_code = process.wait()
    if "task" in result:
        story.show_logs(aws_folder)
    return _conclude(story, exit_code, result)


def _conclude(story: Story, exit_code: int, result: dict[str, Any]) -> int:
    if "task" in result:
        task = result["task"]
        print(f"\nAs ECS reports it: {task.get('stopCode')}, {task.get('stoppedReason')!r}")
    if missing := story.missing(exit_code, result):
        print(f"\nNot all was seen that should be (pillion run ended with {exit_code}):", file=sys.stderr)
        for promise in missing:
            print(f"  not seen: {promise}", file=sys.stderr)
        return 1
    print()
    print(TRY_NEXT, end="")
    return 0


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a run; a Ctrl-C here is passed on, and the run then stops in order."""
    assert process.stdout is not None
    while True:
        try:
            line = process.stdout.readline()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            continue
        if not line:
            return
        yield json.loads(line)


def _logs(aws_folder: str) -> dict[str, dict[str, list[str]]]:
    """Return the messages of each stream of each log group; empty, with the cause told, if that fails."""
    done = subprocess.run(
        [PILLION, "env", "--aws-state", aws_folder, "--", sys.executable, "-c", SHOW_LOGS, *LOGS],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return {}
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


def _get(url: str) -> tuple[str, str]:
    """Return the body of the answer and who served it.

    Asks until there is one: ECS calls a task RUNNING when its containers run, maybe before they listen.
    """
    deadline = time.monotonic() + ANSWER_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S) as response:
                return response.read().decode(), response.headers.get("server", "-")
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                return json.dumps({"greeting": f"no answer: {error}", "through_proxy": False}), "-"
            time.sleep(0.1)


def _free_port(wanted: int) -> int:
    """Return the wanted port, or any free one if something else listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("demo: no free port on 127.0.0.1")


if __name__ == "__main__":
    sys.exit(main())
