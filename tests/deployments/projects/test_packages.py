"""npm packages of projects: installed from the lock file, bundled by wrangler, and run in workerd."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.deployments.projects.examples import code, files
from tests.deployments.projects.installed import deploy, import_files
from tests.support.installation import Installation
from toolchain.node_tools import NODE, NPM_CLI
from workflows.documents.projects.files import ProjectFiles

MANIFEST = {"dependencies": {"picocolors": "^1.0.0"}}


def project(name: str, **others: str) -> ProjectFiles:
    main = code(imports='import colors from "picocolors";', fetched="return typeof colors.red;")
    return files(name, main, **{"package.json": json.dumps(MANIFEST), **others})


def lock_of(folder: Path, version: str) -> str:
    """Return the lock file that npm writes for this version of the package."""
    folder.mkdir()
    manifest = {"dependencies": {"picocolors": version}}
    (folder / "package.json").write_text(json.dumps(manifest))
    options = ["install", "--package-lock-only", "--no-audit", "--no-fund"]
    command = [str(NODE), str(NPM_CLI), *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    lock = json.loads((folder / "package-lock.json").read_text())
    lock["packages"][""]["dependencies"] = MANIFEST["dependencies"]
    return json.dumps(lock)


def test_a_locked_package_is_installed_bundled_and_runs(
    installation: Installation, tmp_path: Path
) -> None:
    lock = lock_of(tmp_path / "lock", "1.0.1")
    manifest = json.dumps({"dependencies": MANIFEST["dependencies"]})
    locked = project("locked", **{"package-lock.json": lock, "package.json": manifest})

    workflow = import_files(installation, locked, tmp_path / "project")
    deploy(installation, workflow)

    assert installation.worker(workflow).json() == "function"


def test_a_package_that_does_not_exist_fails_with_npms_reason(
    installation: Installation, tmp_path: Path
) -> None:
    manifest = json.dumps({"dependencies": {"picocolors": "999.0.0"}})
    missing = project("unlocked", **{"package.json": manifest})
    workflow = import_files(installation, missing, tmp_path)

    done = installation.manage("deploy_workflow", workflow, check=False)

    assert done.returncode == 1
    assert "picocolors@999.0.0" in done.stderr
    assert "npm could not install the dependencies" in done.stderr
