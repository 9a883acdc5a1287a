"""Gathers what tells whether sidecars do their work: their own words, their counters, their admin interface.

Thin: what it means is judged in `core.monitoring.silence`. A question that gets no answer costs nothing more
than a connection; who never answered is asked seldom.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from pillion.core.monitoring.figures import ContainerFigures, TaskFigures, Written
from pillion.core.monitoring.silence import (
    WINDOW_S,
    ProxyLook,
    RouterCounts,
    envoy_state,
    judge_proxy,
    judge_router,
    with_line,
    with_metrics,
)
from pillion.core.monitoring.watched import WatchedTask
from pillion.core.roles import Role
from pillion.ports.engine import Engine, EngineError, EngineUnreachableError, LogLine

ROUTER_PORT: Final = 2020
ROUTER_PATH: Final = "/api/v1/metrics"
"""Where Fluent Bit serves its counters, if its configuration says so (HTTP_Server On)."""

ENVOY_PORTS: Final = (9901, 15000, 19000)
ENVOY_PATH: Final = "/server_info"
"""Where Envoy's admin interface usually is: its own examples and App Mesh, Istio, Consul."""

SELDOM_LOOKS: Final = 6
"""Who never answered is asked every so many looks."""


class SidecarWatch:
    """Watches the log routers and proxies of one task.

    Args:
        task: the task.
        engine: reaches into its network.
    """

    def __init__(self, task: WatchedTask, engine: Engine) -> None:
        self._engine = engine
        self._routers = {item.name: _Router() for item in task.containers if item.role is Role.LOG_ROUTER}
        self._proxies = {
            item.name: _Proxy()
            for item in task.containers
            if item.role is Role.PROXY and "envoy" in f"{item.image} {item.name}".lower()
        }
        self._routed = [item.name for item in task.containers if item.logs_through_router]
        self._probing: asyncio.Task[None] | None = None
        self._looks = 0

    def log(self, line: LogLine) -> None:
        """Take a line of output."""
        router = self._routers.get(line.container)
        if router is not None:
            router.counts = with_line(router.counts, line.message)

    def judge(self, figures: TaskFigures, written: Mapping[str, Written]) -> dict[str, str]:
        """Return what is wrong with sidecars that run, by name, and ask them anew in the background."""
        found = {}
        waiting = sum(written.get(name, Written()).lines for name in self._routed)
        for name, router in self._routers.items():
            text = router.judge(_figures_of(figures, name), waiting, figures.at_s)
            if text is not None:
                found[name] = text
        for name, proxy in self._proxies.items():
            text = proxy.judge(_figures_of(figures, name), figures.at_s)
            if text is not None:
                found[name] = text
        self._ask(figures)
        return found

    async def close(self) -> None:
        """Ask no more."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    def _ask(self, figures: TaskFigures) -> None:
        self._looks += 1
        if (self._routers or self._proxies) and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(
                self._ask_all(figures, seldom=self._looks % SELDOM_LOOKS == 1)
            )

    async def _ask_all(self, figures: TaskFigures, *, seldom: bool) -> None:
        for name, router in self._routers.items():
            runtime_id = _runtime_id(figures, name)
            if runtime_id is not None and (seldom or router.answers):
                body = await self._fetch(runtime_id, ROUTER_PORT, ROUTER_PATH)
                router.answers = body is not None
                router.body = body
        for name, proxy in self._proxies.items():
            runtime_id = _runtime_id(figures, name)
            if runtime_id is not None and (seldom or proxy.port is not None):
                await self._ask_proxy(proxy, runtime_id)

    async def _ask_proxy(self, proxy: _Proxy, runtime_id: str) -> None:
        for port in ENVOY_PORTS if proxy.port is None else (proxy.port,):
            body = await self._fetch(runtime_id, port, ENVOY_PATH)
            proxy.state = None if body is None else envoy_state(body)
            if proxy.state is not None:
                proxy.port = port
                break

    async def _fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        try:
            return await self._engine.fetch(runtime_id, port, path)
        except (EngineError, EngineUnreachableError):
            return None


class _Router:
    """What is known of one log router since its process started."""

    def __init__(self) -> None:
        self.counts = RouterCounts(at_s=0.0)
        self.answers = False
        self.body: str | None = None
        self._history: tuple[RouterCounts, ...] = ()
        self._restarts = 0

    def judge(self, figures: ContainerFigures | None, waiting: int, at_s: float) -> str | None:
        if figures is None or not figures.is_running or figures.restarts != self._restarts:
            self._restarts = 0 if figures is None else figures.restarts
            self.counts, self._history, self.body = RouterCounts(at_s=at_s), (), None
            return None
        counts = replace(
            self.counts,
            at_s=at_s,
            waiting=waiting,
            cpu_ns=None if figures.sample is None else figures.sample.cpu_ns,
        )
        if self.body is not None:
            counts = with_metrics(counts, self.body)
        kept = [item for item in self._history if at_s - WINDOW_S <= item.at_s < at_s]
        self._history = (*kept, counts)
        return judge_router(self._history)


class _Proxy:
    """What is known of one proxy since its process started."""

    def __init__(self) -> None:
        self.port: int | None = None
        self.state: str | None = None
        self._history: tuple[ProxyLook, ...] = ()

    def judge(self, figures: ContainerFigures | None, at_s: float) -> str | None:
        uptime_s = None if figures is None else figures.uptime_s
        if uptime_s is None or (self._history and uptime_s < self._history[-1].uptime_s):
            self.port, self.state, self._history = None, None, ()
            return None
        look = ProxyLook(at_s=at_s, uptime_s=uptime_s, state=self.state)
        self._history = (*self._history[-SELDOM_LOOKS:], look)
        return judge_proxy(self._history)


def _figures_of(figures: TaskFigures, name: str) -> ContainerFigures | None:
    return next((item for item in figures.containers if item.name == name), None)


def _runtime_id(figures: TaskFigures, name: str) -> str | None:
    found = _figures_of(figures, name)
    return figures.state.containers[name].runtime_id if found is not None and found.is_running else None
