"""What the package promises: its public names, a light import, and cores that need nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pillion


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_these() -> None:
    assert pillion.__all__ == ["Finding", "Severity", "__version__", "check"]
    for name in pillion.__all__:
        assert getattr(pillion, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(pillion, "nothing_of_that_name")


def test_importing_the_package_or_the_core_loads_no_third_party_package_but_that_of_its_values() -> None:
    known = loaded_by("pass")
    core = (
        "import pillion, pillion.core.lifecycle.machine, pillion.core.plan.build, pillion.core.rules,"
        "pillion.core.describe, pillion.core.taskdef.parse"
    )
    third_party = loaded_by(core) - known - set(sys.stdlib_module_names) - {"pillion"}
    assert third_party <= {"msgspec", "typing_extensions"}  # msgspec takes the other along where it is
    assert loaded_by("import pillion") - known - set(sys.stdlib_module_names) == {"pillion"}


def test_checking_loads_neither_the_engine_nor_aws() -> None:
    loaded = loaded_by("import pillion; pillion.check({'family': 'x', 'containerDefinitions': []})")
    assert loaded.isdisjoint({"aiohttp", "aiodocker", "boto3", "botocore", "moto", "rich"})


def test_pillion_can_be_imported_without_its_extras() -> None:
    loaded = loaded_by("import pillion.app, pillion.cli.main, pillion.cli.run, pillion.around.surroundings")
    assert loaded.isdisjoint({"boto3", "botocore", "moto", "cryptography"})


LOADED_FOR_THOSE_THAT_NEED_THEM = {
    "pillion.aws.files",
    "pillion.aws.logs",
    "pillion.aws.registry",
    "pillion.aws.roles",
    "pillion.aws.router_files",
    "pillion.aws.secrets",
    "pillion.aws.seeding",
    "pillion.aws.task_logs",
    "pillion.aws.tls",
    "pillion.around.doors",
    "pillion.around.drain",
    "pillion.around.log_report",
    "pillion.around.routing",
    "pillion.sidecars.firelens.plan",
}

RUN = """
import asyncio, sys
from pathlib import Path
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.preparing import prepare_task
from pillion.run_settings import RunSettings
from pillion.around.surroundings import open_surroundings
import pillion.app, pillion.cli.run, pillion.supervision.supervising

async def live():
    app = {"name": "app", "image": "app:1", "memory": 64}
    document = {"family": "plain", "networkMode": "awsvpc", "containerDefinitions": [app]}
    prepared = prepare_task(parse_task_definition(document).definition, None, RunOptions(), cluster="default")
    clock = VirtualClock()
    engine = SimulatedEngine({}, clock=clock)
    async with open_surroundings(
        prepared.plan,
        prepared.running,
        RunSettings(state_folder=Path(sys.argv[1])),
        engine=engine,
        capabilities=await engine.capabilities(),
        clock=clock,
    ) as around:
        await around.companion.extras("app")
        await around.companion.before_start("app", "id")

run_in_virtual_time(live())
print(" ".join(sys.modules))
"""


def test_a_task_that_needs_nothing_of_aws_loads_nothing_of_what_would_bring_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert LOADED_FOR_THOSE_THAT_NEED_THEM & set(done.stdout.split()) == set()
