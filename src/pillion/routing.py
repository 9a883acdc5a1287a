"""What a log router adds to one run: FireLens's plan and files, and AWS under its own host names over TLS.

Part of the composition root, and loaded for tasks that have a log router only.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from pillion.aws.backend import AwsBackend
from pillion.aws.router_files import remove_router_files
from pillion.aws.tls import Authority, TlsError, host_names, open_authority, server_context
from pillion.core.plan.endpoints import ENDPOINT_HOST
from pillion.core.plan.model import Bind, Notice, TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.run_settings import RunSettings
from pillion.sidecars.amend import with_aws_hosts, with_firelens
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens


@dataclass(frozen=True, kw_only=True)
class Routing:
    """The log router of one run.

    Attributes:
        firelens: what FireLens adds to the task.
        region: whose host names of AWS are answered inside the task.
        authority: who vouches for them; None where the router reaches AWS itself, or nothing.
        tls: for whoever answers under these names.
        notices: what the user should know of it.
    """

    firelens: FirelensPlan
    region: str
    authority: Authority | None = None
    tls: ssl.SSLContext | None = None
    notices: tuple[Notice, ...] = ()

    def amend(self, plan: TaskPlan) -> TaskPlan:
        """Return the plan with the router's files and its clients' log driver, and with AWS's host names."""
        plan = with_firelens(plan, self.firelens)
        if self.authority is None:
            return plan
        certificate = Bind(
            host_path=str(self.authority.certificate_path.absolute()),
            container_path=self.authority.container_path,
            read_only=True,
        )
        return with_aws_hosts(
            plan,
            router=self.firelens.router,
            hosts=host_names(self.region),
            address=ENDPOINT_HOST,
            certificate=certificate,
        )

    async def remove_files(self) -> None:
        """Remove what the router's mounts needed on this machine."""
        await asyncio.to_thread(remove_router_files, self.firelens)


def open_routing(
    plan: TaskPlan,
    definition: TaskDefinition,
    settings: RunSettings,
    backend: AwsBackend,
    *,
    is_link_local: bool,
) -> Routing | None:
    """Plan the log router of a task, if it has one.

    Args:
        plan: of the task, without its router's part.
        definition: what really runs.
        settings: how it is run.
        backend: the AWS of the run. AWS's names are answered in its stead only where it is not AWS itself.
        is_link_local: whether the task finds its endpoints at ECS's own address.

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
    region = backend.region
    if not backend.needs_gateway or not is_link_local:
        return Routing(firelens=firelens, region=region)
    try:
        authority = open_authority(settings.state_folder / "tls")
        context = server_context(authority, region)
    except TlsError as error:
        notice = Notice(code="no-tls", text=str(error), container=firelens.router)
        return Routing(firelens=firelens, region=region, notices=(notice,))
    text = (
        f"AWS's host names in {region} lead to {settings.aws.url or 'local AWS'} inside this task, "
        "and the log router trusts a CA of pillion for them"
    )
    notice = Notice(code="aws-hosts", text=text, container=firelens.router)
    return Routing(firelens=firelens, region=region, authority=authority, tls=context, notices=(notice,))
