"""Published ports in words, the same in every format."""

from __future__ import annotations

from pillion.core.plan.facts import PortBinding


def port_words(binding: PortBinding) -> str:
    """Say where a container port is to be found on the host, and whether it is not where it was wanted."""
    first, last = binding.container_port, binding.container_port + binding.count - 1
    protocol = "" if binding.protocol == "tcp" else f"/{binding.protocol}"
    address = f"[{binding.host_ip}]" if ":" in binding.host_ip else binding.host_ip
    if binding.count == 1:
        words = f"port {first}{protocol} is at {address}:{binding.host_port}"
        reason = "the wanted port is taken"
    else:
        last_host = binding.host_port + binding.count - 1
        words = f"ports {first}-{last}{protocol} are at {address}:{binding.host_port}-{last_host}"
        reason = "a wanted port is taken"
    return f"{words}, because {reason}" if binding.moved else words
