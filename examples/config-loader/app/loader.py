"""Writes the application's configuration into a volume, or fails; then its work is done."""

import json
import os
import sys
import time
from pathlib import Path

TARGET = Path(os.environ.get("CONFIG_FILE", "/config/app.json"))


def main() -> None:
    """Make the configuration from what the environment says; exit with 1 when that is not enough."""
    greeting = os.environ.get("GREETING", "")
    print(f"loading the configuration for {TARGET}")
    time.sleep(1)  # a real one would call a parameter store here
    if not greeting:
        sys.exit("there is no GREETING, so there is no configuration")
    TARGET.write_text(json.dumps({"greeting": greeting, "version": 1}))
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
