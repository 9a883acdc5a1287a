"""Reads the orders that another container writes, from the same volume mounted somewhere else."""

import json
import os
import signal
import sys
import time
from pathlib import Path

INBOX = Path(os.environ.get("INBOX", "/srv/inbox"))
CRASH_AFTER = int(os.environ.get("CRASH_AFTER", "0"))  # so many orders, then exit code 1; 0: never
LOOK_AGAIN_S = 0.2


def process(path: Path) -> None:
    """Print what an order is worth."""
    order = json.loads(path.read_text())
    print(f"order {order['number']:04}: {order['items']} items, total {order['items'] * order['price']:.2f}")


def main() -> None:
    """Take orders in the order of their numbers, each once."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    seen: set[Path] = set()
    print(f"reading orders from {INBOX}")
    while True:
        for path in sorted(set(INBOX.glob("order-*.json")) - seen):
            if CRASH_AFTER and len(seen) >= CRASH_AFTER:
                sys.exit(f"giving up after {CRASH_AFTER} orders, as CRASH_AFTER asks")
            process(path)
            seen.add(path)
        time.sleep(LOOK_AGAIN_S)


if __name__ == "__main__":
    main()
