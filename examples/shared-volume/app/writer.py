"""Writes one order a second into a folder, each as a whole JSON file."""

import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

OUTBOX = Path(os.environ.get("OUTBOX", "/srv/outbox"))
INTERVAL_S = float(os.environ.get("INTERVAL_S", "1"))


def write_order(number: int) -> None:
    """Write an order so that a reader sees all of it or nothing: under another name first, then renamed."""
    order = {"number": number, "items": random.randint(1, 5), "price": random.randint(100, 2000) / 100}
    unfinished = OUTBOX / f"order-{number:04}.part"
    unfinished.write_text(json.dumps(order))
    unfinished.rename(unfinished.with_suffix(".json"))
    print(f"wrote order {number:04} to {OUTBOX}")


def main() -> None:
    """Write until SIGTERM, which a container's first process ignores unless it says otherwise."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    OUTBOX.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        write_order(number)
        time.sleep(INTERVAL_S)


if __name__ == "__main__":
    main()
