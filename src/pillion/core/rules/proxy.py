"""Rules about App Mesh's proxyConfiguration and the Envoy that goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pillion.core.rules.dependencies import did_you_mean
from pillion.core.rules.examples import app, depends, fargate, health_check, sidecar
from pillion.core.rules.rule import Hit, aws_says, guide, set_to, task_rule, we_say
from pillion.core.task_view import Json, TaskView, absent, is_known, mapping, members, text

_PROXY = guide("task_definition_parameters.html#proxyConfiguration")
_CONNECT = guide("service-connect.html")

PORTS_MAX: Final = 15
"""Longer lists are cut without a word: they become one multiport match of iptables."""

_REQUIRED: Final = {"ProxyIngressPort": "Ingress port not found", "ProxyEgressPort": "Egress port not found"}


def _proxy(*left_out: str, name: str = "envoy", **properties: str) -> dict[str, object]:
    base = {
        "IgnoredUID": "1337",
        "ProxyIngressPort": "15000",
        "ProxyEgressPort": "15001",
        "AppPorts": "8080",
        "EgressIgnoredIPs": "169.254.170.2,169.254.169.254",
    }
    given = {key: value for key, value in {**base, **properties}.items() if key not in left_out}
    return {
        "type": "APPMESH",
        "containerName": name,
        "properties": [{"name": key, "value": value} for key, value in given.items()],
    }


def _mesh(proxy: dict[str, object], user: str | None = "1337", **members: object) -> dict[str, object]:
    envoy = sidecar("envoy", user=user, healthCheck=health_check())
    return fargate(app(dependsOn=depends(envoy="HEALTHY")), envoy, **{"proxyConfiguration": proxy, **members})


def _properties(task: TaskView) -> Json | None:
    """Properties by name, or None where they are not all known."""
    configuration = mapping(task.raw, "proxyConfiguration")
    if not is_known(configuration, "properties"):
        return None
    found: dict[str, object] = {}
    for _, pair in members(configuration, "properties"):
        name = text(pair, "name")
        if name is None:
            return None
        found[name] = pair.get("value")
    return found


@task_rule(
    code="E901",
    title="A proxy configuration without awsvpc",
    why="Traffic is redirected inside the task's own network namespace, which only awsvpc gives it.",
    fix='Set `"networkMode": "awsvpc"`.',
    source=_PROXY,
    bad=_mesh(_proxy(), networkMode="bridge", requiresCompatibilities=["EC2"]),
    good=_mesh(_proxy(), requiresCompatibilities=["EC2"]),
    on="proxyConfiguration",
)
def proxy_network_mode(task: TaskView) -> Iterator[Hit]:
    """A proxy configuration needs awsvpc."""
    if task.network_mode is not None and task.network_mode != "awsvpc":
        path = ("proxyConfiguration",)
        yield aws_says(path, "APPMESH proxy configuration is only supported in networkMode=awsvpc")


@task_rule(
    code="E902",
    title="The proxy container does not exist",
    why="Traffic would be redirected to nobody.",
    fix="Name a container of this definition.",
    source=_PROXY,
    bad=_mesh(_proxy(name="proxy")),
    good=_mesh(_proxy()),
    on="proxyConfiguration",
    blocks_run=True,
)
def proxy_container(task: TaskView) -> Iterator[Hit]:
    """The proxy configuration names a container of the definition."""
    name = text(mapping(task.raw, "proxyConfiguration"), "containerName")
    if name is not None and name not in task.by_name and task.containers_known:
        path = ("proxyConfiguration", "containerName")
        yield aws_says(
            path, f"Proxy container [{name}] does not exist.", did_you_mean(name, list(task.by_name))
        )


@task_rule(
    code="E903",
    title="A proxy property is missing",
    why="The redirection needs the proxy's two ports, the application's ports, and whom to leave alone.",
    fix="Give ProxyIngressPort, ProxyEgressPort, AppPorts, and IgnoredUID or IgnoredGID.",
    source=_PROXY,
    bad=_mesh(_proxy("ProxyIngressPort")),
    good=_mesh(_proxy()),
    on="proxyConfiguration",
)
def proxy_properties(task: TaskView) -> Iterator[Hit]:
    """Every property that is needed is there."""
    given = _properties(task)
    if given is None or not mapping(task.raw, "proxyConfiguration"):
        return
    path = ("proxyConfiguration", "properties")
    for name, message in _REQUIRED.items():
        if not given.get(name):
            if name == "ProxyIngressPort":  # the only one of the texts that has been seen on the wire
                yield aws_says(path, message, f"The property {name} is missing.")
            else:
                yield we_say(path, f"The property {name} is missing.")
    if not given.get("AppPorts"):
        yield we_say(path, "The property AppPorts is missing.")
    if not given.get("IgnoredUID") and not given.get("IgnoredGID"):
        yield we_say(path, "One of the properties IgnoredUID and IgnoredGID is needed.")


@task_rule(
    code="W901",
    title="App Mesh has ended",
    why="AWS ended App Mesh on 30 September 2026; its control plane no longer configures Envoy.",
    fix="Move to ECS Service Connect, to VPC Lattice, or to an Envoy with a configuration of your own.",
    source=_CONNECT,
    bad=_mesh(_proxy()),
    good=fargate(),
)
def app_mesh(task: TaskView) -> Iterator[Hit]:
    """Neither the proxy configuration nor App Mesh's image or variables are used."""
    if text(mapping(task.raw, "proxyConfiguration"), "type") == "APPMESH":
        yield we_say(("proxyConfiguration",), "The definition uses App Mesh, which AWS has ended.")
        return
    for container in task.containers:
        if "aws-appmesh-envoy" in (container.image or ""):
            yield we_say(container.at("image"), "The image is App Mesh's Envoy, and AWS has ended App Mesh.")


