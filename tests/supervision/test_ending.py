"""The end of a server process: by itself when it can, by force when something does not let go of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pillion.supervision.ending import FORCED

pytestmark = pytest.mark.slow  # processes of their own: it is about their end

PROGRAM = """
import asyncio, os, sys, threading, time
from pillion.supervision.ending import Ending

def block(how):
    if how == "loop":  # as a write into a pipe that nobody reads
        reading, writing = os.pipe()
        os.write(1, b"blocked\\n")
        while True:
            os.write(writing, b"x" * 65536)
    if how == "thread":
        threading.Thread(target=time.sleep, args=(3600,)).start()
    if how == "worker":
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
    print("blocked", flush=True)

async def live(how, limit_s):
    ending = Ending(
        say=lambda text: print(text, file=sys.stderr, flush=True),
        busy_with=lambda: "a task",
        limit_s=limit_s,
    )
    block(how)
    await ending.told()
    print("told", flush=True)
    if how == "waits":
        await asyncio.sleep(3600)

asyncio.run(live(sys.argv[1], float(sys.argv[2])))
"""


@contextmanager
def process(how: str, *, limit_s: float) -> Iterator[subprocess.Popen[str]]:
    """Return a process that would never end, but for us, and has come to that place."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how, str(limit_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as made:
        try:
            assert made.stdout is not None
            assert made.stdout.readline() == "blocked\n"
            yield made
        finally:
            made.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with process("nothing", limit_s=60) as made:
        made.send_signal(number)
        assert made.communicate(timeout=60) == ("told\n", "")
        assert made.returncode == 0


@pytest.mark.parametrize("how", ["waits", "thread", "worker", "loop"])
def test_what_does_not_let_go_of_it_ends_by_force_when_the_time_is_over(how: str) -> None:
    with process(how, limit_s=0.5) as made:
        made.send_signal(signal.SIGTERM)
        _, said = made.communicate(timeout=60)
        assert said == "does not come to its end within 0.5 s, and ends at once; a task\n"
        assert made.returncode == FORCED


@pytest.mark.parametrize("how", ["waits", "loop"])
def test_a_second_signal_ends_it_at_once(how: str) -> None:
    with process(how, limit_s=3600) as made:
        made.send_signal(signal.SIGTERM)
        if how == "waits":
            assert made.stdout is not None
            assert made.stdout.readline() == "told\n"
        while made.poll() is None:
            made.send_signal(signal.SIGINT)  # two that come together may be told as one
        _, said = made.communicate(timeout=60)
        assert said == "was told twice, and ends at once; a task\n"
        assert made.returncode == FORCED


def test_a_terminal_that_is_closed_tells_twice_and_means_it_once() -> None:
    with process("waits", limit_s=1) as made:
        made.send_signal(signal.SIGHUP)
        assert made.stdout is not None
        assert made.stdout.readline() == "told\n"
        made.send_signal(signal.SIGHUP)
        _, said = made.communicate(timeout=60)
        assert said.startswith("does not come to its end within 1 s")
