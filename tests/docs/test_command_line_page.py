"""docs/command-line.md lists exactly the commands and options that exist."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.docs.test_docs import PAGES, PROJECT
from toolchain.commands import MANAGE

PAGE = (PROJECT / "docs" / "command-line.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
OWN_APPS = {
    "alerts",
    "api",
    "audit",
    "deployments",
    "maintenance",
    "runs",
    "targets",
    "web",
    "workflows",
}
COMMANDS = {name: app for name, app in get_commands().items() if app in OWN_APPS}


def options(command: BaseCommand, name: str) -> set[str]:
    """Return the options of the command that Django's base command lacks."""
    usual = BaseCommand().create_parser("manage.py", name)._option_string_actions
    return command.create_parser("manage.py", name)._option_string_actions.keys() - usual.keys()


def test_the_page_lists_exactly_the_existing_commands() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_table_lists_exactly_the_options(name: str) -> None:
    rows = re.findall(r"^\| (`--.+?) \|", SECTIONS[name], re.M)

    described = set(re.findall(r"`(--[a-z-]+)", " ".join(rows)))

    assert described == options(load_command_class(COMMANDS[name], name), name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_synopsis_lists_exactly_the_options(name: str) -> None:
    synopsis = SECTIONS[name].strip("\n").split("\n\n")[0]

    found = set(re.findall(r"(--[a-z-]+)", synopsis))

    assert synopsis.startswith(f"    {MANAGE} {name}")
    assert found == options(load_command_class(COMMANDS[name], name), name)


def test_commands_run_as_pasted() -> None:
    """A sentence may name a command; commands with arguments, or in a block, are complete."""
    files = [*PAGES, *(PROJECT / "templates").rglob("*.html")]
    lines = [(file, line) for file in files for line in file.read_text("utf-8").splitlines()]

    shortened = [
        f"{file.name}: {line}"
        for file, line in lines
        if re.search(r"manage\.py [a-z]", line.replace(MANAGE, ""))
    ]

    assert shortened == []


def test_commands_shown_on_any_page_exist_with_their_options() -> None:
    lines = [line for page in PAGES for line in page.read_text("utf-8").splitlines()]
    used = [found for line in lines for found in re.findall(r"manage\.py ([a-z]\w+)([^`#]*)", line)]

    for name, rest in used:
        assert name in COMMANDS, name
        known = options(load_command_class(COMMANDS[name], name), name)
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known, (name, rest)
