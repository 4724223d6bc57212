"""What wrangler's own reader says about configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from toolchain import process
from toolchain.node_tools import NODE, WRANGLER
from workflows.documents.projects.files import ProjectFiles, file_bytes

_SCRIPT: Final = Path(__file__).with_name("read_configs.cjs")


def read_with_wrangler(folder: Path, projects: Mapping[str, ProjectFiles]) -> dict[str, Any]:
    """Write the projects to the folder, and return what wrangler reads in each.

    That is an object with the `values` of the file, and the `config` or an `error` with its `line`.
    """
    root, result = folder / "projects", folder / "result.json"
    for name, files in projects.items():
        for path in files:
            file = root / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(file_bytes(files, path))
    ended = process.run(
        [NODE, _SCRIPT, WRANGLER, root, result],
        cwd=folder,
        env=process.environment(
            home=folder, WRANGLER_SEND_METRICS="false", WRANGLER_LOG_PATH=str(folder)
        ),
        timeout=120,
    )
    assert not ended.exit_code, ended.stderr
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return found
