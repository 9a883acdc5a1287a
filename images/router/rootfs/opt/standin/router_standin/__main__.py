"""The command line: `fluent-bit -c FILE`, also `--dry-run`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from router_standin.configuration import ConfigurationError, Section, load
from router_standin.inputs import start_input
from router_standin.router import Router

DRAIN_S = 0.1
"""How long connections may still be read after the stop signal: what is in the socket is not lost."""


def main() -> None:
    """Run until SIGTERM; exit like Fluent Bit."""
    parser = argparse.ArgumentParser(prog="fluent-bit", description=sys.modules["router_standin"].__doc__)
    parser.add_argument("-c", "--config", type=Path, required=True)
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    sys.stderr.write("Fluent Bit stand-in of pillion: this is not Fluent Bit\n")
    try:
        sections = load(arguments.config, os.environ, lambda text: log("warn", text))
        if arguments.dry_run:
            sys.stderr.write("configuration test is successful\n")
            return
        asyncio.run(serve(sections))
    except ConfigurationError as error:
        log("error", str(error))
        sys.exit(error.exit_code)


async def serve(sections: list[Section]) -> None:
    """Run the pipeline of a configuration until SIGTERM or SIGINT. Raises ConfigurationError."""
    router = Router(sections, log)
    inputs = [section for section in sections if section.kind == "INPUT"]
    servers = [
        await start_input(section, number, router.ingest, router.room)
        for number, section in enumerate(inputs)
    ]
    stop, drained = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for server in servers:
        log("info", f"[input] listening on {', '.join(str(item.getsockname()) for item in server.sockets)}")
    running = asyncio.create_task(router.run(drained))
    await stop.wait()
    log("warn", "[engine] service will shutdown when all remaining tasks are finished")
    for server in servers:
        server.close()
    await asyncio.sleep(DRAIN_S)
    drained.set()
    await running
    for route in router.routes:
        log("info", f"[output:{route.label}] {route.sent} sent, {route.dropped} dropped")
    log("info", f"[engine] {router.received} records received")


def log(level: str, text: str) -> None:
    """Write a line as Fluent Bit writes it."""
    sys.stderr.write(f"[{time.strftime('%Y/%m/%d %H:%M:%S')}] [{level:>5}] {text}\n")


if __name__ == "__main__":
    main()
