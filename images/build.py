#!/usr/bin/env python3
"""Makes the local images of tests, examples and demo without a registry: ``build.py [NAME…] [--list]``.

Each image is a folder with an ``image.toml`` below ``images/`` or ``examples/``; ``images/README.md`` says
how to add one. What is up to date is left alone, so calling this before every test run costs a few
milliseconds.
"""

import argparse
import sys

from builder.debian import PackageError
from builder.engine import EngineError
from builder.plan import build
from builder.spec import SpecError, find_specs
from builder.wheels import WheelError


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description="Make the local images of pillion's tests, examples and demo."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="full or short; all usual ones when none is given"
    )
    parser.add_argument("--list", action="store_true", help="say which images there are, and make none")
    parser.add_argument("--force", action="store_true", help="make them anew even when they are up to date")
    arguments = parser.parse_args()
    try:
        if arguments.list:
            for spec in find_specs().values():
                print(f"{spec.name:36}{'only when asked' if spec.optional else ''}".rstrip())
        else:
            build(arguments.names, _report, force=arguments.force)
    except (SpecError, PackageError, WheelError, EngineError) as error:
        print(f"images/build.py: {error}", file=sys.stderr)
        return 1
    return 0


def _report(name: str, outcome: str) -> None:
    print(f"{name:36}{outcome}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
