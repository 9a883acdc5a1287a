"""What of a definition is about AWS's machines and cannot be had on this one: said, never dropped in silence.

What only an engine knows (GPUs, swap, a rootless engine) is the engine's to say; volumes of the cloud are
said where their folders are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator

from pillion.core.plan.model import Notice
from pillion.core.taskdef.model import ContainerDefinition, ProxyConfiguration, TaskDefinition


def unhonoured_notices(definition: TaskDefinition) -> tuple[Notice, ...]:
    """Return one notice for each part of a definition that has no effect here.

    Args:
        definition: what really runs: without what was muted, bare of what was stubbed.
    """
    found = [Notice(code=code, text=text) for code, text in _about_task(definition)]
    for item in definition.container_definitions or ():
        found += [Notice(code=code, text=text, container=item.name) for code, text in _about_container(item)]
    return tuple(found)


def _about_task(definition: TaskDefinition) -> Iterator[tuple[str, str]]:
    if definition.proxy_configuration is not None:
        yield "no-redirect", _no_redirect(definition.proxy_configuration)
    family = (definition.runtime_platform and definition.runtime_platform.operating_system_family) or ""
    if family.startswith("WINDOWS"):
        yield "no-windows", f"the task is made for {family}, and containers run on Linux here"
    if (storage := definition.ephemeral_storage) is not None:
        text = (
            f"ephemeralStorage has no effect: the disk is this machine's, and not {storage.size_in_gib} GiB"
        )
        yield "no-storage-limit", text
    if definition.placement_constraints:
        yield "no-placement", "placementConstraints have no effect: there is one machine, and it is this one"
    if definition.inference_accelerators:
        yield "no-accelerator", "inferenceAccelerators have no effect: there are none"
    if definition.enable_fault_injection:
        yield "no-faults", "enableFaultInjection has no effect: who asks for a fault gets an error instead"
    if definition.trusted_execution_configuration is not None:
        yield "no-isolation", "trustedExecutionConfiguration has no effect: the task runs as any other here"


def _no_redirect(proxy: ProxyConfiguration) -> str:
    """On ECS, iptables rules in the task's namespace lead traffic through the proxy."""
    given = {item.name: item.value for item in proxy.properties or ()}
    name = proxy.container_name or "the proxy"
    inward = f"; on ECS what comes for {ports} passes {name}" if (ports := given.get("AppPorts")) else ""
    return (
        f"proxyConfiguration has no effect: no traffic is led through {name}{inward}. "
        "App Mesh, which it was made for, ended on 2026-09-30"
    )


def _about_container(container: ContainerDefinition) -> Iterator[tuple[str, str]]:
    if container.credential_specs:
        yield "no-domain", "credentialSpecs have no effect: the container gets no identity of a domain"
    for requirement in container.resource_requirements or ():
        if requirement.type == "InferenceAccelerator":
            yield "no-accelerator", f"it gets no inference accelerator {requirement.value}"
        elif requirement.sharing_strategy is not None:
            yield "gpu-not-shared", "sharingStrategy has no effect: a GPU is passed on as a whole"
