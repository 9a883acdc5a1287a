"""`make bench`: every benchmark of this folder, one after the other, each with its own heading."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    wanted = sys.argv[1:]
    for file in sorted(HERE.glob("*_bench.py")):
        name = file.stem.removesuffix("_bench")
        if wanted and name not in wanted:
            continue
        print(f"\n== {name} ==", flush=True)
        runpy.run_path(str(file), run_name="__main__")


if __name__ == "__main__":
    main()
