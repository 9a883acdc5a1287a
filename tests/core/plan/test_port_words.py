"""Published ports in words."""

from __future__ import annotations

import pytest

from pillion.core.plan.facts import PortBinding
from pillion.core.plan.port_words import port_words


def binding(port: int, **members: object) -> PortBinding:
    values = {"host_ip": "127.0.0.1", "host_port": port, "container_port": port, "protocol": "tcp", **members}
    return PortBinding(**values)  # type: ignore[arg-type]  # the members are what each case changes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (binding(80), "port 80 is at 127.0.0.1:80"),
        (binding(53, protocol="udp"), "port 53/udp is at 127.0.0.1:53"),
        (binding(80, host_ip="::1"), "port 80 is at [::1]:80"),
        (
            binding(80, host_port=1024, moved=True),
            "port 80 is at 127.0.0.1:1024, because the wanted port is taken",
        ),
        (binding(7000, count=3), "ports 7000-7002 are at 127.0.0.1:7000-7002"),
        (
            binding(7000, count=3, host_port=32768, moved=True),
            "ports 7000-7002 are at 127.0.0.1:32768-32770, because a wanted port is taken",
        ),
    ],
)
def test_a_published_port_is_told_in_one_sentence(given: PortBinding, words: str) -> None:
    assert port_words(given) == words