@task_rule(
    code="W902",
    title="The proxy does not run as the user whose traffic is left alone",
    why="The proxy's own traffic is then redirected to the proxy, in a circle, and nothing gets out.",
    fix="Give the proxy container the user that IgnoredUID names, customarily 1337.",
    source=_PROXY,
    bad=_mesh(_proxy(), user="1000"),
    good=_mesh(_proxy(), user="1337"),
    on="proxyConfiguration",
)
def proxy_user(task: TaskView) -> Iterator[Hit]:
    """The proxy's `user` is IgnoredUID, or its group IgnoredGID."""
    given = _properties(task)
    name = text(mapping(task.raw, "proxyConfiguration"), "containerName")
    proxy = task.by_name.get(name) if name is not None else None
    if given is None or proxy is None:
        return
    uid, gid = given.get("IgnoredUID"), given.get("IgnoredGID")
    if absent(proxy.raw, "user"):
        if isinstance(uid, str) and uid and "aws-appmesh-envoy" not in (proxy.image or ""):
            message = f"{proxy.label} has no user; IgnoredUID is {uid}."
            yield we_say(proxy.path, message)
        return
    user, _, group = (text(proxy.raw, "user") or "").partition(":")
    by_uid = isinstance(uid, str) and uid != "" and user.isdecimal() and user != uid
    by_gid = isinstance(gid, str) and gid != "" and group == gid
    if by_uid and not by_gid:
        path = proxy.at("user")
        message = f"{proxy.label} runs as user {user}, and IgnoredUID is {uid}."
        yield we_say(path, message, edit=set_to(path, uid) if not group else None)


@task_rule(
    code="W903",
    title="More than fifteen ports in one list",
    why="The list becomes one rule of iptables, which takes fifteen ports; the rest is dropped in silence.",
    fix="Keep fifteen ports or fewer.",
    source=_PROXY,
    bad=_mesh(_proxy(AppPorts=",".join(str(8000 + i) for i in range(16)))),
    good=_mesh(_proxy(AppPorts=",".join(str(8000 + i) for i in range(15)))),
    on="proxyConfiguration",
)
def proxy_port_lists(task: TaskView) -> Iterator[Hit]:
    """Port lists have at most fifteen entries."""
    configuration = mapping(task.raw, "proxyConfiguration")
    for index, pair in members(configuration, "properties"):
        name, value = text(pair, "name"), text(pair, "value")
        if name in ("AppPorts", "EgressIgnoredPorts") and value and value.count(",") >= PORTS_MAX:
            path = ("proxyConfiguration", "properties", index, "value")
            yield we_say(path, f"{name} has {value.count(',') + 1} ports; only the first {PORTS_MAX} count.")
