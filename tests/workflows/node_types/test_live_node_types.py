"""A custom node type from its files to a running Worker."""

from __future__ import annotations

import json
from pathlib import Path

from tests.deployments.services.test_main_job import ended_run
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import with_fields
from tests.workflows.node_types.test_load_node_types import write

KEY = {"type": "secret", "envVarName": "PAINT_KEY", "required": True}
TEMPLATE = """import colors from "picocolors";

export default async (ctx) => {
  return { red: typeof colors.red, key: ctx.config.key.length, id: ctx.idempotencyKey };
};
"""


def test_a_loaded_type_runs_with_its_package_and_secret(
    installation: Installation, tmp_path: Path
) -> None:
    value = with_fields(key=KEY) | {"id": "paint", "dependencies": {"picocolors": "1.1.1"}}
    write(tmp_path, value, TEMPLATE, path="paint/1.0.0")
    installation.manage("load_node_types", str(tmp_path))
    document = chain(node("it", "paint"), trigger={"type": "manual"})
    workflow = installation.import_document(document)

    refused = installation.manage("deploy_workflow", workflow, check=False)
    secret = ["set_variable", "PAINT_KEY", "-", "--workflow", workflow, "--secret"]
    installation.manage(*secret, stdin="twelve chars")
    installation.manage("deploy_workflow", workflow)
    installation.manage("trigger_workflow", workflow)

    assert "it: The node needs a secret: set the secret variable PAINT_KEY." in refused.stdout
    output = json.loads(ended_run(installation, workflow, "latest")["steps"][0]["output"])
    assert (output["red"], output["key"], len(output["id"])) == ("function", 12, 64)
