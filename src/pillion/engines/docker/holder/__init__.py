"""The holder: a program of a few KiB, and the image that pillion makes of it on the engine.

It is the pause container of a task, the stand-in of a stubbed container, and the relay where a task's
network namespace cannot be entered. The program is built beforehand (`build.sh`) and comes with the
package, so no registry and no compiler is needed to run a task. Talking to the engine is not done here:
`image.py` gives the bytes and the name, and whoever holds the connection loads them.
"""

from __future__ import annotations

from pillion.engines.docker.holder.image import (
    HEALTH_COMMAND,
    PAUSE_COMMAND,
    RELAY_CAPABILITIES,
    HolderUnavailableError,
    ImageStore,
    ensure_holder_image,
    holder_image_tar,
    holder_reference,
    relay_command,
    stub_command,
)

__all__ = [
    "HEALTH_COMMAND",
    "PAUSE_COMMAND",
    "RELAY_CAPABILITIES",
    "HolderUnavailableError",
    "ImageStore",
    "ensure_holder_image",
    "holder_image_tar",
    "holder_reference",
    "relay_command",
    "stub_command",
]
