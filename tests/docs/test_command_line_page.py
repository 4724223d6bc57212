"""docs/command-line.md has every command, with every option and no other; other pages use them."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.docs.test_docs import PAGES, PROJECT

PAGE = (PROJECT / "docs" / "command-line.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
OWN_APPS = {"api", "audit", "deployments", "runs", "workflows"}
COMMANDS = {name: app for name, app in get_commands().items() if app in OWN_APPS}


def options(command: BaseCommand, name: str) -> set[str]:
    """Return the options that the command adds to those of every Django command."""
    usual = BaseCommand().create_parser("manage.py", name)._option_string_actions
    return command.create_parser("manage.py", name)._option_string_actions.keys() - usual.keys()


def test_the_page_has_every_command_and_no_other() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_table_has_every_option_and_no_other(name: str) -> None:
    rows = re.findall(r"^\| (`--.+?) \|", SECTIONS[name], re.M)

    described = set(re.findall(r"`(--[a-z-]+)", " ".join(rows)))

    assert described == options(load_command_class(COMMANDS[name], name), name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_synopsis_has_every_option(name: str) -> None:
    synopsis = SECTIONS[name].strip("\n").split("\n\n")[0]

    found = set(re.findall(r"(--[a-z-]+)", synopsis))

    assert synopsis.startswith(f"    manage.py {name}")
    assert found == options(load_command_class(COMMANDS[name], name), name)


def test_the_commands_on_all_pages_exist_with_their_options() -> None:
    lines = [line for page in PAGES for line in page.read_text("utf-8").splitlines()]
    used = [found for line in lines for found in re.findall(r"manage\.py ([a-z]\w+)([^`#]*)", line)]

    for name, rest in used:
        assert name in COMMANDS, name
        known = options(load_command_class(COMMANDS[name], name), name)
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known, (name, rest)
