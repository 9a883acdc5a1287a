"""`python -m pillion` is the command `pillion`: both begin here."""

from __future__ import annotations

import gc

NEW_OBJECTS = 150_000
"""How many new objects set off a garbage collection.

A start makes some fifty thousand objects that all stay; with Python's own 700 a twentieth of its time goes
into looking for garbage among them.
"""


def main() -> None:
    """Run the command line of this process; never returns."""
    gc.set_threshold(NEW_OBJECTS)
    from pillion.cli.main import run_cli  # what it makes stays, too

    run_cli()


if __name__ == "__main__":
    main()
