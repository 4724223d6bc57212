from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from toolchain.commands import command

TEMPLATES = Path(__file__).parents[2] / "templates"
FILES = sorted(TEMPLATES.rglob("*.html"))
APPS = ["audit", "web", "workflows", "targets", "deployments", "runs", "alerts"]
LIBRARIES = {
    path.stem: path.parts[-3]
    for app in APPS
    for path in (TEMPLATES.parent / app / "templatetags").glob("[!_]*.py")
}
PAGE = re.compile(r'{% (?:include|extends) "(\w+)/')


def names(pattern: str, text: str) -> list[str]:
    return [name for found in re.findall(pattern, text) for name in found.split()]


def test_no_line_is_longer_than_120_characters() -> None:
    for path in FILES:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            assert len(line) <= 120, f"{path}:{number}"


def test_commands_on_pages_run_as_pasted() -> None:
    for path in FILES:
        assert "manage.py" not in path.read_text(), f"{path}: use the tag `command`"
    program, *words = command("trigger_workflow", "--help").split()
    done = subprocess.run([program, *words], check=False, cwd=TEMPLATES.parent, capture_output=True)
    assert b"usage: manage.py trigger_workflow" in done.stdout


def test_no_folder_holds_more_than_20_templates() -> None:
    for folder in {path.parent for path in FILES}:
        assert len(list(folder.glob("*.html"))) <= 20, folder


@pytest.mark.parametrize("app", APPS)
def test_a_template_uses_only_tags_and_templates_of_its_app_and_those_below(app: str) -> None:
    allowed = APPS[: APPS.index(app) + 1]
    for path in (TEMPLATES / app).rglob("*.html"):
        text = path.read_text()
        tags = [LIBRARIES.get(name, app) for name in names(r"{% load (.*?) %}", text)]
        templates = [name for name in PAGE.findall(text) if name in APPS]
        assert {*tags, *templates} <= {*allowed}, path
