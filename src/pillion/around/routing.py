"""What a log router adds to one run: FireLens's plan and files, and AWS under its own host names over TLS.

Part of the composition root, and loaded for tasks that have a log router only.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
from pathlib import Path

from msgspec import Struct

from pillion.around.serving import Place, Way
from pillion.aws.backend import AwsBackend
from pillion.aws.router_files import remove_router_files
from pillion.aws.tls import (
    Authority,
    TlsError,
    container_path,
    host_names,
    open_authority,
    server_context,
)
from pillion.core.plan.endpoints import ENDPOINT_HOST
from pillion.core.plan.model import Bind, Notice, TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.run_settings import RunSettings
from pillion.sidecars.amend import with_aws_hosts, with_firelens
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens

TLS_PORT = 443

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")


class Routing(Struct, frozen=True, kw_only=True):
    """The log router of one run.

    Attributes:
        firelens: what FireLens adds to the task.
        address: where AWS's own host names lead; None where they are left alone, because AWS itself is meant
            or nothing can be reached at all.
        regions: whose host names these are.
        authority: who vouches for them; None where nobody answers.
        tls: for whoever answers under these names.
        sockets: listen at `address` already, where the task has no network of its own.
        notices: what the user should know of it.
    """

    firelens: FirelensPlan
    address: str | None = None
    regions: tuple[str, ...] = ()
    authority: Authority | None = None
    tls: ssl.SSLContext | None = None
    sockets: tuple[socket.socket, ...] = ()
    notices: tuple[Notice, ...] = ()

    def amend(self, plan: TaskPlan) -> TaskPlan:
        """Return the plan with the router's files and its clients' log driver, and with AWS's host names."""
        plan = with_firelens(plan, self.firelens)
        if self.address is None:
            return plan
        certificate = None
        if self.authority is not None:
            certificate = Bind(
                host_path=str(self.authority.certificate_path.absolute()),
                container_path=self.authority.container_path,
                read_only=True,
            )
        return with_aws_hosts(
            plan,
            router=self.firelens.router,
            hosts=host_names(*self.regions),
            address=self.address,
            certificate=certificate,
        )

    async def remove_files(self) -> None:
        """Remove what the router's mounts needed on this machine."""
        await asyncio.to_thread(remove_router_files, self.firelens)


def open_routing(
    plan: TaskPlan, definition: TaskDefinition, settings: RunSettings, backend: AwsBackend, place: Place
) -> Routing | None:
    """Plan the log router of a task, if it has one.

    Args:
        plan: of the task, without its router's part; as it was amended, where the task is taken over.
        definition: what really runs.
        settings: how it is run.
        backend: the AWS of the run. AWS's names are answered in its stead only where it is not AWS itself.
        place: where the task finds its endpoints.

    Raises:
        FirelensError: ECS would not start the router.
    """
    # A part of the id will do, and Linux allows little more than a hundred bytes for the socket's path.
    folder = settings.state_folder.absolute() / "firelens" / plan.identity.task_id[:12]
    firelens = plan_firelens(
        definition,
        plan.identity,
        plan.network_mode,
        FirelensSettings(folder=str(folder), asynchronous=settings.firelens_asynchronous),
    )
    if firelens is None:
        return None
    if not backend.needs_gateway or place.way is Way.NOWHERE:
        return Routing(firelens=firelens)
    address = ENDPOINT_HOST if place.is_link_local else _loopback_of(plan)
    regions = _regions(firelens, backend.region)
    where = f"AWS's host names in {' and '.join(regions)}"
    sockets: tuple[socket.socket, ...] = ()
    try:
        trusted = _trusted_by(plan, firelens.router)
        authority = open_authority(settings.state_folder / "tls", trusted=trusted)
        context = server_context(authority, *regions)
        if not place.is_link_local:
            sockets = (_listen(definition, address),)
    except TlsError as error:
        text = f"{where} lead nowhere inside this task, and what the log router sends there is lost: {error}"
        notice = Notice(code="no-tls", text=text, container=firelens.router)
        return Routing(firelens=firelens, address=address, regions=regions, notices=(notice,))
    text = (
        f"{where} lead to {settings.aws.url or 'local AWS'} inside this task, "
        "and the log router trusts a CA of pillion for them"
    )
    return Routing(
        firelens=firelens,
        address=address,
        regions=regions,
        authority=authority,
        tls=context,
        sockets=sockets,
        notices=(Notice(code="aws-hosts", text=text, container=firelens.router),),
    )


def _trusted_by(plan: TaskPlan, router: str) -> Path | None:
    """Return the certificate that the router of a task that is taken over has mounted."""
    binds = (bind for item in plan.containers if item.name == router for bind in item.binds)
    return next((Path(bind.host_path) for bind in binds if bind.container_path == container_path()), None)


def _regions(firelens: FirelensPlan, region: str) -> tuple[str, ...]:
    """Return the task's region and those that outputs name. One that only the router knows is the task's."""
    named = [output.options.get("region", "") for output in firelens.configuration.outputs]
    return tuple(dict.fromkeys([region, *(item for item in named if _REGION.fullmatch(item))]))


def _loopback_of(plan: TaskPlan) -> str:
    """Return an address of this machine's loopback for one task, the same whenever it is asked for.

    In host mode there is no network of the task's own. All of 127.0.0.0/8 is the loopback, and the names are
    only in the router's own hosts file.
    """
    seed = hashlib.sha256(plan.identity.task_id.encode()).digest()
    return f"127.{100 + seed[0] % 100}.{seed[1]}.{1 + seed[2] % 254}"


def _listen(definition: TaskDefinition, address: str) -> socket.socket:
    """Listen where AWS's names lead in host mode. Raises TlsError."""
    mappings = [port for item in definition.container_definitions for port in item.port_mappings or ()]
    if any(port.container_port == TLS_PORT for port in mappings):
        # A program that wants the port on all addresses would not get it beside us.
        raise TlsError(f"port {TLS_PORT} is a container's in host mode")
    try:
        return socket.create_server((address, TLS_PORT))
    except OSError as error:
        raise TlsError(f"{address}:{TLS_PORT} cannot be listened on: {error.strerror}") from error
