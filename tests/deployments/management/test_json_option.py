"""Every command about runs prints JSON with --json, as docs/command-line.md says."""

from __future__ import annotations

import pytest
from django.core.management import get_commands, load_command_class

OURS = sorted(name for name, app in get_commands().items() if app == "runs")


@pytest.mark.parametrize("name", OURS)
def test_a_command_about_runs_takes_json(name: str) -> None:
    parser = load_command_class("runs", name).create_parser("manage.py", name)

    assert "--json" in parser.format_help()
