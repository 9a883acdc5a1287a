"""What the package promises: its public names, a light import, and cores that need nothing."""

from __future__ import annotations

import subprocess
import sys

import pillion


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_these() -> None:
    assert pillion.__all__ == ["Finding", "Severity", "check"]
    for name in pillion.__all__:
        assert getattr(pillion, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(pillion, "nothing_of_that_name")


def test_importing_the_package_or_the_core_loads_no_third_party_package() -> None:
    known = loaded_by("pass")
    core = (
        "import pillion, pillion.core.lifecycle.machine, pillion.core.plan.build, pillion.core.rules,"
        "pillion.core.describe, pillion.core.taskdef.parse"
    )
    third_party = loaded_by(core) - known - set(sys.stdlib_module_names) - {"pillion"}
    assert third_party == set()


def test_checking_loads_neither_the_engine_nor_aws() -> None:
    loaded = loaded_by("import pillion; pillion.check({'family': 'x', 'containerDefinitions': []})")
    assert loaded.isdisjoint({"aiohttp", "aiodocker", "boto3", "botocore", "moto", "rich"})


def test_pillion_can_be_imported_without_its_extras() -> None:
    loaded = loaded_by("import pillion.app, pillion.cli.main, pillion.cli.run, pillion.surroundings")
    assert loaded.isdisjoint({"boto3", "botocore", "moto", "cryptography"})
