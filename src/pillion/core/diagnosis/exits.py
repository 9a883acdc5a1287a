"""What an exit code says about how a program ended.

Surprising: ECS records 143 also for a container that never ran because of a dependency, and 137 is both the
kernel's doing (out of memory) and ECS's own (the stopTimeout ran out). `diagnose` tells these apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

_SIGNALS: Final[Mapping[int, str]] = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
}  # fmt: skip


class ExitMeaning(Struct, frozen=True, kw_only=True):
    """What an exit code means: `code` names the finding, the rest is as in `known.KnownText`."""

    code: str
    cause: str
    explanation: str = ""
    advice: tuple[str, ...] = ()
    member: tuple[str, ...] = ()


_ITS_OUTPUT: Final = "Read its last lines of output."

_KNOWN: Final[Mapping[int, ExitMeaning]] = {
    0: ExitMeaning(
        code="exit-0",
        cause="it ended by itself with 0",
        explanation="For ECS an essential container that ends is the end of the task, whatever its exit "
        "code.",
        advice=(
            "If it is to finish, make it essential: false and let others wait for it with SUCCESS.",
            "If it is to stay, keep its program in the foreground.",
        ),
        member=("essential",),
    ),
    1: ExitMeaning(
        code="exit-1",
        cause="it ended by itself with 1, the usual code for an error",
        explanation="The code is the program's own; what it means stands in its output.",
        advice=(_ITS_OUTPUT,),
        member=("command",),
    ),
    126: ExitMeaning(
        code="exit-126",
        cause="its command was found and could not be executed (126)",
        explanation="A shell answers this for a file without execute permission, or of another format.",
        advice=("chmod +x it when the image is built; look at its #! line and at the image's platform.",),
        member=("command",),
    ),
    127: ExitMeaning(
        code="exit-127",
        cause="its command was not found (127)",
        explanation="A shell answers this for a program that is not in the image or not in PATH.",
        advice=("Look at command and entryPoint, and whether the image has the program.",),
        member=("command",),
    ),
    134: ExitMeaning(
        code="exit-134",
        cause="it aborted itself (SIGABRT)",
        explanation="An assertion, a failed allocation or the runtime's own alarm ends a program like that.",
        advice=(_ITS_OUTPUT,),
    ),
    137: ExitMeaning(
        code="exit-137",
        cause="it was killed (SIGKILL)",
        explanation="Nobody can catch SIGKILL. It comes from the kernel when memory runs out, from the "
        "engine when stopTimeout is over, or from somebody on the host.",
        advice=(
            (
                "Compare its memory use with its limit: without the engine's own word, memory is still the "
                "likeliest."
            ),
            "Look whether somebody killed it on the host.",
        ),
        member=("memory",),
    ),
    139: ExitMeaning(
        code="exit-139",
        cause="it crashed (SIGSEGV, a bad memory access)",
        explanation="A fault in native code: a library built for another libc or processor, or a bug.",
        advice=(
            "Look whether native libraries fit the base image (musl or glibc) and the processor.",
            "Reproduce it with pillion run and a core dump (ulimits core).",
        ),
        member=("image",),
    ),
    143: ExitMeaning(
        code="exit-143",
        cause="it was asked to end (SIGTERM) and did",
        explanation="128 + 15: the program did not catch SIGTERM, or ended with that code on purpose.",
        advice=(
            "Look who sent it, if nobody stopped the task: its own supervisor, or somebody on the host.",
        ),
        member=("stopTimeout",),
    ),
    255: ExitMeaning(
        code="exit-255",
        cause="it ended by itself with 255",
        explanation="exit(-1) in many languages; also what some runtimes say for a program of another "
        "processor.",
        advice=(_ITS_OUTPUT,),
        member=("command",),
    ),
}

KILLED_AFTER_STOP_TIMEOUT: Final = ExitMeaning(
    code="killed-after-stop-timeout",
    cause="it did not end within its stopTimeout and was killed",
    explanation="SIGTERM came first. A shell as process 1 does not pass it on, and a process 1 without "
    "a handler ignores it.",
    advice=(
        (
            "Handle SIGTERM; start the program with exec (exec myprogram), or set "
            "linuxParameters.initProcessEnabled."
        ),
        "Raise stopTimeout if it only needs longer (Fargate: up to 120 seconds).",
    ),
    member=("stopTimeout",),
)


def meaning_of(exit_code: int) -> ExitMeaning:
    """Return what an exit code means; one that nobody here knows is the program's own."""
    known = _KNOWN.get(exit_code)
    if known is not None:
        return known
    signal = _SIGNALS.get(exit_code - 128)
    if signal is not None:
        return ExitMeaning(
            code=f"exit-{exit_code}",
            cause=f"it was ended by {signal}",
            explanation="128 + the number of the signal.",
            advice=(_ITS_OUTPUT,),
        )
    return ExitMeaning(
        code="exit-other",
        cause=f"it ended by itself with {exit_code}",
        explanation="The code is the program's own; what it means stands in its output.",
        advice=(_ITS_OUTPUT,),
        member=("command",),
    )
