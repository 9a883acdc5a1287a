"""Python packages as raw material: pinned, hashed requirements, installed into a folder of the image."""

import subprocess
import sys
from pathlib import Path


class WheelError(Exception):
    """pip could not install the requirements of an image."""


def install(requirements: Path, target: Path) -> None:
    """Install hashed requirements into ``target``, wheels only, so that nothing is compiled or executed.

    Raises:
        WheelError: a package cannot be had, or is not the one that was pinned.
    """
    target.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"),
        *("--no-warn-script-location", "--root-user-action=ignore"),
        *("--target", str(target), "--requirement", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WheelError(
            f"pip cannot install {requirements.name}: {done.stderr.strip() or done.stdout.strip()}"
        )
