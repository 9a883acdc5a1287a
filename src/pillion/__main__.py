"""`python -m pillion` is the command `pillion`."""

from pillion.cli.main import run_cli

run_cli()
