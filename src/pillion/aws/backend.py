"""The AWS of a run: which endpoint, started and filled when it is first needed.

Nothing happens for a task that needs no AWS: no process, no import of boto3.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pillion.aws.clients import EMULATOR_KEYS, AwsClients
from pillion.aws.local.announce import RunningAws, announce, withdraw
from pillion.aws.local.process import LocalAws, LocalAwsError
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.ports.aws import AwsCallError

REGION_DEFAULT: Final = "us-east-1"


class AwsBackend:
    """One per run of pillion; close it at the end.

    Args:
        settings: which AWS, and what local AWS holds at the start.
        region: of the task; the settings' own region goes before it.
        folder: where relative paths of the settings start.
        announce_folder: where it is written down that local AWS runs; None tells nobody.
        local: an embedded server that others use, too, and that is not closed here; None makes one.
    """

    def __init__(
        self,
        settings: AwsSettings,
        *,
        region: str = REGION_DEFAULT,
        folder: Path,
        announce_folder: Path | None = None,
        local: LocalAws | None = None,
    ) -> None:
        self.settings = settings
        self.region = settings.region or region
        self._folder = folder
        self._announce_folder = announce_folder
        state = settings.state_folder
        self._is_shared = local is not None
        self._local = local or LocalAws(folder / state if state is not None else None)
        self._seeded = False
        self._lock = asyncio.Lock()
        keys = None if settings.mode is AwsMode.REAL else EMULATOR_KEYS
        self.clients = AwsClients(region=self.region, endpoint=self.url, keys=keys)
        # While local AWS is being filled, nobody else may see it half full.
        self._seeding_clients = AwsClients(region=self.region, endpoint=self._local.url, keys=EMULATOR_KEYS)

    @property
    def is_local(self) -> bool:
        """Whether AWS is the embedded server."""
        return self.settings.mode is AwsMode.LOCAL

    @property
    def is_forgetful(self) -> bool:
        """Whether what AWS holds ends with the process that has the task."""
        return self.is_local and self.settings.state_folder is None

    @property
    def needs_gateway(self) -> bool:
        """Whether containers reach AWS through pillion, and not by themselves."""
        return self.settings.mode in (AwsMode.LOCAL, AwsMode.URL)

    @property
    def is_running(self) -> bool:
        """Whether local AWS has been started."""
        return self._local.is_running

    async def url(self) -> str | None:
        """Return the endpoint's URL as seen from this machine; None is AWS itself. Starts local AWS.

        Raises:
            AwsCallError: there is no AWS (`none`), or local AWS cannot be started or filled.
        """
        match self.settings.mode:
            case AwsMode.REAL:
                return None
            case AwsMode.URL:
                return self.settings.url
            case AwsMode.NONE:
                raise AwsCallError("AWS", "Unavailable", "there is no AWS in this run (--aws none)")
            case AwsMode.LOCAL:
                return await self._local_url()

    async def close(self) -> None:
        """End local AWS."""
        if self._is_shared:
            return
        if self._announce_folder is not None:
            withdraw(self._announce_folder, os.getpid())
        await self._local.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _local_url(self) -> str:
        async with self._lock:
            try:
                url = await self._local.url()
            except LocalAwsError as error:
                raise AwsCallError("AWS", "Unavailable", str(error)) from error
            if not self._seeded:
                from pillion.aws.seeding import apply_seed

                await apply_seed(self.settings.seed, self._seeding_clients, self._folder)
                self._seeded = True
                if self._announce_folder is not None:
                    running = RunningAws(pid=os.getpid(), url=url, region=self.region)
                    announce(self._announce_folder, running)
            return url
