"""npm packages of a workflow: installed, bundled by wrangler, and run in workerd."""

from __future__ import annotations

import json
import tempfile

from tests.deployments.fakes import document
from tests.deployments.services.test_main_job import ended_run
from tests.support.installation import Installation

CODE = """import colors from "picocolors";
return { red: typeof colors.red };"""


def depend(installation: Installation, workflow: str, packages: dict[str, str]) -> None:
    """Name the packages as the admin's form does."""
    code = (
        "from workflows.models import Workflow; from workflows.services import save_draft;"
        f"w = Workflow.objects.get(pk={workflow!r}); w.dependencies = {packages!r}; save_draft(w)"
    )
    installation.manage("shell", "-v", "0", "-c", code)


def test_a_package_is_installed_bundled_and_runs(installation: Installation) -> None:
    workflow = installation.import_document(document(CODE))
    depend(installation, workflow, {"picocolors": "1.1.1"})
    installation.manage("deploy_workflow", workflow)
    installation.manage("trigger_workflow", workflow)

    run = ended_run(installation, workflow, "latest")

    assert json.loads(run["steps"][0]["output"])["red"] == "function"


def test_a_missing_package_fails_with_npms_reason(installation: Installation) -> None:
    workflow = installation.import_document(document())
    depend(installation, workflow, {"picocolors": "999.0.0"})

    done = installation.manage("deploy_workflow", workflow, check=False)

    row = installation.json("list_deployments", "--workflow", workflow, "--json")[0]
    assert done.returncode == 1
    assert row["stage"] == "CREATING_WORKER"
    assert "picocolors" in row["message"]
    assert "complete log" not in row["message"]
    assert tempfile.gettempdir() not in row["message"]
