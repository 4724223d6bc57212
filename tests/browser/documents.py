"""Workflows that the browser tests deploy."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.deployments.fakes import document
from tests.support.installation import PROJECT, Installation


def make_workflow(installation: Installation, name: str, code: str = "return 1;") -> str:
    """Import a workflow with one step and return its id."""
    ir: dict[str, Any] = document(code)
    ir["metadata"]["name"] = name
    return installation.import_document(ir)


def make_project(installation: Installation, name: str) -> str:
    """Import a project with a long path and with an error of types, and return its id."""
    own = {"name": "own", "binding": "OWN", "class_name": "Own"}
    config = {"main": "index.ts", "compatibility_date": "2026-01-01", "workflows": [own]}
    files = {
        "wrangler.json": json.dumps(config),
        "index.ts": "export class Own {}\nconst wrong: number = 'text';\n",
        f"{name}/{name}.md": f"# {name}\n",
        "logo.bin": "\0",
    }
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            (Path(folder) / path).parent.mkdir(exist_ok=True)
            (Path(folder) / path).write_text(text, "utf-8")
        return installation.manage("import_project", folder).stdout.strip()


def deploy_elsewhere(installation: Installation, workflow: str) -> subprocess.Popen[bytes]:
    """Deploy from the command line, in another process."""
    command = [sys.executable, "manage.py", "deploy_workflow", workflow]
    return subprocess.Popen(command, cwd=PROJECT, env=installation.env, stdout=subprocess.DEVNULL)
