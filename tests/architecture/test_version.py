"""The version that the command says is the one that was built and installed."""

from __future__ import annotations

from importlib.metadata import version

from pillion import __version__


def test_the_package_says_the_version_that_is_installed() -> None:
    assert __version__ == version("pillion")
